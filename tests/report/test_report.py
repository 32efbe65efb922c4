"""Reports: what is found, what is said of it, and what is said where it is not there."""

from __future__ import annotations

import argparse
import json
import pickle
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import finished_run
import numpy as np
import pytest
import yaml
from finished_run import BENCHMARK, CLASSES, CONFIG, NAME, SCORES, TESTED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.cli import report as command
from ctrgcn_plugin.data.scores import Scores, softmax
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.report import document, writing
from ctrgcn_plugin.report.duplicates import in_training
from ctrgcn_plugin.report.figures import SHADES, matrix, nice
from ctrgcn_plugin.report.markdown import as_markdown, escaped
from ctrgcn_plugin.report.material import ADVICE, Asked, gather
from ctrgcn_plugin.report.model_card import count
from ctrgcn_plugin.report.results import wilson
from ctrgcn_plugin.report.webpage import as_html

pytest.importorskip("jinja2")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Writes a finished run into the working folder."""
    monkeypatch.chdir(tmp_path)
    return lambda made=None: finished_run.write(tmp_path, made or finished_run.data())


def report(**asked):
    return document.make(gather(Asked(**asked)))


def in_json(**asked):
    return json.loads(report(**asked).as_json())


# --- what is found


def test_a_config_alone_finds_all_but_the_benchmark(run):
    said = run()
    found = in_json(config=str(CONFIG))
    assert found["left_out"] == [f"Latency: no benchmark is given; {ADVICE['Latency']}."]
    assert (found["schema"], found["title"], found["clips"]) == (1, NAME, TESTED)
    assert found["classes"] == list("abcde")
    right = int((said.values.argmax(axis=1) == said.labels).sum())
    low, high = wilson(right, TESTED)
    assert right == 16
    assert found["accuracy"]["top1"] == {"value": 0.8, "right": 16, "clips": 20, "low": low, "high": high}
    assert found["accuracy"]["top5"] is None
    assert [row["right"] for row in found["per_class"]] == [3, 4, 1, 4, 4]
    assert found["per_class"][2]["confused_with"] == 4
    assert np.array(found["confusion"]).shape == (CLASSES, CLASSES)
    assert found["duplicates"] == {"clips": 0, "top1_without": found["accuracy"]["top1"]}
    assert [(pair["true"], pair["predicted"], pair["clips"]) for pair in found["confusions"]] == [(2, 4, 3), (0, 1, 1)]
    (worst,) = found["confusions"][0]["worst"]
    probabilities = softmax(said.values.astype(float))
    assert (worst["row"], worst["name"]) == (7, "S001C001P004R001A003")
    assert worst["probability"] == pytest.approx(probabilities[7, 4])
    assert [row["train_loss"] for row in found["curves"]] == pytest.approx([2, 1, 2 / 3])
    assert found["curves"][1]["valid_loss"] is None  # it was NaN
    model = found["model"]
    assert model["Model"]["backbone"] == "CTRGCN_lightV2" and model["Model"]["input"] == [3, 8, 4, 2]
    assert model["Model"]["MACs"] > model["Model"]["parameters"] > 1000
    assert model["Test"]["test clips"] == 20 and model["Test"]["training clips"] == 10
    assert (model["Test"]["data"], model["Test"]["protocol"], model["Test"]["unit"]) == (
        "stick figures",
        "xsub",
        "metres",
    )
    exported = model[f"Exported: {NAME}.json"]
    assert exported["size"] == 1000 * (len(".json") + len(".pdiparams"))
    assert exported["error by engine setting"] == {"paddle/default": 8.5e-7, "paddle/onednn_off": 1.25e-6}


def test_what_is_documented_is_what_there_is(run):
    run()
    found = in_json(scores=SCORES, benchmark=BENCHMARK)
    lines = document.__doc__.split("===\n")[1].splitlines()
    keys = [key for line in lines if (names := re.match(r"(\w+(?:, \w+)*)  ", line)) for key in names[1].split(", ")]
    assert keys == list(found)
    assert found["latency"]["cases"][0]["median_ms"] == 12.345


def test_of_scores_alone_the_rest_is_said_to_be_missing(run):
    run()
    Path("bare.npz").write_bytes(SCORES.read_bytes())
    found = report(scores=Path("bare.npz"))
    parts = [sentence.partition(":")[0] for sentence in found.left_out]
    assert sorted(parts) == sorted(set(ADVICE) - {"Duplicates", "Cost", "Skeletons"})
    assert found.title == "bare" and found.names == [f"class {k}" for k in range(CLASSES)]
    for text in (as_html(found), as_markdown(found)):
        assert "80.0%" in text and "--benchmark" in text.replace("\\", "")
        assert "skeleton-player" not in text.partition("</style>")[2]
        assert "Training" not in text and "Latency</h3>" not in text


def test_what_a_config_names_and_is_not_there_is_left_out(run):
    run()
    config = yaml.safe_load(CONFIG.read_text())
    config["DATASET"]["test"]["file_path"] = "elsewhere/val_data.npy"
    config.update(model_name="another")
    CONFIG.write_text(yaml.safe_dump(config))
    left_out = "\n".join(report(config=str(CONFIG)).left_out)
    assert "there is no elsewhere/val_data.npy" in left_out
    assert f"there is no {Path('output', 'another')}" in left_out
    assert f"the model in inference is {NAME}, not another" in left_out


def test_names_come_from_whoever_knows_them_best(run):
    said = run()
    assert report(config=str(CONFIG)).names == list("abcde")
    replace(said, classes=np.array(list("vwxyz"))).save(SCORES)
    assert report(config=str(CONFIG)).names == list("vwxyz")
    Path("own.txt").write_text("one\ntwo\nthree\nfour\nfive\n")
    assert report(config=str(CONFIG), names="own.txt").names == ["one", "two", "three", "four", "five"]


# --- which clips are which


def test_clips_are_found_by_name_whatever_their_order(run):
    said = run()
    made = finished_run.data()
    order = np.random.default_rng(0).permutation(TESTED)[:15]
    Scores(said.values[order], said.labels[order], np.array(made.val.names)[order]).save(SCORES)
    found = gather(Asked(config=str(CONFIG)))
    np.testing.assert_array_equal(found.tested.rows, order)
    for index, row in enumerate(order):
        np.testing.assert_array_equal(found.tested.clip(index), made.val.clips[row])


def test_without_names_the_order_counts_and_labels_are_taken_from_the_data(run):
    said = run()
    Scores(said.values).save(SCORES)
    with pytest.raises(UserError, match="has no labels, and there are no data to take them from"):
        report(scores=SCORES)
    found = gather(Asked(scores=SCORES, data=Path("prepared")))
    np.testing.assert_array_equal(found.scores.labels, said.labels)
    assert found.clips[3] == "S001C001P003R001A004" and found.tested.layout.num_joints == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.roll(np.arange(TESTED) % CLASSES, 1)}, "labels of 20 of 20 scores differ.*of clip 0.*: 4 and 0"),
        ({"names": np.array([f"clip{n}" for n in range(TESTED)])}, "20 are not there, the first is 'clip0'"),
        ({"keep": 19}, "scores of 19 clips, and 20 clips in"),
    ],
)
def test_scores_of_other_clips_are_refused(run, change, message):
    said = run()
    keep = slice(change.pop("keep", None))
    changed = replace(said, **change)
    changed = Scores(changed.values[keep], changed.labels[keep], changed.names)
    changed.save(SCORES)
    for asked in ({"config": str(CONFIG)}, {"scores": SCORES, "data": Path("prepared")}):
        with pytest.raises(UserError, match=message) as error:
            report(**asked)
        assert "\n" not in str(error.value)


def test_of_several_protocols_the_labels_decide(run):
    run()
    made = finished_run.data()
    other = Path("prepared/xview")
    other.mkdir()
    np.save(other / "val_data.npy", made.val.clips)
    labels = [(label + 1) % CLASSES for label in made.val.labels]
    (other / "val_label.pkl").write_bytes(pickle.dumps((made.val.names, labels)))
    assert gather(Asked(scores=SCORES, data=Path("prepared"))).tested.protocol == "xsub"
    (other / "val_label.pkl").write_bytes(pickle.dumps((made.val.names, made.val.labels)))
    with pytest.raises(UserError, match="fit the clips of .*xsub, .*xview; name one"):
        report(scores=SCORES, data=Path("prepared"))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "no scores to report on; give a score file, or a config"),
        ({"scores": Path("no.npz")}, "no scores at no.npz"),
        ({"scores": SCORES, "config": "no.yaml"}, "no config at no.yaml"),
        ({"scores": SCORES, "data": Path("no")}, "no folder no"),
        ({"scores": SCORES, "data": Path("only_train")}, "no val_data.npy in only_train"),
        ({"scores": SCORES, "run": Path("no")}, "no run's folder at no"),
        ({"scores": SCORES, "run": Path("damaged")}, "damaged.*cannot be read"),
        ({"scores": SCORES, "model": Path("no")}, "no model at no"),
        ({"scores": SCORES, "benchmark": Path("no.json")}, "benchmark no.json cannot be read"),
        ({"scores": SCORES, "benchmark": CONFIG}, "cannot be read as JSON"),
        ({"scores": SCORES, "names": "ntu60"}, "ntu60 has 60 class names for 5 classes"),
        ({"scores": SCORES, "data": Path("prepared"), "layout": "coco"}, "has 4 joints, layout 'coco' has 17"),
        ({"scores": Path("six.npz"), "model": Path("inference")}, f"{NAME} has 5 classes, the scores 6"),
        ({"config": "plain.yaml"}, "plain.yaml has no METRIC.scores"),
        ({"scores": SCORES, "config": "empty.yaml"}, "empty.yaml has MODEL None; a section is needed"),
    ],
)
def test_what_is_named_and_cannot_be_used_is_an_error(run, asked, message):
    run()
    Path("only_train").mkdir()
    np.save("only_train/train_data.npy", np.zeros((1, 3, 4, 4, 2), np.float32))
    Path("damaged/curves").mkdir(parents=True)
    Path("damaged/curves/epochs.csv").write_text("epoch\nx\n")
    Path("plain.yaml").write_text("MODEL: {}\n")
    Path("empty.yaml").write_text("MODEL:\n")
    Scores(np.eye(6), np.arange(6)).save("six.npz")
    with pytest.raises(UserError, match=message) as error:
        report(**asked)
    assert "\n" not in str(error.value)


def test_a_clip_that_cannot_be_shown_is_told_of(run):
    made = finished_run.data()
    made.val.clips[7] = 0
    run(made)
    text = as_html(report(config=str(CONFIG)))
    assert "nobody is in it" in text and text.count('<figure class="skeleton-player"') == 1
    Path("prepared/dataset.yaml").unlink()
    # without a card the config says what skeletons they are
    assert gather(Asked(config=str(CONFIG))).tested.layout.joints[0] == "hip"
    found = report(scores=SCORES, data=Path("prepared"))
    assert "Skeletons: what their joints are is not known" in "\n".join(found.left_out)
    assert '<figure class="skeleton-player"' not in as_html(found)


# --- clips that were trained on


def test_clips_that_were_trained_on_are_counted_and_left_out(run):
    made = finished_run.data()
    made.train.clips[1], made.train.clips[4] = made.val.clips[2], made.val.clips[3]
    # empty ones are all equal
    made.train.clips[5] = made.val.clips[8] = 0
    said = run(made)
    found = report(config=str(CONFIG))
    others = np.setdiff1d(np.arange(TESTED), [2, 3])
    right = int((said.values.argmax(axis=1) == said.labels)[others].sum())
    assert found.duplicates.clips == 2
    assert (found.duplicates.top1_without.right, found.duplicates.top1_without.total) == (right, 18)
    for text in (as_html(found), as_markdown(found)):
        assert re.search(r"2 clips\s+of the test are also among the training clips", text)
        assert f"{right / 18:.1%}" in text
    assert "2 of them were trained on" in found.summary
    # in another order they are the same clips
    Scores(said.values[::-1], said.labels[::-1], np.array(made.val.names)[::-1]).save(SCORES)
    assert report(config=str(CONFIG)).duplicates == found.duplicates


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5), max_size=6), st.lists(st.integers(0, 5), min_size=1, max_size=6), st.integers(3, 6))
def test_duplicates_by_comparing_all(tmp_path, trained, tested, frames):
    clips = np.random.default_rng(0).integers(0, 2, (6, 2, 3, 2, 1)).astype(np.float32)
    clips[0] = 0
    clips[2, :, :1] = clips[1, :, :1]  # they begin alike
    padding = [(0, 0), (0, 0), (0, frames - 3), (0, 0), (0, 0)]
    np.save(tmp_path / "train.npy", np.pad(clips[trained], padding))
    np.save(tmp_path / "test.npy", clips[tested])
    expected = [
        clips[one].any() and any(np.array_equal(clips[one], clips[other]) for other in trained) for one in tested
    ]
    assert in_training(tmp_path / "test.npy", tmp_path / "train.npy").tolist() == expected


# --- formats


class Tags(HTMLParser):
    """Which tags, attributes and texts a page has."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for key, value in attributes if key in ("src", "href", "data", "action")]

    def handle_data(self, data):
        self.texts.append(data)


