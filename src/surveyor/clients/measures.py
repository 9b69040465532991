"""What clients did in the scenario of the runtimes: how long they failed, and how long they kept a task."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from surveyor.clients.running import EVERY, ClientCall
from surveyor.clients.runtimes import NEVER, Expected
from surveyor.clients.traffic import Traffic

__all__ = ["LATE", "Measure", "Period", "is_within", "lasting_right", "measure", "steady_right"]

STEADY = 3
"""Right calls in a row that end a behaviour: one call may fail for another reason, such as a busy machine."""

LATE = 2.5
"""Wall seconds by which a measured end may follow the documented one: a call every half second, its limit of 2 s."""


@dataclass(frozen=True)
class Period:
    """`behaviour` is measured from `began` to `ended`, seconds since the epoch; calls are right at `addresses`.

    `lasting`: it ends after the last wrong call, and not with the first right ones. `cached`: a cache between client
    and resolver keeps answers in a rhythm that is not seen.
    """

    behaviour: str
    began: float
    ended: float
    addresses: tuple[str, ...]
    lasting: bool = False
    cached: bool = False


AT_ONCE = 5.0
"""Wall seconds after a change, or a first failed call, within which a question may be due to it on a busy machine."""

APART = 0.25
"""Wall seconds by which questions are apart at least: those of A, AAAA and SRV records, one after another, are one."""

SAME_RHYTHM = 2.0
"""How many times as long as the time between two questions of a rhythm the next one may be, as calls are far apart."""


@dataclass(frozen=True)
class Measure:
    """A behaviour ended after `low` seconds or more, and `high` seconds or less.

    `high` is NEVER if it had not ended when its period did, after `low` seconds. `errors`: calls that failed, of
    `calls`; `asked`: seconds after its beginning at which the client first asked for the name, None if it did not;
    `since_question`: seconds between that question and the one before it, None without one of them; `reached`: the
    right tasks that answered. `span`: the least and the most seconds after which it would have ended, whenever between
    these two questions it had begun, None if the client did not ask on its own account.
    """

    behaviour: str
    low: float
    high: float
    errors: int
    calls: int
    asked: float | None = None
    since_question: float | None = None
    reached: int = 0
    span: tuple[float, float] | None = None

    @property
    def is_never(self) -> bool:
        """Return whether the behaviour had not ended when it was no longer observed."""
        return self.high == NEVER

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the least and the most seconds after which it ends, as far as this client was seen."""
        low, high = max(0.0, self.low), max(0.0, self.high)
        return (low, high) if self.span is None else (min(low, self.span[0]), max(high, self.span[1]))

    def describe(self) -> str:
        """Return it in few words."""
        if self.calls == 0:
            return "no call"
        return f"never ({self.low:.0f} s)" if self.is_never else f"{self.high:.1f} s"


def measure(calls: Sequence[ClientCall], period: Period, traffic: Traffic, name: str) -> Measure:
    """Return what a client did in a period. `name`: what it asks for."""
    within = [call for call in calls if period.began <= call.at < period.ended]
    errors = sum(not call.ok for call in within)
    first = (lasting_right if period.lasting else steady_right)(within, period.addresses)
    moments = _moments([question.at for question in traffic.asked(name, until=period.ended)])
    before, after = [at for at in moments if at < period.began], [at for at in moments if at >= period.began]
    asked = after[0] - period.began if after else None
    since = after[0] - before[-1] if after and before else None
    reached = len({call.address for call in within}.intersection(period.addresses))
    if first is None:
        low = (within[-1].at - period.began) if within else 0.0
        return Measure(period.behaviour, low, NEVER, errors, len(within), asked, since, reached)
    high = within[first].at + within[first].seconds - period.began
    low = within[first - 1].at - period.began if first else 0.0
    last = next((call for call in reversed(calls) if call.at < period.began), None)
    span = None
    is_single = not period.lasting and not period.cached
    if asked is not None and since is not None and asked <= high and last is not None and is_single:
        may_be_due = last.ok and _is_soon_after(after[0], period.began, within)
        is_free = not may_be_due or _has_rhythm(*before[-2:], after[0])
        span = (max(0.0, low - asked), high - asked + since) if is_free else None
    return Measure(period.behaviour, low, high, errors, len(within), asked, since, reached, span)


def _is_soon_after(asked: float, began: float, calls: Sequence[ClientCall]) -> bool:
    """Return whether a question may be due to the change itself, which ends connections, or to the first failed call.

    One that comes later does not: a client that was free to ask would have asked at once.
    """
    failed = next((call for call in calls if not call.ok), None)
    return asked <= began + AT_ONCE or (
        failed is not None and failed.at <= asked <= failed.at + failed.seconds + AT_ONCE
    )


def _moments(asked: Sequence[float]) -> list[float]:
    """Return the moments of questions, of which those that belong together count as one."""
    return [at for number, at in enumerate(asked) if not number or at - asked[number - 1] >= APART]


def _has_rhythm(*asked: float) -> bool:
    """Return whether the last of three questions arrived about as long after the one before as that after the first."""
    return len(asked) > 2 and asked[2] - asked[1] <= SAME_RHYTHM * (asked[1] - asked[0])


def steady_right(calls: Sequence[ClientCall], addresses: Collection[str]) -> int | None:
    """Return the number of the first call of several in a row that reached one of the addresses; None without one."""
    row = 0
    for number, call in enumerate(calls):
        row = row + 1 if call.address in addresses else 0
        if row == STEADY:
            return number - STEADY + 1
    return None


def lasting_right(calls: Sequence[ClientCall], addresses: Collection[str]) -> int | None:
    """Return the number of the call from which on all reached one of the addresses; None without several of them."""
    wrong = [number for number, call in enumerate(calls) if call.address not in addresses]
    first = wrong[-1] + 1 if wrong else 0
    return first if first <= len(calls) - STEADY else None


def is_within(measured: Measure, expected: Expected) -> bool:
    """Return whether a behaviour ended when documents say; the end may be seen late, but not early."""
    if measured.is_never:
        return expected.high == NEVER or measured.low < expected.high + LATE
    if expected.low == NEVER:
        return False
    return measured.high >= expected.low - EVERY and measured.low <= expected.high + LATE
