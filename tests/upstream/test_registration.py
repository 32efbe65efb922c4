"""What the plugin puts into the registries of stock PaddleVideo, how often, and when it does not."""

from __future__ import annotations

import json
import shutil
import textwrap

import pytest

CONTENT = """
import json, sys
sys.path.insert(0, {root!r})
import paddle
{before}
from paddlevideo.modeling import registry as modeling
from paddlevideo.solver import custom_lr
lazy = "paddlevideo.loader" not in sys.modules
from paddlevideo.loader import registry as loader
{after}
names = {{
    "BACKBONES": ["CTRGCNLite", "CTRGCNRectified", "CTRGCN_light", "CTRGCN_lightV2", "CTRGCN"],
    "HEADS": ["CTRGCNMixupHead"],
    "LOSSES": ["MutualCELoss", "MutualKLLoss"],
    "RECOGNIZERS": ["RecognizerMutualDistillation"],
    "DATASETS": ["MappedSkeletonDataset"],
    "PIPELINES": ["SkeletonCropResample", "SkeletonRotation", "SkeletonAugment"],
}}
tables = {{name: getattr(modeling, name, None) or getattr(loader, name) for name in names}}
found = {{
    name: tables[table].get(name).__module__ if name in tables[table] else None
    for table, wanted in names.items() for name in wanted
}}
found["WarmupCosineDecay"] = getattr(getattr(custom_lr, "WarmupCosineDecay", None), "__module__", None)
print("ANSWER" + json.dumps(found))
"""
OURS = {
    "CTRGCNLite": "ctrgcn_plugin.models.backbones",
    "CTRGCNRectified": "ctrgcn_plugin.models.backbones",
    "CTRGCN_light": "ctrgcn_plugin.models.backbones",
    "CTRGCN_lightV2": "ctrgcn_plugin.models.backbones",
    "CTRGCN": "paddlevideo.modeling.backbones.ctrgcn",
    "CTRGCNMixupHead": "ctrgcn_plugin.models.heads",
    "MutualCELoss": "ctrgcn_plugin.models.mutual",
    "MutualKLLoss": "ctrgcn_plugin.models.mutual",
    "RecognizerMutualDistillation": "ctrgcn_plugin.upstream.recognizers",
    "MappedSkeletonDataset": "ctrgcn_plugin.upstream.dataset",
    "SkeletonCropResample": "ctrgcn_plugin.upstream.pipeline",
    "SkeletonRotation": "ctrgcn_plugin.upstream.pipeline",
    "SkeletonAugment": "ctrgcn_plugin.upstream.pipeline",
    "WarmupCosineDecay": "ctrgcn_plugin.schedules",
}


@pytest.fixture
def registries(ppvideo_root, python, tmp_path):
    """Name -> module of what the registries hold, and all that was printed."""

    def read(before: str = "", after: str = "", root=ppvideo_root, **environment: str) -> tuple[dict, str]:
        parts = {"before": textwrap.dedent(before), "after": textwrap.dedent(after)}
        code = CONTENT.format(root=str(root), **parts)
        printed = python(["-c", code], tmp_path, **environment).stdout
        return json.loads(printed.split("ANSWER")[1]), printed

    return read


def test_everything_is_registered(registries):
    """What is for the loader only when that is imported, which nothing of ours does: not even the modules of a
    pickled dataset, which a worker that is not forked imports before PaddleVideo."""
    before = "import ctrgcn_plugin.upstream.dataset, ctrgcn_plugin.upstream.pipeline"
    found, printed = registries(before, after="print('LAZY', lazy)")
    assert found == OURS and "LAZY True" in printed
    assert "ctrgcn" not in printed.split("ANSWER")[0]


@pytest.mark.parametrize("first", ["loader", "metrics", "solver", "tasks"])
def test_whatever_part_is_imported_first(registries, first):
    assert registries(before=f"import paddlevideo.{first}")[0] == OURS


def test_twice_is_once(registries):
    found, printed = registries(after="from ctrgcn_plugin.plugin import register\nregister()\nregister()")
    assert found == OURS and "of its own" not in printed


def test_a_fork_keeps_the_class_that_it_has(registries, ppvideo_root, tmp_path):
    fork = tmp_path / "fork"
    shutil.copytree(ppvideo_root / "paddlevideo", fork / "paddlevideo")
    with (fork / "paddlevideo/modeling/backbones/ctrgcn.py").open("a") as file:
        file.write("\n\n@BACKBONES.register()\nclass CTRGCN_light(CTRGCN):\n    pass\n")
    found, printed = registries(root=fork)
    assert found == {**OURS, "CTRGCN_light": "paddlevideo.modeling.backbones.ctrgcn"}
    assert "this PaddleVideo has a CTRGCN_light of its own; the plugin's is not used" in printed


def test_a_paddle_that_is_too_old_is_said_and_upstream_goes_on(registries):
    found, printed = registries(before="paddle.__version__ = '2.4.2'")
    assert found["CTRGCN"] == OURS["CTRGCN"] and found["CTRGCN_light"] is None
    (line,) = (line for line in printed.splitlines() if "plugin 'ctrgcn'" in line)
    assert "PaddlePaddle 2.4.2 is too old, 2.6.2 is needed" in line and "PADDLEVIDEO_PLUGINS=0" in line


def test_switched_off_there_is_nothing_of_ours(registries):
    # stock ppvideo does not import on Paddle 3 without the fixes, so they stay on and the plugin is left out
    found, _ = registries(before="from ctrgcn_plugin.upstream import fixes\nfixes.attach()", PADDLEVIDEO_PLUGINS="0")
    assert {name for name, module in found.items() if module} == {"CTRGCN"}
