"""Define the result of a checker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from surveyor.verdicts import Verdict

__all__ = ["CheckResult", "combine", "failed", "inconclusive", "passed"]


@dataclass(frozen=True)
class CheckResult:
    """A verdict (pass, fail or inconclusive); `witness` holds the numbers of the few events that prove it."""

    verdict: Verdict
    detail: str
    witness: tuple[int, ...] = ()


def passed(detail: str) -> CheckResult:
    """Return a pass."""
    return CheckResult(Verdict.PASS, detail)


def failed(detail: str, *witness: int) -> CheckResult:
    """Return a failure that these events prove; numbers that are 0 are left out."""
    return CheckResult(Verdict.FAIL, detail, tuple(number for number in witness if number))


def inconclusive(detail: str, *witness: int) -> CheckResult:
    """Return an inconclusive result: the history does not decide."""
    return CheckResult(Verdict.INCONCLUSIVE, detail, tuple(number for number in witness if number))


def combine(results: Iterable[CheckResult], nothing: str, held: str) -> CheckResult:
    """Return the failure with the shortest witness, else the first inconclusive case, else a pass.

    `nothing` is the detail if there is no case, `held` the detail if all cases passed, with {} for "3 of 3".
    """
    cases = list(results)
    failures = [case for case in cases if case.verdict is Verdict.FAIL]
    if failures:
        first = min(failures, key=lambda case: (len(case.witness), case.witness))
        more = f" ({len(failures)} such cases)" if len(failures) > 1 else ""
        return CheckResult(Verdict.FAIL, first.detail + more, first.witness)
    undecided = [case for case in cases if case.verdict is Verdict.INCONCLUSIVE]
    if undecided:
        more = f" ({len(undecided)} of {len(cases)} cases)" if len(cases) > 1 else ""
        return CheckResult(Verdict.INCONCLUSIVE, undecided[0].detail + more, undecided[0].witness)
    return passed(held.format(f"{len(cases)} of {len(cases)}")) if cases else inconclusive(nothing)
