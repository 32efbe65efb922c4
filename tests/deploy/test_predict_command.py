"""``ctrgcn predict`` over videos, keypoints and time: what it says and writes is what the predictor answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
import untrained
import yaml

from ctrgcn_plugin import pose
from ctrgcn_plugin.cli import main
from ctrgcn_plugin.data import clips
from ctrgcn_plugin.data.footage import Keypoints
from ctrgcn_plugin.data.sources.poses import Pose, Recorded
from ctrgcn_plugin.deploy.card import card_of
from ctrgcn_plugin.deploy.export import export
from ctrgcn_plugin.deploy.predictor import Predictor

FRAMES, RATE, JOINTS = 50, 10.0, 17
NAMES = ["sit down", "stand up", "fall"]
CONFIG: dict[str, Any] = {
    "MODEL": {
        "backbone": {"name": "CTRGCN_lightV2", "base_channel": 8, "graph": "coco", "in_channels": 2, "num_person": 1},
        "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": len(NAMES)},
    },
    "INFERENCE": {
        "window_size": 16,
        "p_interval": [0.95],
        "num_channels": 2,
        "vertex_nums": JOINTS,
        "person_nums": 1,
    },
    "model_name": "tiny",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of no training for COCO's joints in trunks, exported."""
    folder = tmp_path_factory.mktemp("predict")
    card = {"name": "own", "layout": "coco", "coordinates": 2, "persons": 1, "frames": 9, "unit": "trunks"}
    (folder / "dataset.yaml").write_text(yaml.safe_dump({**card, "classes": NAMES, "protocols": {}}))
    config = {**CONFIG, "DATASET": {"test": {"file_path": str(folder / "split" / "val_data.npy")}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    untrained.save(CONFIG["MODEL"], folder / "best.pdparams")
    exported = export(folder / "config.yaml", folder / "best.pdparams", folder / "model")
    # of one setting, none has to be timed
    exported.card.verified.pop("paddle/default")
    card_of(exported.model).write_text(exported.card.text())
    return folder / "model"


@pytest.fixture(scope="module")
def predictor(model: Path) -> Predictor:
    return Predictor(model)


def walk() -> np.ndarray:
    """(T, V, 3): x, y downward and confidence of one person in a picture; from frame 20 to 30 nobody."""
    rng = np.random.default_rng(0)
    body = rng.uniform(0, 100, (JOINTS, 2)) + rng.normal(0, 9, (FRAMES, JOINTS, 2)).cumsum(axis=0)
    return np.concatenate([body, np.ones((FRAMES, JOINTS, 1))], axis=2)


def there() -> list[int]:
    return [frame for frame in range(FRAMES) if not 20 <= frame < 30]


@pytest.fixture(scope="module")
def keypoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "walk.json"
    people = walk()
    path.write_text(json.dumps([{"image_id": t, "keypoints": people[t].ravel().tolist()} for t in there()]))
    return path


class Detector:
    """An estimator that knows the answer."""

    name, layout, world = "mediapipe", "coco", ""

    def recorded(self, video: Path, keep: Optional[Path] = None) -> Recorded:
        people = walk() * (1, -1, 1)
        return Recorded([Pose(frame, people[frame]) for frame in there()], RATE)


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pose, "get", lambda name, **options: Detector())
    path = tmp_path / "walk.mp4"
    path.touch()
    return path


Run = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def run(predictor: Predictor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with the model that is loaded already: its exit status, lines of stdout, and stderr."""
    monkeypatch.setattr("ctrgcn_plugin.answering.Predictor", lambda *_, **__: predictor)

    def run(*arguments: object) -> tuple[int, list[str], str]:
        status = main(["predict", "-m", "model", *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err

    return run


def test_a_video_is_answered_as_its_keypoints_are(run: Run, predictor: Predictor, keypoints: Path, video: Path) -> None:
    status, lines, _ = run("--json", "-i", keypoints, "--video", video)
    of_keypoints, of_video = map(json.loads, lines)
    assert (status, of_keypoints["clip"], of_video["clip"]) == (0, str(keypoints), str(video))
    assert of_keypoints["top"] == of_video["top"]
    (expected,) = predictor.predict([keypoints])
    assert [answer["class"] for answer in of_video["top"]] == [index for index, _ in expected.top(5)]
    for answer in of_video["top"]:
        assert answer["name"] == NAMES[answer["class"]]
        assert answer["probability"] == pytest.approx(expected.scores[answer["class"]], abs=2e-6)
    assert np.ptp(expected.scores) > 0.01


def test_text(model: Path, video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["predict", "-m", str(model), "--video", str(video), "-k", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert (status, lines[0], len(lines)) == (0, str(video), 3)
    assert all(line.split("  ")[2] in NAMES and "%" in line for line in lines[1:])


def test_a_time_line(run: Run, predictor: Predictor, video: Path, tmp_path: Path) -> None:
    status, lines, err = run("--video", video, "--window", "1s", "--stride", "1s", "-o", tmp_path / "out", "--json")
    assert status == 0
    assert "1 of 5 windows without an answer; the first: clip" in err and "nobody" in err
    told = [json.loads(line) for line in lines]
    with (tmp_path / "out" / "walk.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(told)
    footage = Keypoints(str(video), Detector().recorded(video), predictor.needs)
    frames = []
    for row, answer in zip(rows, told):
        start, stop = answer["frames"]
        assert [row["start_frame"], row["end_frame"]] == [str(start), str(stop)]
        assert (
            answer["seconds"] == [start / RATE, stop / RATE] == [float(row["start_seconds"]), float(row["end_seconds"])]
        )
        assert (row["action"], int(row["class"])) == (answer["name"], answer["class"])
        # of windows that do not overlap, a segment's answer is their mean
        parts = predictor.predict([footage.clip(at, at + 10) for at in range(start, stop, 10)])
        mean = np.mean([part.scores for part in parts], axis=0)
        assert float(row["probability"]) == pytest.approx(mean.max(), abs=2e-6)
        assert int(row["second_class"]) == np.argsort(-mean)[1]
        frames += range(start, stop)
    assert frames == there()


def test_a_time_line_as_text_and_picture(run: Run, keypoints: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    status, lines, err = run("-i", keypoints, "--window", 10, "-o", tmp_path)
    assert (status, lines[0]) == (0, str(keypoints))
    assert lines[1].split()[:2] == ["frames", "0"]
    assert (tmp_path / "walk.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "walk.csv") in err and str(tmp_path / "walk.png") in err
    _, lines, _ = run("-i", keypoints, "--window", "1s", "--fps", 5, "-o", tmp_path)
    assert lines[1].split()[0] == "0.0" and lines[-1].split()[2] == "10.0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to predict: give clips with --input, or videos with --video"),
        (["-i", "{keypoints}", "--stride", "5"], "--stride needs a --window"),
        (["-i", "{keypoints}", "--window", "2s"], "2s cannot be told in frames"),
        (["-i", "{keypoints}", "{keypoints}", "--window", "20"], "would both be walk.csv; answer them one by one"),
        (["-i", "{keypoints}", "--keypoints", "mediapipe"], "walk.json"),
        (["-i", "{keypoints}", "--layout", "mine"], "is not shipped; give its file with --layout"),
        (["--video", "none.mp4"], "no video at none.mp4"),
    ],
)
def test_mistakes(run: Run, keypoints: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    given = [argument.format(keypoints=keypoints) for argument in arguments]
    status, _, err = run(*given, "-o", tmp_path)
    error = next(line for line in err.splitlines() if line.startswith("ctrgcn: error:"))
    assert status == 1 and message in error


def test_what_is_opened_can_be_predicted(predictor: Predictor, keypoints: Path) -> None:
    opened = clips.opened(keypoints, predictor.needs)
    one, other, part = predictor.predict([opened, str(keypoints), opened.clip(0, 20)])
    assert one.source == other.source == str(keypoints)
    np.testing.assert_array_equal(one.scores, other.scores)
    assert np.abs(part.scores - one.scores).max() > 1e-4


def test_an_older_model_says_what_it_guesses(
    predictor: Predictor, keypoints: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = clips.opened(keypoints, replace(predictor.needs, layout="", unit=""))
    np.testing.assert_array_equal(old.clip(), clips.opened(keypoints, predictor.needs).clip())
    assert "taken to be in trunks" in caplog.text


def test_bad_clips_are_named_and_the_others_answered(run: Run, keypoints: Path, video: Path, tmp_path: Path) -> None:
    """Of one clip its error is the command's, see test_mistakes."""
    bad = tmp_path / "bad.json"
    bad.write_text("[{]")
    given = ["--keypoints", "coco", "-i", keypoints, bad, tmp_path / "gone.json", "--video", tmp_path / "no.mp4", video]
    status, lines, err = run("--json", *given)
    answered = [json.loads(line)["clip"] for line in lines]
    errors = [line.removeprefix("ctrgcn: error: ") for line in err.splitlines() if line.startswith("ctrgcn: error:")]
    assert (status, answered) == (1, [str(keypoints), str(video)])
    assert [next(name for name in ("bad.json", "gone.json", "no.mp4") if name in line) for line in errors[:-1]] == [
        "bad.json",
        "gone.json",
        "no.mp4",
    ]
    assert errors[-1] == "3 of 5 clips have no answer, for the reasons above"

    status, lines, err = run("--window", 10, "-o", tmp_path / "out", "-i", bad, keypoints)
    assert status == 1 and str(keypoints) in lines and (tmp_path / "out" / "walk.csv").is_file()
    assert err.count("ctrgcn: error:") == 2 and "1 of 2 clips have no answer" in err
