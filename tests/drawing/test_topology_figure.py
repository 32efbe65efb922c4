"""Topologies as pictures: which block, channels and links are chosen, and that a picture appears or nothing does."""

from __future__ import annotations

import numpy as np
import pytest

from ctrgcn_plugin import layouts
from ctrgcn_plugin.drawing import topology_figure
from ctrgcn_plugin.drawing.skeleton import Skeletons
from ctrgcn_plugin.drawing.topology_figure import differing, draw_topology, strongest_links
from ctrgcn_plugin.errors import ClipError, ConfigError
from ctrgcn_plugin.layouts import Layout
from ctrgcn_plugin.models.topology import Topology

pytest.importorskip("matplotlib")

NTU = layouts.get("ntu_rgb_d")
CHAIN = Layout("chain", ("hip", "knee", "ankle", "foot"), (0, 0, 1, 2), dimensions=2)
STILL = np.tile(np.arange(8.0).reshape(2, 1, 4, 1), (1, 2, 1, 1)) + 1


def refined(block: str, by: float, layout: Layout = CHAIN, channels: int = 6) -> Topology:
    """The layout's own topology, each entry of each channel changed by about so much."""
    shared = layout.adjacency()
    noise = np.random.default_rng(0).normal(0, by, (3, channels, layout.num_joints, layout.num_joints))
    return Topology(block, shared, shared[:, None] + noise)


@pytest.fixture(autouse=True)
def _coarse(monkeypatch):
    monkeypatch.setattr(topology_figure, "DPI", 40)


@pytest.fixture
def figure(tmp_path, monkeypatch):
    """Draws, and gives the figure as it was when it was saved."""
    from matplotlib.figure import Figure

    saved = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kw: (saved.append(self), save(self, *args, **kw)))

    def draw(topologies, clip, **options):
        draw_topology(topologies, clip, tmp_path / "topology.png", **options)
        assert (tmp_path / "topology.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        return saved[-1]

    return draw


def _matrices(figure) -> dict[str, np.ndarray]:
    return {axes.get_title(): axes.images[0].get_array() for axes in figure.axes if axes.images}


def test_what_is_in_the_picture(figure):
    one = refined("l4", 0.1)
    found = figure([refined("l1", 0.01), one, refined("l9", 0.05)], STILL, layout=CHAIN, title="sit down")
    assert found.get_suptitle() == "sit down\nblock l4"  # which refines the most
    matrices = _matrices(found)
    channels = differing(np.abs(one.refined).sum(0), 3)
    assert list(matrices) == [
        "shared topology",
        "refined, mean of 6 channels",
        *(f"refined, channel {channel}" for channel in channels),
    ]
    np.testing.assert_allclose(matrices["shared topology"], np.abs(one.shared).sum(0))
    np.testing.assert_allclose(matrices[f"refined, channel {channels[0]}"], np.abs(one.refined[:, channels[0]]).sum(0))
    assert len({(axes.images[0].norm.vmin, axes.images[0].norm.vmax) for axes in found.axes if axes.images}) == 1


@pytest.mark.parametrize("channels, shown", [(1, 1), (5, 5), (9, 6)])
def test_as_many_channels_as_there_are(figure, channels, shown):
    found = figure([refined("l1", 0.1), refined("l2", 0.2)], STILL, layout=CHAIN, block="l1", channels=channels)
    assert len(_matrices(found)) == 2 + shown


def test_every_name_is_in_the_picture_and_covers_no_other(figure):
    """Of the layout with the most joints."""
    layout = layouts.get("mediapipe_pose")
    clip = np.random.default_rng(0).normal(size=(layout.dimensions, 2, layout.num_joints, 1))
    found = figure([refined("l1", 0.1, layout)], clip, layout=layout, channels=1)
    width, height = found.get_size_inches() * found.dpi
    for labels, axis in ((found.axes[1].get_yticklabels(), 1), (found.axes[1].get_xticklabels(), 0)):
        assert [label.get_text() for label in labels] == [name.replace("_", " ") for name in layout.joints]
        boxes = [label.get_window_extent().get_points() for label in labels]
        assert all((box >= 0).all() and (box <= (width, height)).all() for box in boxes)
        centres = np.array([box[:, axis].mean() for box in boxes])
        assert (np.abs(np.diff(centres)) > labels[0].get_fontsize() / 72 * found.dpi).all()


def test_channels_that_differ():
    maps = np.zeros((5, 2, 2))
    maps[1, 0, 0], maps[3, 1, 1], maps[4, 1, 1] = 5, -3, -2.9
    assert differing(maps, 1) == [1]
    assert differing(maps, 3) == [0, 1, 3]  # and not 4, which is nearly 3
    assert differing(maps, 9) == [0, 1, 2, 3, 4]


def test_strongest_links_are_no_bones_and_no_joint_with_itself():
    weights = NTU.adjacency().sum(0)
    assert strongest_links(weights, NTU) == []
    weights[3, 7], weights[7, 3] = 0.2, 0.4
    assert strongest_links(weights, NTU) == [(7, 3), (3, 7)]
    assert strongest_links(weights, NTU, 1) == [(7, 3)]


def test_an_arrow_goes_to_the_joint_that_takes(figure):
    one = Topology("l1", CHAIN.adjacency(), CHAIN.adjacency()[:, None].copy())
    one.refined[0, 0, 3, 1] = 0.5  # the foot takes of the knee
    body = next(axes for axes in figure([one], STILL, layout=CHAIN).axes if axes.get_title().startswith("strongest"))
    (arrow,) = body.texts
    points = Skeletons.of(STILL, CHAIN).seen()[1, 0]
    np.testing.assert_allclose(arrow.xy, points[3, :2])
    np.testing.assert_allclose(arrow.xyann, points[1, :2])


def test_the_same_topology_gives_the_same_bytes(tmp_path):
    for name in "ab":
        draw_topology([refined("l1", 0.1)], STILL, tmp_path / name, layout=CHAIN)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "options, clip, error, message",
    [
        ({"block": "l3"}, STILL, ConfigError, "block with spatial modelling 'l3'; available: l1"),
        ({"layout": NTU}, STILL, ClipError, "4 joints .* 'ntu_rgb_d', which has 25"),
        ({}, np.zeros_like(STILL), ClipError, "nobody is in it"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, options, clip, error, message):
    with pytest.raises(error, match=message):
        draw_topology([refined("l1", 0.1)], clip, tmp_path / "a.png", **{"layout": CHAIN, **options})
    assert not list(tmp_path.iterdir())
