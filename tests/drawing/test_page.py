"""The player of clips: what is in its page, and how it behaves in a real browser."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.synthetic import make_clip
from ctrgcn_plugin.drawing import page, skeleton
from ctrgcn_plugin.drawing.page import player, write
from ctrgcn_plugin.drawing.skeleton import Skeletons
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
image = pytest.importorskip("PIL.Image")
pytest_plugins = ["browser"]

NTU, COCO = layouts.get("ntu_rgb_d"), layouts.get("coco")
HARM = "</script><b>shove</b> & 'push' \"{{ 1 }}\" \u2028 $x$"
PHONE = {"width": 360, "height": 720}
# in the page's scripts, of a figure
NUMBER = "figure => figure.skeletonPlayer.frame"
PLAYING = "figure => figure.skeletonPlayer.playing"
POSITIONS = "figure => figure.skeletonPlayer.positions()"
BEGUN = "figure => Boolean(figure.skeletonPlayer)"


def pixels(figure) -> np.ndarray:
    """A player's canvas, (H, W, 4), 0 to 255."""
    address = figure.evaluate("figure => figure.querySelector('canvas').toDataURL()")
    return np.asarray(image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGBA")).astype(int)


def drawn(figure) -> int:
    """How many pixels are not empty."""
    return np.count_nonzero(pixels(figure)[..., 3])


def two_people(frames: int = 40) -> np.ndarray:
    """(3, T, 25, 2) with gaps, somebody who comes later, and a joint that is never seen."""
    clip = np.array(make_clip("walk toward each other", 3)[:, :frames])
    clip[:, :5, :, 1] = 0
    clip[:, 10:20, 7, 0] = np.nan
    clip[:, :, 11, 1] = np.nan
    return clip


def flat(clip: np.ndarray) -> np.ndarray:
    """A 3-D clip as somebody with a camera sees it."""
    return clip[:2] * np.array([-1, 1])[:, None, None, None]


def content(fragment: str) -> dict:
    """What the script of a player is given."""
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', fragment, re.DOTALL)
    return json.loads(text)


def test_a_page_of_a_hundred_frames_is_small(tmp_path):
    clip = np.random.default_rng(0).normal(size=(3, 100, 25, 2))
    write([player(clip, NTU)], tmp_path / "clip.html", "clip")
    assert (tmp_path / "clip.html").stat().st_size < 150_000


def test_the_same_clip_gives_the_same_page():
    assert player(two_people(), NTU, title="a") == player(two_people(), NTU, title="a") != player(two_people(), NTU)


def test_nothing_is_asked_of_others_and_all_text_is_text(tmp_path):
    write([player(two_people(4), NTU, title=HARM)], tmp_path / "clip.html", HARM)
    text = (tmp_path / "clip.html").read_text(encoding="utf-8")
    assert "<b>" not in text and text.count("</script>") == 2
    assert html.escape(HARM).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in text
    assert not re.search(r"https?://|\bsrc=|@import|url\(", text)


def test_of_several_players_one_has_the_script(tmp_path):
    first, second = player(two_people(4), NTU), player(two_people(4), NTU, script=False)
    assert "class Player" in first and "class Player" not in second
    assert first.startswith(second.rstrip())


def test_the_names_of_a_layout_cannot_leave_the_data():
    own = layouts.Layout("own", ("</script>", "left_<b>"), (0, 0))
    fragment = player(np.ones((2, 3, 2, 1)) * [[[[1], [2]]]], own)
    assert "<b>" not in fragment and content(fragment)["bones"] == [[1, 0, "left"]]


def test_coordinates_are_rounded_to_less_than_a_pixel():
    skeletons = Skeletons.of(two_people(), NTU)
    given = content(player(two_people(), NTU))
    extent = np.nanmax(skeletons.points, axis=(0, 1, 2)) - np.nanmin(skeletons.points, axis=(0, 1, 2))
    step = extent.max() / page.STEPS
    for frame, person in np.ndindex(*skeletons.present.shape):
        numbers = given["frames"][frame][person]
        assert (numbers is not None) == skeletons.present[frame, person]
        if numbers is not None:
            back = np.array([np.nan if number is None else number * step for number in numbers]).reshape(-1, 3)
            middle = skeletons.points[frame, person] - back
            if (frame, person) == (0, 0):
                origin = middle[0]
            np.testing.assert_allclose(back + origin, skeletons.points[frame, person], atol=1.01 * step)


def test_frames_that_show_nobody_are_played():
    clip = two_people(6)
    clip[:, :3] = 0
    assert content(player(clip, NTU, frames=1))["frames"] == [[None, None]]


def test_the_page_does_not_depend_on_the_process(python):
    code = "from test_page import *; print(player(np.ones((3, 2, 21, 1)), layouts.get('hand')))"
    other = python(["-c", code], cwd=Path(__file__).parent, PYTHONHASHSEED="1", PYTHONPATH="..")
    assert other.stdout.strip() == player(np.ones((3, 2, 21, 1)), layouts.get("hand")).strip()


def test_fewer_frames_take_the_same_time():
    given = content(player(two_people(40), NTU, fps=20, frames=10))
    assert len(given["frames"]) == 10 and given["fps"] == 5


@pytest.mark.parametrize("settings, message", [({"fps": -1}, "frames a second"), ({"frames": 0}, "at least 1")])
def test_a_mistake_is_one_line(settings, message):
    with pytest.raises(UserError, match=message):
        player(two_people(4), NTU, **settings)


def test_without_jinja2_one_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    page.html._environment.cache_clear()
    with pytest.raises(EnvironmentSetupError, match=r'writing HTML needs jinja2.*ctrgcn-plugin\[plot\]"'):
        player(two_people(4), NTU)


@pytest.fixture
def show(open_page, tmp_path):
    """Opens a page of players, and gives what was opened and the players' figures once the first has begun."""

    def show(*players, **settings):
        write(players, tmp_path / "clips.html", "clips")
        opened = open_page(tmp_path / "clips.html", **settings)
        figures = opened.page.query_selector_all("figure")
        # a function: a text would be evaluated in the page, whose policy forbids it
        opened.page.wait_for_function("() => document.querySelector('figure').skeletonPlayer?.visible")
        return opened, figures

    return show


def waits(opened, figure, what: str) -> None:
    """Until something is true of a figure's player."""
    opened.page.wait_for_function(f"figure => (player => {what})(figure.skeletonPlayer)", arg=figure, timeout=5000)


def test_it_plays_pauses_and_steps(show):
    opened, (figure,) = show(player(two_people(), NTU, title=HARM))
    waits(opened, figure, "player.playing && player.frame > 2")
    assert drawn(figure) > 500
    button, slider, output = (figure.query_selector(name) for name in ("button", "input", "output"))
    assert button.get_attribute("aria-label") == "Pause"
    button.click()
    paused = figure.evaluate(NUMBER)
    opened.page.wait_for_timeout(150)
    assert figure.evaluate(NUMBER) == paused and not figure.evaluate(PLAYING)
    assert button.get_attribute("aria-label") == "Play"
    slider.fill("17")
    assert figure.evaluate(NUMBER) == 17 and output.inner_text() == "17 / 39"

    canvas = figure.query_selector("canvas")
    for key, frame in (("ArrowRight", 18), ("ArrowLeft", 17), ("Home", 0), ("ArrowLeft", 39), ("ArrowRight", 0)):
        canvas.press(key)
        assert figure.evaluate(NUMBER) == frame
    canvas.press("End")
    assert figure.evaluate(NUMBER) == 39
    canvas.press(" ")
    waits(opened, figure, "player.playing && player.frame < 39")  # and from the beginning
    canvas.click()
    assert not figure.evaluate(PLAYING)
    assert figure.query_selector("figcaption").inner_text().split() == HARM.split()
    assert opened.problems == [] and opened.requests == []


@pytest.mark.parametrize("speed", [0.5, 2])
def test_the_speed_is_that_of_the_clip_times_what_is_chosen(show, speed):
    opened, (figure,) = show(player(two_people(), NTU, fps=40))
    frames, seconds = figure.evaluate(
        """(figure, speed) => new Promise(done => {
          const player = figure.skeletonPlayer;
          player.select.value = speed;
          let [start, passed] = [0, 0];
          const show = player.show.bind(player);
          player.show = frame => {
            const [now, frames] = [performance.now(), player.clip.frames.length];
            passed += start && (frame - player.frame + frames) % frames;
            start ||= now;
            show(frame);
            if (now - start > 500) { delete player.show; done([passed, (now - start) / 1000]); }
          };
        })""",
        str(speed),
    )
    assert frames / seconds == pytest.approx(40 * speed, rel=0.25)
    assert opened.problems == []


@pytest.mark.parametrize("clip, layout", [(two_people(), NTU), (flat(two_people()), NTU)], ids=["3-D", "2-D"])
def test_joints_are_where_the_projection_puts_them(show, clip, layout):
    opened, (figure,) = show(player(clip, layout), reduced_motion="reduce")
    skeletons = Skeletons.of(clip, layout)
    given = content(player(clip, layout))
    step = float((np.nanmax(skeletons.points, (0, 1, 2)) - np.nanmin(skeletons.points, (0, 1, 2))).max()) / page.STEPS
    first = np.array(given["frames"][0][0][: skeletons.dimensions])
    origin = skeletons.points[0, 0, 0] - step * np.pad(first, (0, 3 - len(first)))
    floor = np.array(given["floor"]).reshape(-1, 3) * step + origin
    width, height = (
        figure.evaluate(f"figure => figure.querySelector('canvas').client{size}") for size in ("Width", "Height")
    )
    views = [skeletons.view]
    if skeletons.spatial:
        box = figure.query_selector("canvas").bounding_box()
        opened.page.mouse.move(box["x"] + 50, box["y"] + 50)
        opened.page.mouse.down()
        opened.page.mouse.move(box["x"] + 150, box["y"] + 80, steps=3)
        opened.page.mouse.up()
        views.append(figure.evaluate("figure => [figure.skeletonPlayer.yaw, figure.skeletonPlayer.pitch]"))
        assert np.abs(np.subtract(*views)).min() > 3
        assert not figure.evaluate(PLAYING)  # a drag is no click
        views.reverse()
    for view in views:
        figure.query_selector("input").fill("12")
        turned = skeleton.turned(skeletons.points, *view)
        low, high = skeleton.limits(np.concatenate([turned.reshape(-1, 3), skeleton.turned(floor, *view)]))
        scale = min(np.array([width, height]) / (high - low))
        across, up = (turned[12] - np.append((low + high) / 2, 0))[..., :2].transpose(2, 0, 1) * scale
        expected = np.stack([width / 2 + across, height / 2 - up], axis=-1)
        canvas = pixels(figure)
        for person, joints in enumerate(figure.evaluate(POSITIONS)):
            for joint, position in enumerate(joints):
                assert (position is not None) == bool(np.isfinite(expected[person, joint]).all())
                if position:
                    np.testing.assert_allclose(position[:2], expected[person, joint], atol=1)
                    assert canvas[round(position[1]), round(position[0]), 3] > 0
        figure.query_selector("canvas").press("0")  # the first view again
    assert opened.problems == []


def test_less_motion_is_respected(show):
    opened, (figure,) = show(player(two_people(), NTU), reduced_motion="reduce")
    opened.page.wait_for_timeout(150)
    assert figure.evaluate(NUMBER) == 0 and not figure.evaluate(PLAYING) and drawn(figure) > 500
    figure.query_selector("button").click()
    waits(opened, figure, "player.playing && player.frame > 0")


def test_only_what_is_seen_plays(show):
    fragment = player(two_people(), NTU)
    opened, figures = show(fragment, *[player(two_people(), NTU, script=False)] * 4)
    assert figures[0].evaluate(PLAYING) and not figures[4].evaluate(BEGUN)
    figures[4].scroll_into_view_if_needed()
    waits(opened, figures[4], "player?.playing && player.frame > 0")
    waits(opened, figures[0], "!player.playing")
    assert opened.problems == []


def test_the_script_may_be_there_more_than_once(show):
    opened, (first, second) = show(player(two_people(), NTU), player(two_people(), NTU), reduced_motion="reduce")
    first.query_selector("canvas").press("ArrowRight")
    assert first.evaluate(NUMBER) == 1
    assert opened.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone(show, scheme):
    long = "a label that is far too long for the width of a telephone " * 3 + "x" * 200
    opened, (figure,) = show(
        player(two_people(), NTU, title=long), viewport=PHONE, color_scheme=scheme, device_scale_factor=3
    )
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert figure.evaluate("figure => figure.querySelector('canvas').width") > 2.5 * 300
    assert drawn(figure) > 500
    paper, ink = (
        sum(map(int, re.findall(r"\d+", figure.evaluate(f"figure => getComputedStyle(figure).{name}"))))
        for name in ("backgroundColor", "color")
    )
    assert (paper > ink) == (scheme == "light")
    assert opened.problems == []


def test_importance_is_drawn_with_its_legend(show):
    importance = np.linspace(0, 1, 25)
    opened, (figure,) = show(player(two_people(), NTU, importance=importance), reduced_motion="reduce")
    colours = skeleton.importance_colours(importance)
    (joints, _) = figure.evaluate(POSITIONS)
    canvas = pixels(figure)
    for joint in (24, 22, 20):
        wanted = [int(colours[joint][at : at + 2], 16) for at in (1, 3, 5)]
        x, y = map(round, joints[joint][:2])
        assert np.abs(canvas[y, x, :3] - wanted).max() < 30
    assert figure.query_selector("ul").inner_text().split("\n") == ["importance 0", "importance 0.5", "importance 1"]
    assert opened.problems == []


def test_every_layout(show):
    players = []
    for layout in map(layouts.get, layouts.available()):
        for channels in (2, 3):
            clip = np.random.default_rng(0).normal(size=(channels, 2, layout.num_joints, 1))
            players.append(player(clip, layout, title=layout.name, script=not players))
    opened, figures = show(*players, reduced_motion="reduce", viewport={"width": 300, "height": 500 * len(players)})
    waits(opened, figures[-1], "player")
    assert all(drawn(figure) > 500 for figure in figures)
    assert opened.problems == []
