"""What a checker found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from surveyor.verdicts import Verdict

__all__ = ["Finding", "combined", "failed", "passed", "unclear"]


@dataclass(frozen=True)
class Finding:
    """`verdict` is pass, fail or inconclusive; `witness` the numbers of the few events that prove it."""

    verdict: Verdict
    detail: str
    witness: tuple[int, ...] = ()


def passed(detail: str) -> Finding:
    """It held."""
    return Finding(Verdict.PASS, detail)


def failed(detail: str, *witness: int) -> Finding:
    """It did not hold, and these events prove it."""
    return Finding(Verdict.FAIL, detail, tuple(number for number in witness if number))


def unclear(detail: str, *witness: int) -> Finding:
    """Nobody can tell from this history."""
    return Finding(Verdict.INCONCLUSIVE, detail, tuple(number for number in witness if number))


def combined(found: Iterable[Finding], nothing: str, held: str) -> Finding:
    """Of several cases: the failure with the shortest witness, else what is unclear, else that all held.

    `nothing` says what was missing where there was no case, `held` what held, with {} for "3 of 3".
    """
    cases = list(found)
    wrong = [one for one in cases if one.verdict is Verdict.FAIL]
    if wrong:
        first = min(wrong, key=lambda one: (len(one.witness), one.witness))
        more = f" ({len(wrong)} such cases)" if len(wrong) > 1 else ""
        return Finding(Verdict.FAIL, first.detail + more, first.witness)
    open_ = [one for one in cases if one.verdict is Verdict.INCONCLUSIVE]
    if open_:
        more = f" ({len(open_)} of {len(cases)} cases)" if len(cases) > 1 else ""
        return Finding(Verdict.INCONCLUSIVE, open_[0].detail + more, open_[0].witness)
    return passed(held.format(f"{len(cases)} of {len(cases)}")) if cases else unclear(nothing)
