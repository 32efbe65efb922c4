"""The figures on the model pages are those of the code, and each shipped config stands on the page of its model."""

from __future__ import annotations

import re

import pytest
from doc_pages import ROOT

from ctrgcn_plugin import configs
from ctrgcn_plugin.models import complexity
from ctrgcn_plugin.models.network import build_network

FOLDER = ROOT / "docs" / "en" / "model_zoo" / "recognition"
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted(FOLDER.glob("*.md"))}
NW_UCLA = (ROOT / "docs" / "en" / "nw_ucla.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\w+) \| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", flags=re.M)


@pytest.mark.parametrize("row", sorted({row for page in PAGES.values() for row in ROW.findall(page)}), ids=" ".join)
def test_figures(row):
    name, blocks, width, millions, billions = row
    head = {"name": "CTRGCNHead", "in_channels": int(width), "num_classes": 60}
    network = build_network({"backbone": {"name": name, "base_channel": int(width)}, "head": head})
    assert len(network.backbone.block_names) == int(blocks)
    assert f"{sum(complexity.parameters(network).values()) / 1e6:.2f}" == millions
    assert f"{complexity.macs(network, frames=64) / 1e9:.2f}" == billions


def test_every_page_has_its_own_row():
    assert [len(ROW.findall(page)) for page in PAGES.values()] == [2] * len(PAGES)


@pytest.mark.parametrize("config", configs.shipped())
def test_every_config_is_documented(config):
    name = config.rpartition("/")[2]
    if "nwucla" in name:
        assert f"-c {config}" in NW_UCLA
        return
    page = max((stem for stem in PAGES if name.startswith(stem)), key=len)
    assert f"--validate -c {config}" in PAGES[page]
    accuracies = re.findall(
        r"Published top-1: ([\d.]+)(?:, later ([\d.]+))?", (ROOT / config).read_text(encoding="utf-8")
    )
    for accuracy in accuracies:
        assert f"| {accuracy[1] or accuracy[0]} |" in PAGES[page]
