"""The report's page in a real browser: it plays, sorts and points, and asks the network for nothing."""

from __future__ import annotations

from pathlib import Path

import finished_run
import numpy as np
import pytest
from finished_run import BENCHMARK, CONFIG, TESTED

from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.report import document, writing
from ctrgcn_plugin.report.material import Asked, gather

pytest.importorskip("jinja2")
pytest_plugins = ["browser"]

PLAYED = "figure => figure.skeletonPlayer && figure.skeletonPlayer.frame > 1"
NAMES = class_names.read("ntu120")
COLUMNS = ("class", "number", "clips", "recall", "precision", "F1", "taken for", "clips so taken")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """``whole`` has all there can be, ``large`` 120 classes of which the last has no clips."""
    folder = tmp_path_factory.mktemp("run")
    monkey = pytest.MonkeyPatch()
    monkey.chdir(folder)
    finished_run.write(folder, finished_run.data())
    writing.write(document.make(gather(Asked(config=str(CONFIG), benchmark=BENCHMARK))), [Path("whole.html")])
    labels = np.arange(1190) % 119
    values = np.random.default_rng(0).normal(0, 1, (1190, 120))
    values[np.arange(1190), labels] += 2
    Scores(values, labels).save("large.npz")
    writing.write(document.make(gather(Asked(scores=Path("large.npz"), names="ntu120"))), [Path("large.html")])
    monkey.undo()
    return {name: folder / f"{name}.html" for name in ("whole", "large")}


@pytest.mark.parametrize("name", ["whole", "large"])
@pytest.mark.parametrize(
    "settings",
    [
        {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
        {"viewport": {"width": 360, "height": 640}, "has_touch": True},
    ],
    ids=["desk", "phone"],
)
def test_it_fits_and_neither_complains_nor_asks(pages, open_page, name, settings):
    opened = open_page(pages[name], **settings)
    for figure in opened.page.query_selector_all("figure.skeleton-player"):
        figure.scroll_into_view_if_needed()
    width = opened.page.evaluate("document.documentElement.scrollWidth")
    assert width <= settings["viewport"]["width"]
    assert opened.problems == [] and opened.requests == []


def test_players_play(pages, open_page):
    opened = open_page(pages["whole"], viewport={"width": 1280, "height": 900})
    figures = opened.page.query_selector_all("figure.skeleton-player")
    assert len(figures) == 2
    for figure in figures:
        figure.scroll_into_view_if_needed()
        opened.page.wait_for_function(PLAYED, arg=figure, timeout=10_000)
    assert opened.problems == []


def test_the_table_sorts_both_ways_and_unknown_values_come_last(pages, open_page):
    opened = open_page(pages["large"])
    buttons = opened.page.query_selector_all("table.sortable th button")
    assert len(buttons) == len(COLUMNS)

    def column(name):
        return opened.page.locator(f"table.sortable tbody td:nth-child({COLUMNS.index(name) + 1})").all_inner_texts()

    def sort(name):
        buttons[COLUMNS.index(name)].click()
        return column(name)

    before, rising, falling = column("recall"), sort("recall"), sort("recall")
    assert opened.page.get_attribute("table.sortable th:nth-child(4)", "aria-sort") == "descending"
    # the last class has no clips
    assert rising[-1] == falling[-1] == before[-1] == "–" and sorted(before) == sorted(rising) and before != rising
    numbers = [float(text.rstrip("%")) for text in rising[:-1]]
    assert numbers == sorted(numbers)
    assert falling[:-1] == rising[-2::-1]
    assert [name.lower() for name in sort("class")] == sorted(name.lower() for name in NAMES)
    assert sort("number") == [str(number) for number in range(120)]


def test_the_matrix_tells_what_is_pointed_at(pages, open_page):
    opened = open_page(pages["whole"], viewport={"width": 1280, "height": 900})
    page = opened.page
    invitation = page.text_content("#readout")
    box = page.locator("#matrix .frame").bounding_box()
    cell = box["width"] / finished_run.CLASSES

    def point(row, column):
        page.locator("#matrix").scroll_into_view_if_needed()
        at = page.locator("#matrix .frame").bounding_box()
        page.mouse.move(at["x"] + (column + 0.5) * cell, at["y"] + (row + 0.5) * cell)
        return page.text_content("#readout")

    assert point(2, 4) == "c taken for e: 3 of 4 clips (75.0%)"
    assert point(1, 1) == "b recognised: 4 of 4 clips (100.0%)"
    assert point(3, 0) == "d taken for a: 0 of 4 clips (0.0%)"
    assert float(page.locator("#matrix [data-part=at]").get_attribute("y")) == pytest.approx(3 * cell, rel=0.01)
    page.mouse.move(2, 2)
    assert page.text_content("#readout") == invitation
    page.focus("#matrix")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert page.text_content("#readout") == "a taken for b: 1 of 4 clips (25.0%)"
    assert opened.problems == []


def test_cells_of_a_scaled_matrix_are_where_they_are_pointed_at(pages, open_page):
    page = open_page(pages["large"], viewport={"width": 900, "height": 900}).page
    for row, column in ((0, 0), (117, 3), (60, 118)):
        page.locator("#matrix").scroll_into_view_if_needed()
        page.locator("#matrix .frame").evaluate(
            """(frame, [row, column]) => {
                const box = frame.getBoundingClientRect();
                const at = (start, size, index) => start + size * (index + 0.5) / 120;
                frame.dispatchEvent(new PointerEvent("pointermove", {
                    bubbles: true, clientX: at(box.left, box.width, column), clientY: at(box.top, box.height, row) }));
            }""",
            [row, column],
        )
        said = page.text_content("#readout")
        assert said.startswith(NAMES[row]) and (row == column or f"taken for {NAMES[column]}:" in said)


def test_without_scripts_all_numbers_are_there(pages, open_page):
    page = open_page(pages["whole"], java_script_enabled=False).page
    assert "80.0%" in page.text_content("dl.headline") and f"16 of {TESTED} clips" in page.text_content("main")
    assert page.locator("#matrix path").count() > 1
