"""English and Chinese of every page say the same: structure, commands, names, numbers, links."""

from __future__ import annotations

import re
from collections import Counter

import doc_pages
import pytest
from doc_pages import name, prose

PAIRS = doc_pages.pairs()
HEADING = re.compile(r"^(#+) +\S", flags=re.M)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=[\"']([^\"']+)")
# a number with what belongs to it; not a digit inside a name, and not 2-D, which is a word in Chinese
NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:[.,]\d+)*(?:e-?\d+)?(?!-D\b|[A-Za-z_])")

pytestmark = pytest.mark.parametrize("pair", PAIRS, ids=[name(english) for english, _ in PAIRS])


def both(pair, find):
    """`find` of both languages' prose."""
    return tuple(find(prose(page)) for page in pair)


def test_there_are_both(pair):
    for page in pair:
        assert page.is_file(), f"{name(page)} is missing"


def test_headings(pair):
    english, chinese = both(pair, lambda text: [len(marks) for marks in HEADING.findall(text)])
    assert english == chinese


def test_blocks_and_their_marks(pair):
    english, chinese = (
        [(block.language, block.content, block.mark) for block in doc_pages.blocks(page)] for page in pair
    )
    assert english == chinese


def test_inline_code(pair):
    english, chinese = both(pair, lambda text: Counter(CODE.findall(text)))
    assert english == chinese


def test_numbers(pair):
    english, chinese = both(pair, lambda text: Counter(NUMBER.findall(without_names(text))))
    assert english == chinese


def test_links(pair):
    english, chinese = both(pair, lambda text: Counter(in_one_language(link) for link in links(text)))
    assert english == chinese


def test_tables(pair):
    english, chinese = both(pair, tables)
    assert english == chinese


def without_names(text):
    """Prose without code, link targets and HTML: numbers in those are compared as what they are part of."""
    return re.sub(r"<[^>]*>", "", LINK.sub("", CODE.sub("", text)))


def links(text):
    return [markdown or html for markdown, html in LINK.findall(text)]


def in_one_language(link):
    """A link with the language taken out of it: pages point at their own, and at each other from the first line.

    Headings have other names in the other language, so an anchor counts as an anchor.
    """
    link = re.sub(r"#.+", "#", link)
    return re.sub(r"(?<=/)(en|zh-CN)(?=/)", "LANGUAGE", link).replace("README_cn.md", "README.md")


def tables(text):
    """Columns of every table row, in order."""
    return [len(re.findall(r"(?<!\\)\|", CODE.sub("", row))) for row in re.findall(r"^\|.*\|$", text, flags=re.M)]
