"""Render a gate's decision as Markdown: the summary of a CI job, failures first, and a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.gate.decision import Decision
from surveyor.gate.thresholds import ThresholdResult
from surveyor.verdicts import Verdict

__all__ = ["render", "render_comment", "shorten_reasons"]

_MAX_ACTUAL = 60
"""Characters of an actual value that fit into a line; a longer text is a reason, which many results may share."""

_MAX_ROWS = 10
"""Rows in a comment, which people read beside others; the summary has all of them."""

_SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔", Verdict.ERROR: "💥"}
_ORDER = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def shorten_reasons(results: Sequence[ThresholdResult]) -> tuple[list[str], list[str]]:
    """Return the actual value of each result, and the reasons too long for a line: `see [1]` refers to the first."""
    numbers: dict[str, int] = {}
    values = []
    for result in results:
        text = result.actual
        if len(text) > _MAX_ACTUAL:
            text = f"see [{numbers.setdefault(text, len(numbers) + 1)}]"
        values.append(text)
    return values, [f"[{number}] {text}" for text, number in numbers.items()]


def render(decision: Decision) -> str:
    """Return a heading that says whether the gate is open, the reason, and a table with one row per result."""
    results = decision.results
    failed = sum(result.verdict is Verdict.FAIL for result in results)
    inconclusive = sum(result.verdict is Verdict.INCONCLUSIVE for result in results)
    counts = f"{failed} failed, {inconclusive} inconclusive, {len(results) - failed - inconclusive} passed"
    sign = "✅" if decision.is_open else "❌"
    lines = [
        f"## Surveyor's gate: {'open' if decision.is_open else 'closed'}",
        "",
        f"{sign} {_cell(decision.reason)}",
        "",
        f"{counts}.",
        "",
    ]
    lines += _lines_of_deployment(decision)
    return "\n".join([*lines, *_table(results)]) + "\n"


def render_comment(decision: Decision) -> str:
    """Return the decision with its reason in one sentence, and the results that are not a pass, folded."""
    sign = "✅" if decision.is_open else "❌"
    lines = [f"{sign} **Surveyor's gate is {'open' if decision.is_open else 'closed'}.** {_cell(decision.reason)}", ""]
    lines += _lines_of_deployment(decision)
    shown = [result for result in decision.results if result.verdict is not Verdict.PASS][:_MAX_ROWS]
    if shown:
        left = len([result for result in decision.results if result.verdict is not Verdict.PASS]) - len(shown)
        more = ["", f"{left} more in the summary of the job."] if left else []
        lines += ["<details><summary>Thresholds that are not met or not certain</summary>", "", *_table(shown), *more]
        lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _lines_of_deployment(decision: Decision) -> list[str]:
    lines = []
    if decision.action is not None:
        lines += [f"Deployment: {_cell(decision.action.description)}", ""]
    if decision.restore:
        lines += [f"To restore the previous revision: {_cell(decision.restore)}", ""]
    return lines


def _table(results: Sequence[ThresholdResult]) -> list[str]:
    lines = ["| | threshold | client | actual |", "|---|---|---|---|"]
    results = sorted(results, key=lambda result: _ORDER.index(result.verdict))
    values, reasons = shorten_reasons(results)
    for result, actual in zip(results, values, strict=True):
        sign = _SIGNS.get(result.verdict, "")
        cells = (_cell(str(result.threshold)), _cell(result.client), _cell(actual))
        lines.append(f"| {sign} {result.verdict} | {' | '.join(cells)} |")
    return lines + [line for reason in reasons for line in ("", _cell(reason))]


def _cell(text: str) -> str:
    """Return a text as Markdown code, which no text of a task, an alarm or a file can leave."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(0x2223))}`" if text else ""