NASTY = [
    "</script><script>alert(1)",
    "<img src=x onerror=alert(1)>",
    "\"&'{{ 7*7 }}",
    "a|b *c* `d` [e](f) #1 @g",
    "名前",
]


def test_what_the_user_has_named_means_nothing(run):
    said = run()
    plain = Tags(as_html(report(config=str(CONFIG))))
    names = np.array([f"<b>{row}|</b>" for row in range(TESTED)])
    replace(said, names=names, classes=np.array(NASTY)).save(SCORES)
    made = yaml.safe_load(CONFIG.read_text())
    made["model_name"] = "<i>_model_</i>"
    del made["DATASET"]
    CONFIG.write_text(yaml.safe_dump(made))
    found = report(config=str(CONFIG))
    page = Tags(as_html(found))
    assert page.tags.count("script") == plain.tags.count("script") - 3  # two clips and their player
    assert not {"img", "i", "b"} & set(page.tags) - {"i"} and "<i>_model_</i>" in page.texts
    assert all(any(name in text for text in page.texts) for name in NASTY)
    text = as_markdown(found)
    assert "# \\<i\\>\\_model\\_\\</i\\>" in text
    rows = [line for line in text.splitlines() if line.startswith("|") and "\\*c\\*" in line]
    assert rows and all(len(re.findall(r"(?<!\\)\|", row)) in (6, 7) for row in rows)
    assert json.loads(found.as_json())["classes"] == NASTY


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_escaped_text_has_no_bare_special_character(text):
    found = escaped(text)
    assert "\n" not in found and not re.search(r"(?<!\\)(\\\\)*[*_`<>|\[\]~#@&$]", found)
    assert re.sub(r"\\(.)", r"\1", found) == " ".join(text.split())


