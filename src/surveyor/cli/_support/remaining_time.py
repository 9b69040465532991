"""Estimate how long a run still takes, from the tests that have ended; say nothing until that is steady."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["RemainingTime"]

_MIN_SHARE = 1 / 5
"""Share of the tests that must have ended: areas differ in how long their tests take."""

_TOLERANCE = 0.2
"""By how much the expected durations of the last half of a run may differ from the present one."""


class RemainingTime:
    """Expect that the other tests take as long as those that have ended, once that has been right for a while.

    Tests of one area may be over at once, and one test may wait for minutes. So nothing is estimated unless all
    estimates since half of the time that has passed, the present one included, are about the same. Between the ends of
    tests the estimate falls as time passes. Several threads may ask: one counts seconds, others show them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = 0.0
        self._done = 0
        self._expected: deque[tuple[float, float]] = deque()

    def estimate(self, passed: float, done: int, total: int) -> float | None:
        """Return the seconds that are left; None if that cannot be said.

        `passed`: seconds since the beginning; `done`: how many of the `total` tests have ended by then.
        """
        if not 0 < done < total:
            return None
        with self._lock:
            return self._estimate(passed, done, total)

    def _estimate(self, passed: float, done: int, total: int) -> float | None:
        if done != self._done:
            self._done, self._ended = done, passed
        self._expected.append((passed, passed * total / done))
        while len(self._expected) > 1 and self._expected[1][0] <= passed / 2:
            self._expected.popleft()
        whole = self._ended * total / done
        is_steady = all(abs(expected - whole) <= _TOLERANCE * whole for _, expected in self._expected)
        is_long_enough = self._expected[0][0] <= passed / 2
        return max(0.0, whole - passed) if done >= total * _MIN_SHARE and is_steady and is_long_enough else None
