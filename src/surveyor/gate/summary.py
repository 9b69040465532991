"""Render a gate's decision as Markdown for a pull request, failures first."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.gate.thresholds import ThresholdResult
from surveyor.verdicts import Verdict

__all__ = ["render"]

_SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔", Verdict.ERROR: "💥"}
_ORDER = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


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
    for result in sorted(results, key=lambda result: _ORDER.index(result.verdict)):
        sign = _SIGNS.get(result.verdict, "")
        cells = (_cell(str(result.threshold)), _cell(result.client), _cell(result.actual))
        lines.append(f"| {sign} {result.verdict} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(0x2223))}`" if text else ""