def test_the_page_asks_for_nothing_and_has_its_clips(run):
    run()
    text = as_html(report(config=str(CONFIG), benchmark=BENCHMARK))
    page = Tags(text)
    assert all(address.startswith(("#", "data:,")) for address in page.addresses)
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org)", text)
    assert text.count('<figure class="skeleton-player"') == 2
    assert page.tags.count("canvas") == 2
    words = " ".join(page.texts)
    for part in ("Loss", "Learning rate", "12.35", "A Processor, 2 cores, paddle 3.3.1", "8.5e-07", "metres", "c → e"):
        assert part in words
    assert "plain paddle/default" not in words  # it failed
    assert "Left out" not in words


def test_markdown_of_a_whole_report(run):
    run()
    text = as_markdown(report(config=str(CONFIG), benchmark=BENCHMARK))
    assert text.startswith("# stick\\_figures\\_joint\n\nTested on stick figures, xsub: 20 clips of 5 classes.\n")
    low, high = wilson(16, 20)
    assert f"| top-1 accuracy | 80.0% | {low:.1%} to {high:.1%} |" in text
    assert "| c | e | 3 | 4 | 75.0% |" in text
    assert "| fused paddle/default | 12.35 | 12.00 | 13.00 | 81.0 | 0.67 | – |" in text
    # every table has as many cells in all of its rows
    for block in text.split("\n\n"):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("|")}
        assert len(widths) <= 1


