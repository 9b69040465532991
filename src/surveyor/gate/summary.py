"""What a gate says, as Markdown for a pull request: what failed first."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.gate.thresholds import Outcome
from surveyor.verdicts import Verdict

__all__ = ["render"]

_SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔", Verdict.ERROR: "💥"}
_ORDER = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


def render(outcomes: Sequence[Outcome], *, open_: bool) -> str:
    """A line for whether it may go on, and a row a threshold."""
    failed = sum(one.verdict is Verdict.FAIL for one in outcomes)
    unclear = sum(one.verdict is Verdict.INCONCLUSIVE for one in outcomes)
    counts = f"{failed} failed, {unclear} inconclusive, {len(outcomes) - failed - unclear} passed"
    lines = [
        f"## Surveyor's gate: {'open' if open_ else 'closed'}",
        "",
        f"{'✅' if open_ else '❌'} {counts}.",
        "",
        "| | threshold | client | came |",
        "|---|---|---|---|",
    ]
    for one in sorted(outcomes, key=lambda outcome: _ORDER.index(outcome.verdict)):
        sign = _SIGNS.get(one.verdict, "")
        lines.append(f"| {sign} {one.verdict} | {_cell(str(one.threshold))} | {_cell(one.who)} | {_cell(one.told)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(0x2223))}`" if text else ""
