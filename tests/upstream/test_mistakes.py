"""A user's mistake under stock ``main.py`` is one line that says what to do, and exit status 1."""

from __future__ import annotations

import os
from pathlib import Path

import paddle
import pytest

from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.upstream import config_check

FOLDER = "configs/recognition/ctrgcn"
AUG = f"{FOLDER}/ctrgcn_light_v2_ntucs_joint_aug.yaml"
DML = f"{FOLDER}/ctrgcn_lite_ntucs_joint_dml.yaml"
LIGHT = f"{FOLDER}/ctrgcn_light_ntucs_joint.yaml"
TRAIN, TEST = "--validate", "--test"
ROTATION = "PIPELINE.train.transform.0.RandomRotation"
PRETRAINED = ("MODEL.models.0.Teacher.backbone.pretrained", "MODEL.models.1.Student.backbone.pretrained")
# mode, config, overrides, what the line must say
MISTAKES = {
    "config": (TRAIN, "configs/no.yaml", [], "no config at configs/no.yaml; the plugin ships: "),
    "graph": (TRAIN, AUG, ["MODEL.backbone.graph=ntu_rgbd"], "Did you mean 'ntu_rgb_d'? A layout of your own"),
    "layout": (TRAIN, AUG, ["MODEL.backbone.graph=my.yaml"], "layout my.yaml: there is no such file"),
    "data": (TEST, AUG, ["MODEL.backbone.graph=coco", "MODEL.backbone.num_point=17"], "graph=body_25 or ntu_rgb_d, "),
    "key": (TRAIN, AUG, ["MODEL.backbone.chanel=8"], "unknown key in MODEL.backbone (CTRGCN_lightV2) 'chanel'"),
    "head key": (TRAIN, AUG, ["MODEL.head.dropout=1"], "unknown key in MODEL.head (CTRGCNMixupHead) 'dropout'"),
    "top level": (TRAIN, AUG, ["epoch=3"], "unknown config key 'epoch'; did you mean 'epochs'?"),
    "schedule": (TRAIN, AUG, ["OPTIMIZER.learning_rate.name=Warm"], "unknown OPTIMIZER.learning_rate.name 'Warm'"),
    "pipeline": (TRAIN, AUG, [f"{ROTATION}.angle=1"], "unknown key in PIPELINE.train.transform.RandomRotation"),
    "width": (TRAIN, LIGHT, ["MODEL.backbone.base_channel=13"], "base_channel must be a multiple of 4"),
    "pretrained": (TRAIN, DML, [], "`pretrained` of 'Teacher': no checkpoint at data/CTRGCN_ntucs_joint.pdparams"),
    "teacher": (TRAIN, DML, [f"{key}=''" for key in PRETRAINED], "Teacher: frozen, but neither `pretrained` nor -w"),
    "no weights": (TEST, AUG, [], "testing needs a checkpoint, none was given; name one with -w"),
    "output": (TRAIN, AUG, ["output_dir=/dev/null/x"], "output_dir /dev/null/x cannot be written"),
}


def _error(log: str) -> str:
    (line,) = (line for line in log.splitlines() if line.startswith("error: "))
    return line


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name, ppvideo_root, small, python, tmp_path):
    mode, config, overrides, message = MISTAKES[name]
    options = [part for override in overrides for part in ("-o", override)]
    result = python([ppvideo_root / "main.py", mode, "-c", config, *small, *options], tmp_path)
    assert result.returncode == 1, result.stdout[-2000:]
    assert message in _error(result.stdout)
    assert "Traceback" not in result.stdout
    assert not list(tmp_path.rglob("*.pdparams"))


@pytest.mark.parametrize("place", ["", "below/it"])
def test_output_where_there_is_a_file(place, tmp_path):
    (tmp_path / "file").write_text("of the user's")
    with pytest.raises(UserError, match=r"cannot be written: (File exists|Not a directory); give another with"):
        config_check.check_output(tmp_path / "file" / place)
    assert (tmp_path / "file").read_text() == "of the user's"


@pytest.mark.skipif(not os.getuid(), reason="root may write anywhere")
def test_output_in_a_folder_of_somebody_else(tmp_path):
    tmp_path.chmod(0o555)
    for folder in (tmp_path, tmp_path / "new"):
        with pytest.raises(UserError, match=f"^output_dir {folder} cannot be written: Permission denied; give another"):
            config_check.check_output(folder)


def _save(path: Path, backbone: str, width: int) -> Path:
    head = {"name": "CTRGCNHead", "in_channels": width, "num_classes": 60}
    network = build_network({"backbone": {"name": backbone, "base_channel": width}, "head": head})
    paddle.save(network.state_dict(), str(path))
    return path


@pytest.mark.parametrize(
    "backbone, width, found",
    [
        ("CTRGCN_lightV2", 8, "25 keys match, 376 misfit"),
        ("CTRGCN_light", 60, "missing"),
        (None, 0, "no checkpoint at"),
    ],
    ids=["another width", "another model", "missing"],
)
def test_checkpoint_of_another_model(backbone, width, found, ppvideo_root, small, python, tmp_path):
    weights = tmp_path / "other.pdparams"
    if backbone:
        _save(weights, backbone, width)
    result = python([ppvideo_root / "main.py", TEST, "-c", AUG, *small, "-w", weights], tmp_path)
    assert result.returncode == 1, result.stdout[-2000:]
    assert found in _error(result.stdout) and "Traceback" not in result.stdout