def test_a_large_report_is_small(run):
    rng = np.random.default_rng(0)
    labels = np.arange(16487) % 60
    values = rng.normal(0, 1, (16487, 60))
    values[np.arange(16487), labels] += 2
    Scores(values, labels).save("large.npz")
    found = report(scores=Path("large.npz"), names="ntu60")
    text = as_html(found)
    assert len(text.encode()) < 200_000
    assert "drink water" in text and found.results.top5.value > found.results.top1.value


# --- files


def test_each_file_gets_the_format_of_its_name(run, capsys):
    run()
    parser = argparse.ArgumentParser()
    command.COMMAND.arguments(parser)
    options = parser.parse_args(["-c", str(CONFIG), "-o", "all", "-o", "one.md", "-o", "deep/one.json"])
    assert command.COMMAND.run(options) == 0
    assert sorted(path.name for path in Path("all").iterdir()) == ["report.html", "report.json", "report.md"]
    assert Path("one.md").read_text() == Path("all/report.md").read_text()
    assert json.loads(Path("deep/one.json").read_text())["title"] == NAME
    said = capsys.readouterr()
    first, *files = said.out.splitlines()
    assert first == f"top-1 80.00% ({wilson(16, 20)[0]:.1%} to {wilson(16, 20)[1]:.1%}), mean class 80.00%, of 20 clips"
    assert files == ["all/report.html", "all/report.json", "all/report.md", "one.md", "deep/one.json"]
    assert "left out: Latency" in said.err


