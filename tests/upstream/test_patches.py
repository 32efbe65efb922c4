"""The series as upstream would take it: ``git am`` in order, and then stock commands work without the plugin."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import paddle
import pytest
from series import link_tree

from ctrgcn_plugin import checkpoint, configs
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.upstream import patches

WITHOUT_PLUGIN = {"PADDLEVIDEO_PLUGINS": "0"}
FOLDER = "configs/recognition/ctrgcn"
SERIES = patches.series()


@pytest.fixture(scope="module")
def patched(upstream_root, tmp_path_factory, git) -> Path:
    """A git repository of upstream's code with all patches that fit, committed by ``git am``."""
    root = tmp_path_factory.mktemp("patched") / "PaddleVideo"
    link_tree(upstream_root, root)
    for command in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-qm", "stock"]):
        git(root, *command)
    fits = patches.plan(root, SERIES).fits
    git(root, "am", "-q", *[patch.file for patch in fits])
    if (upstream_root / ".git").exists():
        assert fits == SERIES, "made for this commit, so all of it applies"
    assert patches.in_place(root) == fits
    return root


@pytest.fixture
def patched_checkout(patched, upstream_root) -> Path:
    if not (upstream_root / ".git").exists():
        pytest.skip("PyPI's PaddleVideo lacks tools/export_model.py, tools/predict.py and configs/")
    return patched


@pytest.mark.parametrize("patch", SERIES, ids=str)
def test_a_patch_explains_itself(patch):
    subject, _, body = patch.file.read_text(encoding="utf-8").split("Subject: [PATCH")[1].partition("\n\n")
    message = body.partition("\n---\n")[0].strip()
    assert patch.subject and len(message) > 80
    # but for what is quoted, which is indented
    assert all(len(line) <= 80 for line in message.splitlines() if not line.startswith("    "))
    assert [each.number for each in SERIES].index(patch.number) == int(patch.number) - 1


def test_each_applies_alone(checkout_root):
    """So that upstream can take any of them."""
    alone = {patch.name: patches.plan(checkout_root, [patch]).others for patch in SERIES}
    assert {name: others for name, others in alone.items() if others} == {}


@pytest.mark.parametrize("modality", ["joint", "bone"])
def test_stock_commands_without_the_plugin(modality, patched_checkout, small, narrow, python, tmp_path):
    """Train, test, export and predict as upstream's own CTR-GCN page has them, on CPU."""
    root, name = patched_checkout, f"CTRGCN_{modality}"
    config = root / FOLDER / f"ctrgcn_ntucs_{modality}.yaml"
    overrides = [*small, *narrow(config.stem), "-o", "INFERENCE.window_size=16"]

    def call(script: str, *arguments: object) -> str:
        result = python([root / script, "-c", config, *arguments], tmp_path, **WITHOUT_PLUGIN)
        assert result.returncode == 0, result.stdout[-3000:]
        assert "ctrgcn_plugin" not in result.stdout
        return result.stdout

    call("main.py", "--validate", *overrides, "--seed", "1")
    weights = tmp_path / "output" / name / f"{name}_best.pdparams"
    assert "avg_acc1" in call("main.py", "--test", *overrides, "-w", weights)
    values = [option for option in overrides if option != "-o"]
    call("tools/export_model.py", "-p", weights, "-o", "inference", *[f"--override={value}" for value in values])

    section = configs.load(config, values)
    clip = np.load(section["DATASET"]["test"]["file_path"])[0]
    np.save(tmp_path / "clip.npy", clip)
    files = ["--model_file", f"inference/{name}.pdmodel", "--params_file", f"inference/{name}.pdiparams"]
    window = ["-o", "INFERENCE.window_size=16"]
    printed = call("tools/predict.py", *window, *files, "--use_gpu=False", "--input_file", "clip.npy")

    network = build_network(section["MODEL"])
    checkpoint.load_into(network, checkpoint.read(weights), weights)
    network.eval()
    sample = centre_crop_resample(clip, 16, 0.95)
    if modality == "bone":
        sample = _bones(sample)
    probabilities = paddle.nn.functional.softmax(network(paddle.to_tensor(sample[None]))).numpy()[0]
    assert int(re.search(r"top-1 class: (\d+)\n", printed)[1]) == probabilities.argmax()
    score = float(re.search(r"top-1 score: ([\d.]+)\n", printed)[1])
    assert score == pytest.approx(probabilities.max(), rel=1e-4)


def _bones(clip: np.ndarray) -> np.ndarray:
    """NTU's bones by hand: each joint minus the one that it hangs on."""
    parents = [2, 21, 21, 3, 21, 5, 6, 7, 21, 9, 10, 11, 1, 13, 14, 15, 1, 17, 18, 19, 21, 23, 8, 25, 12]
    return clip - clip[:, :, np.array(parents) - 1]


def test_upstreams_own_loader_makes_the_hook_stand_back(patched, python, tmp_path):
    """With the patch, upstream loads the plugins when it reads a config, once, and the hook does not."""
    code = f"""
import json, sys
sys.path.insert(0, {str(patched)!r})
import paddle
import paddlevideo.modeling, paddlevideo.loader, paddlevideo.solver
from paddlevideo.modeling.registry import BACKBONES
from ctrgcn_plugin import plugin
calls = []
register = plugin.register
plugin.register = lambda: (calls.append(1), register())
before = "CTRGCN_lightV2" in BACKBONES
from paddlevideo.utils import get_config
for _ in range(2):
    get_config({str(configs.find(configs.shipped()[0]))!r}, show=False)
print("ANSWER" + json.dumps([before, "CTRGCN_lightV2" in BACKBONES, len(calls)]))
"""
    result = python(["-c", code], tmp_path)
    assert json.loads(result.stdout.split("ANSWER")[-1]) == [False, True, 1], result.stdout[-2000:]
