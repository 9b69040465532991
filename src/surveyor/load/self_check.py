"""The self-check of the instrument: does this client count known errors correctly, before anything is measured?

First the highest possible rate is measured, so that the check itself does not overload a busy machine. Then a server
kills one request of five without an answer, one address of two is dead, and a server stalls once for three seconds. The
reported rates must match, within the confidence interval of the counts. `python -m surveyor.load.self_check` patches
the sockets as Locust does, and prints both as JSON.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from surveyor.callers import Arrivals, Connection, Request, Timeouts, attempt
from surveyor.confidence import share_of
from surveyor.errors import SurveyorError
from surveyor.load.faulty_server import KILLED, STALL, STALLS_AFTER
from surveyor.load.histogram import Latencies
from surveyor.machine import ProcessTimes, read_times, slowdown_between

__all__ = [
    "CHECKS",
    "Reading",
    "SelfCheck",
    "choose_rate",
    "run_self_check",
    "self_check_in_subprocess",
    "sustained_rate",
]

MIN_RATE, MAX_RATE = 25.0, 200.0
"""Arrivals per second of each check that counts errors; the check of the stall has half as many."""

ATTEMPTS = 600
"""Attempts of each check that counts errors, if the machine is fast enough to make them while the stall is checked."""

MAX_LOAD = 0.5
"""Share of the machine's highest rate that all checks use together."""

STALL_SECONDS = STALLS_AFTER + STALL + 2.0
MAX_RUNS = 3
"""Runs of the whole check until one passes: a wrong instrument fails each time, one that was disturbed does not."""

DEAD = "127.255.255.252"
TIMEOUTS = Timeouts(1.0, STALL + 2.0)
CONFIDENCE = 0.999
PARALLEL, MAX_RATE_SECONDS = 32, 1.0
CHECKS = ("GET killed", "POST killed", "GET killed, connections kept", "dead address", "stall in p95")


@dataclass(frozen=True)
class Reading:
    """One line of the table: the true and the reported value, in percent, or wall seconds for the stall."""

    check: str
    truth: float
    reported: float
    low: float
    high: float
    count: int
    correct: bool
    unit: str = "%"
    HEADER: ClassVar[str] = f"{'':<30} {'true':>8} {'measured':>9}    (interval, attempts)  verdict"

    def __str__(self) -> str:
        verdict = "correct" if self.correct else "WRONG"
        return (
            f"{self.check:<30} {self.truth:8.2f} {self.reported:9.2f} {self.unit:<2} "
            f"({self.low:.2f} to {self.high:.2f}, {self.count} attempts)  {verdict}"
        )


@dataclass(frozen=True)
class SelfCheck:
    """`max_rate`: attempts per wall second, each by a new connection, that this process can sustain now."""

    readings: tuple[Reading, ...]
    max_rate: float

    @property
    def passed(self) -> bool:
        """Return whether all readings are correct."""
        return all(reading.correct for reading in self.readings)


