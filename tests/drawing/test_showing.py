"""``ctrgcn visualize clip`` from the command line: every format, every layout, what is put into the title."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from stick_figures import good

from ctrgcn_plugin import layouts
from ctrgcn_plugin.cli.visualize import COMMAND
from ctrgcn_plugin.data.synthetic import make_clip
from ctrgcn_plugin.deploy.predictor import Prediction
from ctrgcn_plugin.drawing import showing
from ctrgcn_plugin.drawing.chosen import Chosen
from ctrgcn_plugin.drawing.showing import Wishes
from ctrgcn_plugin.errors import UserError

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")


@pytest.fixture
def visualize(tmp_path, monkeypatch, capsys):
    """Runs ``ctrgcn visualize``, with prepared data and a clip in the folder; the files that it has written."""
    monkeypatch.chdir(tmp_path)
    good().write(tmp_path / "data")
    np.save("clip.npy", make_clip("sit down", 1)[:, :4])
    parser = argparse.ArgumentParser()
    COMMAND.arguments(parser)

    def visualize(*arguments):
        assert COMMAND.run(parser.parse_args(list(map(str, arguments)))) == 0
        return [tmp_path / line for line in capsys.readouterr().out.splitlines()]

    return visualize


def titles(path) -> list[str]:
    return re.findall("<figcaption>(.*?)</figcaption>", path.read_text(encoding="utf-8"))


def test_by_default_a_page_named_after_the_clip(visualize):
    (written,) = visualize("clip", "clip.npy")
    assert written.name == "clip.html" and titles(written) == ["clip.npy"]
    (written,) = visualize("clip", "data/xsub/val_data.npy#3")
    assert written.name == "val_data_3.html" and titles(written) == ["d"]


@pytest.mark.parametrize("suffix, begins", [(".gif", b"GIF89a"), (".png", b"\x89PNG"), (".HTML", b"<!DOCTYPE html>")])
def test_formats(visualize, suffix, begins):
    (written,) = visualize("clip", "clip.npy", "-o", f"new/out{suffix}", "--frames", 2)
    assert written.read_bytes().startswith(begins)


def test_several_clips_share_a_page_and_have_files_of_their_own(visualize):
    clips = ["clip.npy", "data/xsub/val_data.npy#0", "data/xsub/val_data.npy#1"]
    (written,) = visualize("clip", *clips)
    assert titles(written) == ["clip.npy", f"{clips[1]}: a", f"{clips[2]}: b"]
    assert written.read_text(encoding="utf-8").count("class Player") == 1
    written = visualize("clip", *clips[1:], "-o", "out.png", "--frames", 1)
    assert [path.name for path in written] == ["out_1.png", "out_2.png"] and all(path.is_file() for path in written)


def test_what_the_user_says_counts_more_than_what_is_beside_the_clip(visualize, tmp_path):
    (tmp_path / "names.txt").write_text("v\nw\nx\ny\nz\n")
    own = {"joints": {"a": None, "left_b": "a", "c": "a", "d": "a"}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own, sort_keys=False))
    row = "data/xsub/val_data.npy#3"
    assert titles(*visualize("clip", row, "--label", "<mine>")) == ["&lt;mine&gt;"]
    assert titles(*visualize("clip", row, "--names", "names.txt")) == ["y"]
    (written,) = visualize("clip", row, "--layout", "own.yaml", "--fps", "12")
    assert '"bones":[[1,0,"left"],[2,0,"trunk"],[3,0,"trunk"]]' in written.read_text(encoding="utf-8")
    assert '"fps":12' in written.read_text(encoding="utf-8")


def test_the_unit_says_which_way_is_up(visualize):
    clip = np.zeros((2, 1, 17, 1))
    clip[1, 0, :, 0] = np.linspace(0, 1, 17)
    np.save("flat.npy", clip)

    def heights(*arguments):
        text = visualize("clip", "flat.npy", *arguments)[0].read_text(encoding="utf-8")
        (frame,) = re.findall(r'"frames":\[\[\[(.*?)\]\]\]', text)
        return list(map(int, frame.split(",")))[1::2]

    assert heights() == sorted(heights()) and heights("--unit", "pixels") == heights()[::-1]


@pytest.mark.parametrize("name", layouts.available())
def test_every_layout_in_every_dimension(visualize, name):
    layout = layouts.get(name)
    for dimensions in (2, 3):
        np.save("own.npy", np.random.default_rng(0).normal(size=(dimensions, 2, layout.num_joints, 2)))
        (written,) = visualize("clip", "own.npy", "--layout", name)
        assert f'"spatial":{str(dimensions == 3).lower()}' in written.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["clip.npy", "-o", "out.bmp"], "cannot write out.bmp: .bmp is none of .html, .gif, .mp4, .png"),
        (["clip.npy", "-o", "out"], "no suffix is none of"),
        (["clip.npy", "--layout", "coco"], "25 joints with layout 'coco', which has 17"),
        (["clip.npy", "--layout", "cocoo"], "unknown graph 'cocoo'; .* Did you mean 'coco'"),
        (["clip.npy", "--importance"], "give all of --importance, -c CONFIG and -p WEIGHTS"),
        (["clip.npy", "-c", "a.yaml"], "give all of --importance"),
        (["clip.npy", "-c", "a.yaml", "--importance"], "give both -c CONFIG and -p WEIGHTS"),
        (["clip.npy", "-m", "nowhere"], "no model at nowhere"),
        (["clip.npy", "--names", "no.txt"], "no class names at no.txt"),
        (["clip.npy", "--fps", "nan"], "cannot play nan frames a second"),
        (["clip.npy"] * 101, "more than 100 clips are named"),
        (["no.npy"], "no clip at no.npy"),
        (["clip.npy", "-o", "clip.npy/out.html"], "clip.npy/out.html cannot be written: .*; give another with -o"),
        (["clip.npy", "-o", "clip.npy/out.png", "--frames", "1"], "clip.npy/out.png cannot be written"),
    ],
)
def test_a_mistake_is_one_line(visualize, tmp_path, arguments, message):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=message) as error:
        visualize("clip", *arguments)
    assert "\n" not in str(error.value) and sorted(tmp_path.rglob("*")) == before


class Answering:
    """What the title asks of a predictor."""

    def __init__(self, names, unit):
        self.names = names
        self.card = SimpleNamespace(unit=unit)

    def predict(self, clips):
        assert clips == ["clip"]
        return [Prediction("clip 0", np.array([0.1, 0.85, 0.05]), self.names)]


@pytest.mark.parametrize(
    "of_model, of_user, label, title",
    [
        (["p", "q", "r"], None, None, "predicted: q (85%), true: c"),
        ([], None, None, "predicted: b (85%), true: c"),
        (["p", "q", "r"], ["v", "w", "x"], None, "predicted: w (85%), true: x"),
        (["p", "q", "r"], None, "other", "predicted: q (85%), true: other"),
    ],
)
def test_the_prediction_is_in_the_title(of_model, of_user, label, title, tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(of_user or []))
    wishes = Wishes(names=str(tmp_path / "names.txt") if of_user else None, label=label)
    wishes.__dict__["predictor"] = Answering(of_model, "metres")
    clip = Chosen(Path("clip"), good().val.clips[2], unit="metres", classes="abc", label=2)
    assert showing._title(clip, wishes, several=False) == title
    assert showing._title(clip, wishes, several=True) == f"clip: {title}"
    wishes.__dict__["predictor"] = Answering(of_model, "trunks")
    with pytest.raises(UserError, match="clip clip is in metres, and model None takes trunks"):
        showing._title(clip, wishes, several=False)


def test_importance_colours_the_joints(visualize, trained):
    config, weights = trained
    network = ("data/xsub/val_data.npy#3", "-c", config, "-p", weights, "--importance")
    by_topology, by_occlusion = (
        re.findall(r'"jointColours":\[(.*?)\]', visualize("clip", *network, *how)[0].read_text(encoding="utf-8"))
        for how in ((), ("--by", "occlusion"))
    )
    assert by_topology and by_occlusion and by_topology != by_occlusion


def test_topology(visualize, trained):
    config, weights = trained
    (written,) = visualize("topology", "data/xsub/val_data.npy#3", "-c", config, "-p", weights, "-o", "t.png")
    assert written.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="cannot write t.gif: a topology is drawn as .png"):
        visualize("topology", "data/xsub/val_data.npy#3", "-c", config, "-p", weights, "-o", "t.gif")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A config and weights of a network for the prepared data's stick figures."""
    paddle = pytest.importorskip("paddle")
    from ctrgcn_plugin.models.network import build_network

    folder = tmp_path_factory.mktemp("trained")
    (folder / "layout.yaml").write_text(yaml.safe_dump(good().layout))
    backbone = {"name": "CTRGCN_light", "base_channel": 8, "graph": str(folder / "layout.yaml"), "num_person": 2}
    head = {"name": "CTRGCNHead", "in_channels": 8, "num_classes": 5}
    model = {"framework": "RecognizerGCN", "backbone": backbone, "head": head}
    inference = {"name": "CTRGCN_Inference_helper", "window_size": 8, "p_interval": [0.95], "vertex_nums": 4}
    config = {"MODEL": model, "INFERENCE": {**inference, "num_channels": 3, "person_nums": 2}, "model_name": "small"}
    (folder / "c.yaml").write_text(yaml.safe_dump(config))
    paddle.seed(0)
    paddle.save(build_network(model).state_dict(), str(folder / "w.pdparams"))
    return folder / "c.yaml", folder / "w.pdparams"
