"""Render a report as Markdown for the summary of a CI job or a comment.

The score is first, then what to fix first, unexpected results with failures before others, and the verdicts by area.

Such a summary may have at most 1 MiB, so the text is built of blocks and ends, with a note, before the block that would
not fit. Text from a target stands in code spans, where it can neither format nor mention anyone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from surveyor.claims import Claims
from surveyor.report.client_tables import client_table_by_scenario
from surveyor.report.exchanges import deciding_tests, last_exchange
from surveyor.report.experiments import ExperimentReport
from surveyor.report.fix_first import FailureGroup, failed_first
from surveyor.report.impact import service_under_test, worst_failed_calls
from surveyor.report.links import href
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.report.score import SCORE_RULE, Mark, Score, mark, score, score_by_area, status_text
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

__all__ = ["LIMIT", "render"]

LIMIT = 1024 * 1024 - 1
"""Maximum bytes of UTF-8."""

_MAX_GROUPS = 10
_MAX_CLAIMS = 6
_MAX_DETAILED = 20
"""Unexpected claims that are shown with their document and tests; the others get one line each."""

_SIGNS = {
    Mark.PASS: "✅",
    Mark.FAIL: "❌",
    Mark.INCONCLUSIVE: "❔",
    Mark.ERROR: "💥",
    Mark.UNSUPPORTED: "⊖",
    Mark.NOT_RUN: "⏸️",
    Mark.NO_SUITE: "▫️",
}
_VERDICTS = {Verdict(mark.value): sign for mark, sign in _SIGNS.items() if mark.value in list(Verdict)}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#!|~&$])")


def render(report: ConformanceReport, claims: Claims, limit: int = LIMIT) -> str:
    """Return the summary in at most `limit` bytes of UTF-8 (1,000 or more)."""
    parts: list[str] = []
    size = 0
    blocks = list(_blocks(report, claims))
    for number, block in enumerate(blocks):
        note = f"\n\n_Cut here: {len(blocks) - number} more lines would not fit. The whole is in report.json._\n"
        reserved = 0 if number == len(blocks) - 1 else len(note.encode())
        if size + len(block.encode()) + reserved > limit:
            return "".join([*parts, note])
        parts.append(block)
        size += len(block.encode())
    return "".join(parts)


def _blocks(report: ConformanceReport, claims: Claims) -> Iterator[str]:
    """Yield the text in blocks; each ends a line, and the text is complete Markdown after each of them."""
    yield _head(report)
    unexpected = failed_first(claim for claim in report.claims if not claim.expected)
    sections = (("Leaked resources", report.leaked_resources), ("Other unexpected results", report.unexpected))
    for title, lines in sections:
        if lines:
            yield f"\n### {title}\n\n"
            yield from (f"- {_code(line)}\n" for line in lines)
    yield from _fix_first(report)
    if unexpected:
        yield f"\n### Unexpected: {len(unexpected)}\n\n"
        yield from (_unexpected_claim(claim, claims) for claim in unexpected[:_MAX_DETAILED])
        yield from (_unexpected_line(claim) for claim in unexpected[_MAX_DETAILED:])
    if report.experiments:
        yield f"\n### Experiments: {len(report.experiments)}\n\n"
        yield from (_experiment(experiment) for experiment in report.experiments)
        yield from _client_impact(report)
    if report.claims or not report.experiments:
        yield _score_table(report, claims)
    as_expected = [claim for claim in report.claims if claim.expected]
    for title, found in (
        ("Known failures", [claim for claim in as_expected if claim.verdict is Verdict.FAIL]),
        ("Known inconclusive", [claim for claim in as_expected if _is_open(claim) and claim.known]),
        ("Could not be judged", [claim for claim in as_expected if _is_open(claim) and not claim.known]),
    ):
        if found:
            yield f"\n### {title}: {len(found)}\n\n"
            yield from (f"- {_code(claim.id)} {_escape(claim.statement)} {_code(claim.detail)}\n" for claim in found)
    if report.target.absent:
        yield "\n### Declared features that were not found\n\n"
        yield from (f"- {_code(name)}: {_code(reason)}\n" for name, reason in report.target.absent.items())


def _is_open(claim: ClaimReport) -> bool:
    return claim.verdict is Verdict.INCONCLUSIVE


def _head(report: ConformanceReport) -> str:
    whole = score(report.claims)
    target = f"{report.target.name} {report.target.version}".strip()
    outcome = "nothing is unexpected"
    if whole.unexpected:
        outcome = f"**{whole.unexpected} {'outcome is' if whole.unexpected == 1 else 'outcomes are'} unexpected**"
    lines = [f"## Surveyor: {_escape(target)}\n"]
    if report.claims or not report.experiments:
        lines.append(f"{status_text(report.claims)} **{whole.text}**; {outcome}.\n")
        not_counted = f" Not counted: {whole.not_counted_text}." if whole.not_counted else ""
        lines.append(f"{SCORE_RULE}{not_counted}\n")
    if report.experiments:
        passed = sum(experiment.verdict is Verdict.PASS for experiment in report.experiments)
        service = service_under_test(report.experiments)
        share = worst_failed_calls(report.experiments)
        most = "up to " if share and share.percent and len(report.experiments) > 1 else ""
        lines.append(
            f"**{passed} of {len(report.experiments)}** experiments passed{f' on {_code(service)}' if service else ''}"
            f"{f'; {most}{share.text}' if share else ''}.\n"
        )
    if report.failure:
        lines.append(f"❌ **The run broke:** {_code(report.failure)}\n")
    if report.interrupted:
        lines.append("❌ **The run was interrupted**, so the results are incomplete.\n")
    if report.resumed:
        lines.append(f"{_escape(report.resumed.capitalize())}: the verdicts of all are here.\n")
    lines.append(
        f"{_escape(report.started)}, {report.wall_seconds:.1f} s wall, {report.service_seconds:.0f} s service, "
        f"seed {report.seed}, Surveyor {_escape(report.surveyor)}\n"
    )
    return "\n".join(lines)


def _fix_first(report: ConformanceReport) -> Iterator[str]:
    """Yield the groups of failures on which most claims depend, each with the first of its claims."""
    groups = report.fix_first
    if not groups:
        return
    yield f"\n### Fix first\n\nFailures by operation and symptom, with the claims that depend on each{_of(groups)}:\n\n"
    for group in groups[:_MAX_GROUPS]:
        shown = [_code(claim) for claim in group.claims[:_MAX_CLAIMS]]
        left_out = len(group.claims) - len(shown)
        more = f" and {left_out} more" if left_out else ""
        reports = f"; reported as {', '.join(map(_code, group.reports))}" if group.reports else ""
        yield f"1. **{group.weight_text}**: {_code(group.title)} ({', '.join(shown)}{more}{reports})\n"


def _of(groups: Sequence[FailureGroup]) -> str:
    return f" (the first {_MAX_GROUPS} of {len(groups)})" if len(groups) > _MAX_GROUPS else ""


def _experiment(experiment: ExperimentReport) -> str:
    verdict = experiment.verdict
    lines = [f"- {_VERDICTS[verdict]} **{verdict}** {_code(experiment.name)} {_escape(experiment.title)}"]
    if experiment.detail:
        lines.append(f"  - {_code(experiment.detail)}")
    if experiment.judged is not None:
        figures = (f"{figure.figure.partition(':')[0]} {figure.text}" for figure in experiment.judged.figures)
        lines.append(f"  - {_escape('; '.join(figures))}")
    return "\n".join(lines) + "\n"


def _client_impact(report: ConformanceReport) -> Iterator[str]:
    """Yield the table of client models by scenario; nothing if no load scenario ran."""
    table = client_table_by_scenario(report.experiments)
    if not table.columns:
        return
    head = ["client", *(f"{_escape(name)}: failed, last failure" for name in table.columns)]
    yield "\n### Client impact\n\n| " + " | ".join(head) + " |\n|---|" + "---:|" * len(table.columns) + "\n"
    for client, cells in table.rows:
        texts = (f"{row.failed[0]:.2f} %, {row.recovery:.0f} s" if row else "" for row in cells)
        yield f"| {_escape(client)} | " + " | ".join(texts) + " |\n"


def _unexpected_claim(claim: ClaimReport, claims: Claims) -> str:
    lines = [f"- {_SIGNS[mark(claim)]} **{mark(claim).label}** {_code(claim.id)} {_escape(claim.statement)}"]
    known = claims.by_id.get(claim.id)
    if known is not None:
        address = href(known.source)
        source = f"[{_escape(str(known.source))}]({address})" if address else _escape(str(known.source))
        lines.append(f"  - documented ({known.level}): {source}")
    for name, text in (("why", claim.note), ("actual", claim.detail)):
        if text:
            lines.append(f"  - {name}: {_code(text)}")
    for test in deciding_tests(claim)[:3]:
        exchange = last_exchange(test)
        lines.append(f"  - test: {_code(test.id)}" + (f", last request: {_code(exchange)}" if exchange else ""))
    return "\n".join(lines) + "\n"


def _unexpected_line(claim: ClaimReport) -> str:
    why = "; ".join(part for part in (claim.note, claim.detail) if part)
    return f"- {_SIGNS[mark(claim)]} **{mark(claim).label}** {_code(claim.id)} {_code(why)}\n"


def _score_table(report: ConformanceReport, claims: Claims) -> str:
    areas = score_by_area(report, claims)
    whole = score(report.claims)
    columns = [shown for shown in Mark if shown in whole.marks]
    head = ["area", "claims", *(f"{_SIGNS[shown]} {shown.label}" for shown in columns), "unexpected"]
    rows = [
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *(_row(_escape(area.title), area.score, columns) for area in areas),
        _row("**all**", whole, columns),
    ]
    return "\n### By area\n\n" + "\n".join(rows) + "\n"


def _row(title: str, row_score: Score, columns: list[Mark]) -> str:
    numbers = [row_score.claims, *(row_score.marks.get(shown, 0) for shown in columns), row_score.unexpected]
    return f"| {title} | " + " | ".join(str(number) if number else "" for number in numbers) + " |"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", one_line(text)).replace("@", "@&#8203;")  # an escaped @ would still mention a user


def _code(text: str) -> str:
    """Return a code span that the text cannot leave."""
    text = one_line(text) or " "
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
