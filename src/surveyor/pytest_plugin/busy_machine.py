"""A failed test on a busy machine is inconclusive if the machine can be the cause.

On a clock that is advanced, most of what a test observes does not depend on how fast this machine is. What does: real
processes and probes, which live in wall time, and answers that a local target must give within a wall time.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from surveyor.errors import NoAnswer
from surveyor.machine import BUSY_LABEL, describe_busy
from surveyor.pytest_plugin.verdict_rules import PhaseVerdict
from surveyor.verdicts import Verdict

__all__ = ["IGNORE_MACHINE", "INSTANT", "PROCESS_FEATURES", "allow_for_busy_machine"]

IGNORE_MACHINE = pytest.StashKey[bool]()
"""Set where tests should fail, on mutants: there a failed test is one whether or not the machine is busy."""

INSTANT = pytest.StashKey[bool]()
"""Set for a test that compares one answer, which is the same on a busy machine, whatever the features that it needs."""

PROCESS_FEATURES = frozenset({"ecs", "ecs-instances", "ecs-processes", "health", "service-connect", "task-signals"})
"""Features whose claims are judged by what real processes do."""


def allow_for_busy_machine(
    judgement: PhaseVerdict,
    error: BaseException,
    test: str,
    features: frozenset[str],
    slowdown: Callable[[], float],
) -> PhaseVerdict:
    """Return the judgement on a test of a target on this machine: inconclusive if the machine was too busy for it.

    `features`: those that the test needs; `slowdown` is called only if the machine can be the cause.
    """
    if judgement.verdict is not Verdict.FAIL or not (features & PROCESS_FEATURES or _is_silent(error)):
        return judgement
    reason = describe_busy(slowdown())
    if not reason:
        return judgement
    return PhaseVerdict(Verdict.INCONCLUSIVE, f"{test}: {BUSY_LABEL}", f"{reason}; {judgement.detail}")


def _is_silent(error: BaseException | None) -> bool:
    """Return whether a request was not answered in time."""
    while error is not None:
        if isinstance(error, ReadTimeoutError | NoAnswer):
            return True
        error = error.__cause__
    return False