@contextmanager
def _faulty(seed: int) -> Iterator[int]:
    """Yield the port of a faulty server."""
    server = subprocess.Popen(
        [sys.executable, "-m", "surveyor.load.faulty_server", str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait()


def run_self_check(seed: int) -> SelfCheck:
    """Check what this process's client counts, and measure how fast it is. gevent must have patched the sockets."""
    import gevent

    with _faulty(seed) as port:
        times = [read_times("self")]
        max_rate = _measure_max_rate(port)
        times.append(read_times("self"))
        rate = choose_rate(max_rate)
        checks: list[Any] = [
            gevent.spawn(_killed, "GET killed", port, rate, "GET", "/kills", keep=False),
            gevent.spawn(_killed, "POST killed", port, rate, "POST", "/kills", keep=False),
            gevent.spawn(_killed, "GET killed, connections kept", port, rate, "GET", "/kills-kept", keep=True),
            gevent.spawn(_dead, port, rate, seed),
            gevent.spawn(_stalled, port, rate / 2),
        ]
        gevent.joinall(checks, raise_error=True)
        times.append(read_times("self"))
        return SelfCheck(tuple(check.value for check in checks), sustained_rate(max_rate, times))


def sustained_rate(max_rate: float, times: Sequence[ProcessTimes | None]) -> float:
    """Return the attempts per second that can be sustained, from those of a short burst.

    `times`: of this process before the burst, after it, and after the checks that followed. A burst gets processors
    sooner than work that lasts; if the checks had to wait longer for them, the rate is lower by as much. Without times
    the rate is returned unchanged.
    """
    before, burst, after = times
    if before is None or burst is None or after is None:
        return max_rate
    at_first, later = slowdown_between(before, burst), slowdown_between(burst, after)
    return max_rate * min(1.0, at_first / later) if at_first and later else max_rate


def choose_rate(max_rate: float) -> float:
    """Return the arrivals per second of each check of errors, on a machine that makes `max_rate` attempts per second.

    There are four such checks, and one with half as many.
    """
    return min(MAX_RATE, max(MIN_RATE, MAX_LOAD * max_rate / 4.5))


def _measure_max_rate(port: int) -> float:
    """Return attempts per second of parallel greenlets that call without a pause."""
    import gevent

    request, start = Request(path="/well"), time.monotonic()
    attempts = 0

    def call_repeatedly() -> None:
        nonlocal attempts
        while time.monotonic() - start < MAX_RATE_SECONDS:
            attempt("127.0.0.1", port, request, TIMEOUTS)
            attempts += 1

    gevent.joinall([gevent.spawn(call_repeatedly) for _ in range(PARALLEL)], raise_error=True)
    return attempts / (time.monotonic() - start)


def _run(rate: float, seconds: float, call: Callable[[float], None]) -> None:
    import gevent

    arrivals = Arrivals(rate, 2_000, gevent.spawn)
    arrivals.run(call, seconds)
    arrivals.drain(TIMEOUTS.connect + TIMEOUTS.read + 1)


def _killed(name: str, port: int, rate: float, method: str, path: str, *, keep: bool) -> Reading:
    """Compare the attempts that failed here with those that the server killed: both count the same requests."""
    outcomes: list[bool] = []
    idle: list[Connection] = []
    request = Request(method, path)

    def call(due: float) -> None:
        result, connection = attempt(
            "127.0.0.1", port, request, TIMEOUTS, idle.pop() if keep and idle else None, keep=keep
        )
        outcomes.append(result.outcome != "ok")
        if connection is not None and keep:
            idle.append(connection)

    _run(rate, _seconds(rate), call)
    for connection in idle:
        connection.close()
    truth = _truth(port)["received"]
    killed, received = truth.get(f"{method} {path} killed", 0), truth.get(f"{method} {path}", 0)
    measured = share_of(sum(outcomes), len(outcomes), CONFIDENCE)
    correct = measured.low <= KILLED <= measured.high and sum(outcomes) == killed and len(outcomes) == received
    return Reading(
        name, 100 * KILLED, 100 * measured.share, 100 * measured.low, 100 * measured.high, measured.count, correct
    )


def _dead(port: int, rate: float, seed: int) -> Reading:
    """With a dead address among two, half of the attempts fail, each at the dead address."""
    chance = random.Random(seed)
    outcomes: list[tuple[str, bool]] = []
    request = Request(path="/well")

    def call(due: float) -> None:
        address = chance.choice(("127.0.0.1", DEAD))
        result, _ = attempt(address, port, request, TIMEOUTS)
        outcomes.append((address, result.outcome != "ok"))

    _run(rate, _seconds(rate), call)
    measured = share_of(sum(failed for _, failed in outcomes), len(outcomes), CONFIDENCE)
    correct = measured.low <= 0.5 <= measured.high and all(failed == (address == DEAD) for address, failed in outcomes)
    return Reading(
        "dead address", 50.0, 100 * measured.share, 100 * measured.low, 100 * measured.high, measured.count, correct
    )


def _stalled(port: int, rate: float) -> Reading:
    """Calls that were due in the stall waited for its end: the stall takes half of the time, so p95 is close to it.

    On a busy machine the server may have answered later than that; then the reported latency may be as long.
    """
    latencies = Latencies()

    def call(due: float) -> None:
        request = Request(path=f"/stalls?due={due:.6f}")
        attempt("127.0.0.1", port, request, TIMEOUTS)
        latencies.record(time.monotonic() - due)

    _run(rate, STALL_SECONDS, call)
    # A call that is due x seconds into the stall takes STALL - x: 5 % of all calls are due in its first seconds * 0.05.
    truth = STALL - 0.05 * STALL_SECONDS
    measured = latencies.percentile(95)
    answered_late = Latencies()
    for delay in _truth(port)["delays"]:
        answered_late.record(delay)
    low, high = 0.9 * truth, 1.1 * max(truth, answered_late.percentile(95))
    return Reading("stall in p95", truth, measured, low, high, latencies.count, low <= measured <= high, "s")


def _seconds(rate: float) -> float:
    return min(ATTEMPTS / rate, STALL_SECONDS)


def _truth(port: int) -> dict[str, Any]:
    """Return what the faulty server counted."""
    connection = Connection("127.0.0.1", port, TIMEOUTS.connect)
    _, body, _ = connection.exchange(Request(path="/truth").encode("127.0.0.1", port, keep=False), TIMEOUTS.read)
    connection.close()
    counted: dict[str, Any] = json.loads(body)
    return counted


def self_check_in_subprocess(seed: int) -> SelfCheck:
    """Run the self-check in separate processes, since this one must not patch sockets, until it passes.

    Return the last one. Raises SurveyorError if it cannot run.
    """
    check = _run_in_subprocess(seed)
    for number in range(1, MAX_RUNS):
        if check.passed:
            break
        check = _run_in_subprocess(seed + number)
    return check


def _run_in_subprocess(seed: int) -> SelfCheck:
    command = [sys.executable, "-m", "surveyor.load.self_check", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        value = json.loads(done.stdout)
        return SelfCheck(tuple(Reading(**reading) for reading in value["readings"]), float(value["max_rate"]))
    except (ValueError, TypeError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise SurveyorError(f"the self-check of the instrument failed to run: {reason}") from None


def main() -> int:
    """Print the self-check as JSON; return 1 if a reading is wrong."""
    check = run_self_check(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
    sys.stdout.write(json.dumps(asdict(check), indent=1) + "\n")
    return 0 if check.passed else 1


if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all()
    sys.exit(main())
