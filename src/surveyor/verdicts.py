"""The six verdicts, and the worst of several."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["Verdict", "worst"]


class Verdict(StrEnum):
    """The result for a claim on a target, worst first."""

    ERROR = "error"  # the harness broke, or the target died
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"  # could not be judged
    NOT_RUN = "not-run"
    UNSUPPORTED = "unsupported"  # the target declares that it lacks what is needed
    PASS = "pass"  # noqa: S105  # a verdict


_ORDER = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of a claim from those of its tests; `not-run` if there are none."""
    return min(verdicts, key=_ORDER.__getitem__, default=Verdict.NOT_RUN)
