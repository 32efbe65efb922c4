"""Folders that ship with the package: inside it in a wheel, beside it in a source checkout."""

from __future__ import annotations

from pathlib import Path

# the shipped config that quickstart and configure start from
RECIPE = "configs/recognition/ctrgcn/ctrgcn_light_v2_ntucs_joint_aug.yaml"
PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder ``configs``, ``patches``, ...: the wheel's copy, else the checkout's."""
    installed = PACKAGE / name
    return installed if installed.is_dir() else PACKAGE.parent / name
