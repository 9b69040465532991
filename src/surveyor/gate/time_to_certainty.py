"""How many calls, and how many seconds, it takes until a threshold on errors is met for certain.

This is arithmetic from the bounds (decision 26), said before a deployment is watched: at a rate that is too low, a good
deployment waits at its PAUSE hook until the gate has to answer without being certain.
"""

from __future__ import annotations

import math

from surveyor.gate.estimates import ConfidenceLevel, difference, ratio, share_estimate
from surveyor.gate.rules import SCENARIO, Rules, Threshold
from surveyor.load.error_counts import Counts

__all__ = ["AT_HOOK", "GATE_RATE", "calls_until_met", "describe_time"]

GATE_RATE = 30.0
"""Calls of each client model per wall second, unless the user names another rate.

With them 99 of 100 good deployments meet `at-most-more = 5` within AT_HOOK seconds, if the clock of the target has the
speed of this machine's.
"""

AT_HOOK = 60.0
"""Service seconds within which a PAUSE hook should be answered."""

_ERRORS = 0.005
"""The share of errors of a good service, of both revisions, or half of a limit that is below its double."""

_SLOWEST = 2.2
"""How many times as many calls the slowest of 100 deployments needs as half of them (tests simulate it)."""

_MOST_CALLS = 1_000_000
_HIGHEST_RATE = 100.0
_HALF = " and half of them reach new tasks"


def calls_until_met(threshold: Threshold, clients: int) -> int | None:
    """Return after how many calls of each revision a good deployment meets a threshold for certain, in half of all.

    None if that takes more than a million, or the threshold is not about errors of this watch alone. `clients`: the
    client models that call.
    """
    if threshold.scenario != SCENARIO or threshold.figure != "error-rate" or threshold.against:
        return None
    confidence = ConfidenceLevel(threshold.confidence, always=True, parts=1 if threshold.client else max(1, clients))
    share = _share(threshold)

    def is_met(calls: int) -> bool:
        one = share_estimate(Counts(share * calls, calls), confidence)
        if not threshold.is_compared:
            return one.high <= threshold.limit
        return (difference if threshold.ratio is None else ratio)(one, one).high <= threshold.limit

    enough = 16
    while not is_met(enough):
        enough *= 2
        if enough > _MOST_CALLS:
            return None
    too_few = enough // 2
    while enough - too_few > 1 + enough // 200:
        middle = (enough + too_few) // 2
        too_few, enough = (too_few, middle) if is_met(middle) else (middle, enough)
    return enough


def describe_time(rules: Rules, rate: float, scale: float, clients: int) -> str:
    """Return how long the slowest threshold takes to be met for certain, and which rate is enough; "" without any.

    `rate`: calls of each client model per wall second, `scale`: service seconds per wall second.
    """
    found = [
        (calls * (2 if threshold.by_revision else 1), calls, threshold)
        for threshold in rules.thresholds
        if threshold.decides and (calls := calls_until_met(threshold, clients)) is not None
    ]
    if not found:
        return ""
    total, calls, threshold = max(found, key=lambda entry: entry[0])
    half = total * scale / rate
    longest, of_each = _SLOWEST * half, " of each revision" if threshold.by_revision else ""
    text = (
        f"certain after about {half:,.0f} s (99 of 100 deployments: {longest:,.0f} s), "
        f"if {100 * _share(threshold):g} % of calls fail{_HALF if threshold.by_revision else ''}: "
        f"{calls:,} calls{of_each} for {threshold}"
    )
    if longest > AT_HOOK:
        needed = math.ceil(longest * rate / AT_HOOK)
        slower = ": choose a higher limit" + (", or a slower clock of the target" if scale > 1 else "")
        enough = f"is enough for {AT_HOOK:.0f} s"
        text += f"; --rate {needed} {enough}" if needed <= _HIGHEST_RATE else f"; no --rate {enough}{slower}"
    if half > rules.wait_at_hook:
        text += (
            f"; a PAUSE hook is answered before, after wait-at-hook = {rules.wait_at_hook:g} s, as "
            f"inconclusive = {rules.inconclusive}"
        )
    return text


def _share(threshold: Threshold) -> float:
    return _ERRORS if threshold.is_compared else min(_ERRORS, threshold.limit / 200)
