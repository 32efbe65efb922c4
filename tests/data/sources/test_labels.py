"""The list of clips, classes and splits: read as spreadsheets write it; a mistake is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.sources import labels
from ctrgcn_plugin.errors import ConfigError, UserError

HEADER = "clip,label,split\n"


@pytest.fixture
def write(tmp_path: Path):
    def _write(text: str | bytes) -> Path:
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return _write


def test_names_become_classes_in_alphabetical_order(write) -> None:
    rows, classes = labels.read(write(HEADER + "a,wave,train\nb,jump,val\nc,wave,test\n"))
    assert classes == ["jump", "wave"]
    assert [(row.line, row.clip, row.label, row.split, row.subject) for row in rows] == [
        (2, "a", 1, "train", ""),
        (3, "b", 0, "val", ""),
        (4, "c", 1, "val", ""),
    ]


def test_numbers_stay(write) -> None:
    rows, classes = labels.read(write(HEADER + "a,2,train\nb,0,train\nc,01,val\n"))
    assert classes == ["0", "1", "2"]
    assert [row.label for row in rows] == [2, 0, 1]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfclip,label,split\r\na,wave,train\r\n",
        "\n\nclip,label,split\n\na,wave,train\n,,\n",
        'Clip , LABEL, split\n"a" ,"wave",train \n',
        "split,clip,label\ntrain,a,wave",
    ],
    ids=["mark and line ends of Windows", "blank lines", "quotes, blanks, capitals", "other order"],
)
def test_as_spreadsheets_write_it(write, text: str | bytes) -> None:
    rows, classes = labels.read(write(text))
    assert [row[1:] for row in rows] == [("a", 0, "train", "")]
    assert classes == ["wave"]


def test_subject_and_commas_in_names(write) -> None:
    rows, classes = labels.read(write('clip,label,split,subject\na,"eat, drink",train,7\nb,"eat, drink",val,\n'))
    assert classes == ["eat, drink"]
    assert [row.subject for row in rows] == ["7", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column clip and no label and no split"),
        ("a,wave,train\n", "unknown column"),
        ("clip;label;split\na;wave;train\n", "with commas"),
        ("clip,label\na,wave\n", "no column split; .* train or val or test"),
        ("clip,label,split,clip\n", "names a column twice"),
        ("clip,label,split,subjekt\n", "Did you mean 'subject'"),
        (HEADER, "lists no clip"),
        (HEADER + "a,wave\n", "line 2 has 2 columns"),
        (HEADER + "a,wave,train\nb,,train\n", "line 3 has no label"),
        (HEADER + "a,wave,trian\n", "line 2.*'trian'.*Did you mean 'train'"),
        (HEADER + "a,wave,train\n\na,jump,train\n", "line 4 has clip 'a' again; it is in line 2"),
        (HEADER + "a,0,train\nb,2,train\n", "labels up to 2 and none is 1"),
        (HEADER + "a,1,train\nb,2,train\n", "none is 0"),
        (HEADER + "a,wave,train\nb,7,train\n", "line 3 has label '7'"),
        (HEADER + "a,0,train\nb,-1,train\n", "line 3 has label '-1'"),
        (b"clip,label,split\n\xff\xfe,a,train\n", "cannot be read as CSV in UTF-8"),
        (HEADER + "a" * 200_000 + ",wave,train\n", "cannot be read as CSV"),
    ],
)
def test_mistakes_are_named(write, text: str | bytes, message: str) -> None:
    path = write(text)
    with pytest.raises(ConfigError, match=message) as error:
        labels.read(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file at .*none\.csv; give a CSV file"):
        labels.read(tmp_path / "none.csv")


cells = st.sampled_from(
    ["a", "b", "clip", "label", "split", "train", "test", "0", "1", "", '"', "\x00", "é", " ", "\r"]
)
lines = st.lists(st.lists(cells, max_size=5).map(",".join), max_size=6).map("\n".join)


@given(st.one_of(st.binary(max_size=60), lines.map(str.encode), lines.map(lambda text: (HEADER + text).encode())))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_else_is_refused_or_whole(write, content: bytes) -> None:
    try:
        rows, classes = labels.read(write(content))
    except UserError:
        return
    assert rows
    assert {row.label for row in rows} == set(range(len(classes)))
