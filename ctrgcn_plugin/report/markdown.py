"""A report as GitHub's Markdown: what fits into a pull request or a model's page, without pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional

from ctrgcn_plugin.report.document import CONFUSIONS, INTERVAL, Report
from ctrgcn_plugin.report.model_card import latency, machine
from ctrgcn_plugin.report.results import Share

# what would begin something: emphasis, code, links, HTML, a cell, a mention or a reference
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#@&$])")


def as_markdown(report: Report) -> str:
    """The text; whatever the user has named is shown as it is, and means nothing."""
    # of several blank lines, one
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_lines(report))).strip() + "\n"


def escaped(text: object) -> str:
    """`text` on one line, without a meaning in Markdown or HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def table(header: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> Iterator[str]:
    """A table whose first `left` columns are text, the others numbers; blank lines around it."""
    yield ""
    yield _row(header)
    yield _row(["---" if place < left else "---:" for place in range(len(header))])
    yield from (_row([escaped(cell) for cell in row]) for row in rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _lines(report: Report) -> Iterator[str]:
    results, calibration = report.results, report.calibration
    names = report.names
    yield f"# {escaped(report.title)}"
    yield ""
    tested = f"Tested on {escaped(report.subtitle)}: " if report.subtitle else ""
    yield f"{tested}{results.top1.total:,} clips of {len(names)} classes."
    shares = {"top-1 accuracy": results.top1, "top-5 accuracy": results.top5}
    rows = [(name, _percent(share.value), _interval(share)) for name, share in shares.items() if share]
    rows.append(("mean class accuracy", _percent(results.mean_class), ""))
    yield from table(["", "", INTERVAL], rows)
    yield from _duplicates(report)
    pairs = results.confusions(CONFUSIONS)
    if pairs:
        yield "## Confusions"
        yield from table(
            ["class", "taken for", "clips", "of", "share"],
            [
                (names[pair.true], names[pair.predicted], pair.clips, pair.total, _percent(pair.clips / pair.total))
                for pair in pairs
            ],
            left=2,
        )
    yield "## Classes"
    yield from table(
        ["class", "most often taken for", "clips", "recall", "precision", "F1"],
        [
            (
                names[one.index],
                "" if one.confused_with is None else f"{names[one.confused_with]} ({one.confused})",
                one.clips,
                *map(_percent, (one.recall, one.precision, one.f1)),
            )
            for one in results.classes
        ],
        left=2,
    )
    yield "## Calibration"
    yield from table(
        ["", "", ""],
        [
            ("mean confidence", _percent(calibration.confidence), ""),
            ("expected calibration error", _percent(calibration.ece, 2), f"{len(calibration.bins)} bins"),
            ("negative log-likelihood", f"{calibration.nll:.4f}", "nats"),
            ("Brier score", f"{calibration.brier:.4f}", "0 to 2"),
        ],
    )
    yield "## Model"
    for heading, facts in report.model.items():
        yield from table([escaped(heading), ""], [(fact.name, fact.text) for fact in facts], left=2)
    cases = latency(report.material.benchmark)
    if cases:
        yield "## Latency"
        yield ""
        yield escaped(machine(report.material.benchmark))
        yield from table(list(cases[0]), [list(case.values()) for case in cases])
    if report.left_out:
        yield "## Left out"
        yield ""
        yield from (f"- {escaped(sentence)}" for sentence in report.left_out)


def _duplicates(report: Report) -> Iterator[str]:
    found = report.duplicates
    if found is None or not found.clips:
        return
    rest = "there are no others"
    if found.top1_without:
        rest = f"without them top-1 accuracy is {_percent(found.top1_without.value)} ({_interval(found.top1_without)})"
    yield f"**{found.clips} clips of the test are also among the training clips**, byte for byte; {rest}."
    yield ""


def _percent(share: Optional[float], digits: int = 1) -> str:
    return "–" if share is None else f"{share:.{digits}%}"


def _interval(share: Share) -> str:
    low, high = share.interval
    return f"{_percent(low)} to {_percent(high)}"