def test_what_cannot_be_written_is_said_before_anything_is_done(run):
    run()
    with pytest.raises(UserError, match=r"no report can be written as a\.pdf; .*\.html, \.json, \.md"):
        writing.targets([Path("a.pdf")])
    Path("file").write_text("")
    with pytest.raises(UserError, match="cannot write file/report.md"):
        writing.write(report(scores=SCORES), [Path("file/report.md")])


# --- geometry


@settings(max_examples=100, deadline=None)
@given(st.floats(-100, 100), st.integers(-9, 9), st.floats(1, 9.99))
def test_ticks_are_round_and_reach_around(start, power, size):
    span = size * 10.0**power
    low, high = start * span, (start + 1) * span
    marks = nice(low, high)
    steps = np.diff(marks)
    slack = 1e-6 * span
    assert 2 <= len(marks) <= 7
    assert marks[0] <= low + slack and marks[-1] >= high - slack
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    assert nice(3, 3) == [3, 4] and nice(0, 0) == [0, 0.25] and nice(0, 0.3) == [0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize("classes", [1, 2, 10, 60, 120])
def test_every_cell_with_clips_is_drawn_once(classes):
    rng = np.random.default_rng(classes)
    taken = rng.integers(0, 4, (classes, classes)) * (rng.random((classes, classes)) < 0.2) + np.eye(classes, dtype=int)
    figure = matrix(taken, [f"an action with a long name, number {k}" for k in range(classes)])
    drawn = {}
    for shade in figure.shades:
        for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", shade.path):
            assert shade.right == (x == y)
            drawn[int(y), int(x)] = shade.opacity
    assert set(drawn) == {tuple(cell) for cell in np.argwhere(taken).tolist()}
    totals = taken.sum(axis=1)
    for (true, predicted), opacity in drawn.items():
        share = taken[true, predicted] / totals[true]
        assert opacity == next(strength for most, strength in SHADES if share <= most)
    assert np.array(figure.cells).reshape(-1, 3).tolist() == [[t, p, taken[t, p]] for t, p in np.argwhere(taken)]
    assert bool(figure.counts) == (classes <= 20)
    # the whole is no wider than a page, with room for names
    assert figure.gutter + classes * figure.cell <= 1150 and figure.font >= 7


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999_999, "999,999"), (81_210_000, "81.2 M"), (2.5e9, "2.5 G")])
def test_large_numbers_are_short(number, text):
    assert count(number) == text


# --- a damaged record


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
measures = st.sampled_from(["case", "median_ms", "size_mb", "failed"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({"cases": plain | st.lists(st.dictionaries(measures, plain), max_size=2)}) | plain, plain)
def test_any_json_is_a_benchmark_or_an_error(tmp_path, record, machine):
    scores, file = tmp_path / "scores.npz", tmp_path / "latency.json"
    if not scores.exists():
        Scores(np.eye(3), np.arange(3)).save(scores)
    if isinstance(record, dict):
        record = {**record, "machine": machine, "versions": machine}
    file.write_text(json.dumps(record))
    try:
        found = report(scores=scores, benchmark=file)
    except UserError:
        return
    # JSON has no NaN, and numbers of any size are shown
    assert "NaN" not in re.sub(r'"[^"]*"', "", found.as_json())
    as_markdown(found)
