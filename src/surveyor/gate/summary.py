"""Render a gate's decision as Markdown for a pull request, failures first."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.gate.thresholds import ThresholdResult
from surveyor.verdicts import Verdict

__all__ = ["render", "shorten_reasons"]

_MAX_ACTUAL = 60
"""Characters of an actual value that fit into a line; a longer text is a reason, which many results may share."""

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


def render(results: Sequence[ThresholdResult], *, open_: bool) -> str:
    """Return a heading that says whether the gate is open, and a table with one row per result."""
    failed = sum(result.verdict is Verdict.FAIL for result in results)
    inconclusive = sum(result.verdict is Verdict.INCONCLUSIVE for result in results)
    counts = f"{failed} failed, {inconclusive} inconclusive, {len(results) - failed - inconclusive} passed"
    lines = [
        f"## Surveyor's gate: {'open' if open_ else 'closed'}",
        "",
        f"{'✅' if open_ else '❌'} {counts}.",
        "",
        "| | threshold | client | actual |",
        "|---|---|---|---|",
    ]
    results = sorted(results, key=lambda result: _ORDER.index(result.verdict))
    values, reasons = shorten_reasons(results)
    for result, actual in zip(results, values, strict=True):
        sign = _SIGNS.get(result.verdict, "")
        cells = (_cell(str(result.threshold)), _cell(result.client), _cell(actual))
        lines.append(f"| {sign} {result.verdict} | {' | '.join(cells)} |")
    lines += [line for reason in reasons for line in ("", _cell(reason))]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(0x2223))}`" if text else ""
