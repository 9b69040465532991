"""A report as Markdown for the summary of a CI job or a comment: what moved first, then the score, then what is known.

Such a summary may have 1 MiB at most, so the text is made of blocks and ends, saying so, before the one that would not
fit. What a target sent stands in code spans, where it can neither format nor mention anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from surveyor.claims import Claims
from surveyor.report.client_tables import felt_by_scenarios
from surveyor.report.exchanges import deciding_tests, last_exchange
from surveyor.report.experiments import ExperimentReport
from surveyor.report.links import href
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.report.score import Mark, Score, mark, score, score_by_area
from surveyor.report.text import one_line
from surveyor.verdicts import Verdict

__all__ = ["LIMIT", "render"]

LIMIT = 1024 * 1024 - 1
"""Bytes of UTF-8."""

_SIGNS = {
    Mark.PASS: "✅",
    Mark.FAIL: "❌",
    Mark.INCONCLUSIVE: "❔",
    Mark.ERROR: "💥",
    Mark.UNSUPPORTED: "⊖",
    Mark.NOT_RUN: "⏸️",
    Mark.NOT_PROVEN: "▫️",
}
_VERDICTS = {Verdict(mark.value): sign for mark, sign in _SIGNS.items() if mark.value in list(Verdict)}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#!|~&$])")


def render(report: ConformanceReport, claims: Claims, limit: int = LIMIT) -> str:
    """The summary in at most `limit` bytes of UTF-8 (1,000 or more)."""
    parts: list[str] = []
    size = 0
    blocks = list(_blocks(report, claims))
    for number, block in enumerate(blocks):
        told = f"\n\n_Cut here: {len(blocks) - number} more lines would not fit. The whole is in report.json._\n"
        rest = 0 if number == len(blocks) - 1 else len(told.encode())
        if size + len(block.encode()) + rest > limit:
            return "".join([*parts, told])
        parts.append(block)
        size += len(block.encode())
    return "".join(parts)


def _blocks(report: ConformanceReport, claims: Claims) -> Iterator[str]:
    """The text in pieces; each ends a line, and the text is whole Markdown after any of them."""
    yield _head(report)
    unexpected = [claim for claim in report.claims if not claim.expected]
    for title, lines in (("Left behind", report.left_behind), ("Surprises", report.surprises)):
        if lines:
            yield f"\n### {title}\n\n"
            yield from (f"- {_code(line)}\n" for line in lines)
    if unexpected:
        yield f"\n### Unexpected: {len(unexpected)}\n\n"
        yield from (_moved(claim, claims) for claim in unexpected)
    if report.experiments:
        yield f"\n### Experiments: {len(report.experiments)}\n\n"
        yield from (_experiment(one) for one in report.experiments)
        yield from _felt(report)
    if report.claims or not report.experiments:
        yield _table(report, claims)
    for verdict, title in ((Verdict.FAIL, "Known to be wrong"), (Verdict.INCONCLUSIVE, "Known to be unclear")):
        known = [claim for claim in report.claims if claim.expected and claim.verdict is verdict]
        if known:
            yield f"\n### {title}: {len(known)}\n\n"
            yield from (f"- {_code(claim.id)} {_escape(claim.statement)} {_code(claim.detail)}\n" for claim in known)
    if report.target.absent:
        yield "\n### Declared features that were not found\n\n"
        yield from (f"- {_code(name)}: {_code(why)}\n" for name, why in report.target.absent.items())


def _head(report: ConformanceReport) -> str:
    whole = score(report.claims)
    target = f"{report.target.name} {report.target.version}".strip()
    moved = "nothing is unexpected"
    if whole.unexpected:
        moved = f"**{whole.unexpected} {'outcome is' if whole.unexpected == 1 else 'outcomes are'} unexpected**"
    lines = [f"## Surveyor: {_escape(target)}\n"]
    if report.claims or not report.experiments:
        lines.append(f"**{whole.held} of {whole.claims}** documented behaviours hold; {moved}.\n")
    if report.experiments:
        passed = sum(one.verdict is Verdict.PASS for one in report.experiments)
        lines.append(f"**{passed} of {len(report.experiments)}** experiments ended as they should.\n")
    if report.failure:
        lines.append(f"❌ **The run broke:** {_code(report.failure)}\n")
    if report.interrupted:
        lines.append("❌ **The run was interrupted**, so this is not the whole.\n")
    lines.append(
        f"{_escape(report.started)}, {report.wall_seconds:.1f} s wall, {report.service_seconds:.0f} s service, "
        f"seed {report.seed}, Surveyor {_escape(report.surveyor)}\n"
    )
    return "\n".join(lines)


def _experiment(one: ExperimentReport) -> str:
    lines = [f"- {_VERDICTS[one.verdict]} **{one.verdict}** {_code(one.name)} {_escape(one.title)}"]
    if one.detail:
        lines.append(f"  - {_code(one.detail)}")
    if one.judged is not None:
        told = "; ".join(f"{figure.figure.partition(':')[0]} {figure.shown}" for figure in one.judged.figures)
        lines.append(f"  - {_escape(told)}")
    return "\n".join(lines) + "\n"


def _felt(report: ConformanceReport) -> Iterator[str]:
    """Client models by scenarios; nothing where no scenario was run."""
    felt = felt_by_scenarios(report.experiments)
    if not felt.columns:
        return
    head = ["client", *(f"{_escape(name)}: failed, last failure" for name in felt.columns)]
    yield "\n### What clients felt\n\n| " + " | ".join(head) + " |\n|---|" + "---:|" * len(felt.columns) + "\n"
    for client, cells in felt.rows:
        told = (f"{one.failed[0]:.2f} %, {one.recovery:.0f} s" if one else "" for one in cells)
        yield f"| {_escape(client)} | " + " | ".join(told) + " |\n"


def _moved(claim: ClaimReport, claims: Claims) -> str:
    lines = [f"- {_SIGNS[mark(claim)]} **{mark(claim).label}** {_code(claim.id)} {_escape(claim.statement)}"]
    known = claims.by_id.get(claim.id)
    if known is not None:
        address = href(known.source)
        source = f"[{_escape(str(known.source))}]({address})" if address else _escape(str(known.source))
        lines.append(f"  - documented ({known.level}): {source}")
    for name, text in (("why", claim.note), ("came", claim.detail)):
        if text:
            lines.append(f"  - {name}: {_code(text)}")
    for test in deciding_tests(claim)[:3]:
        exchange = last_exchange(test)
        lines.append(f"  - test: {_code(test.id)}" + (f", last asked: {_code(exchange)}" if exchange else ""))
    return "\n".join(lines) + "\n"


def _table(report: ConformanceReport, claims: Claims) -> str:
    areas = score_by_area(report, claims)
    whole = score(report.claims)
    columns = [one for one in Mark if one in whole.marks]
    head = ["area", "claims", *(f"{_SIGNS[one]} {one.label}" for one in columns), "unexpected"]
    rows = [
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *(_row(_escape(area.title), area.score, columns) for area in areas),
        _row("**all**", whole, columns),
    ]
    return "\n### By area\n\n" + "\n".join(rows) + "\n"


def _row(title: str, counted: Score, columns: list[Mark]) -> str:
    numbers = [counted.claims, *(counted.marks.get(one, 0) for one in columns), counted.unexpected]
    return f"| {title} | " + " | ".join(str(number) if number else "" for number in numbers) + " |"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", one_line(text)).replace("@", "@&#8203;")  # an escaped @ would still mention


def _code(text: str) -> str:
    """A code span that the text cannot leave."""
    text = one_line(text) or " "
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
