"""The instrument check: before anything is measured, whether this very client counts what is known to go wrong.

A server kills one request of five unanswered, one address of two is dead, and a server stalls once for three seconds.
What is reported has to be what was done, as far as counts allow. Then it calls as fast as it can, so that nobody asks
for more than that. `python -m surveyor.load.self_check` patches the sockets as Locust does, and prints both as JSON.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from surveyor.errors import SurveyorError, UsageError
from surveyor.load.arrivals import Arrivals
from surveyor.load.confidence import share_of
from surveyor.load.connection import Connection, Limits, attempt, request_of
from surveyor.load.faulty_server import KILLED, STALL, STALLS_AFTER
from surveyor.load.histogram import Latencies

__all__ = ["CHECKS", "UNTRUSTED", "Checked", "Reading", "check_instrument", "check_rate", "checked_apart"]

RATE, SECONDS = 200.0, 3.0
STALL_RATE = 100.0
DEAD = "127.255.255.252"
LIMITS = Limits(1.0, STALL + 2.0)
CONFIDENCE = 0.999
AT_ONCE, FASTEST_FOR = 32, 1.0
CHECKS = ("GET killed", "POST killed", "GET killed, connections kept", "dead address", "stall in p95")

UNTRUSTED = "the instrument is not to be trusted here, so nothing was measured: is the machine busy?"


@dataclass(frozen=True)
class Reading:
    """One line of the table. `truth` and `reported` in percent, for the stall in wall seconds; `right`: it fits."""

    check: str
    truth: float
    reported: float
    low: float
    high: float
    count: int
    right: bool
    unit: str = "%"

    def __str__(self) -> str:
        verdict = "right" if self.right else "WRONG"
        return (
            f"{self.check:<30} {self.truth:8.2f} {self.reported:9.2f} {self.unit:<2} "
            f"({self.low:.2f} to {self.high:.2f}, {self.count} attempts)  {verdict}"
        )


@dataclass(frozen=True)
class Checked:
    """`most`: attempts a wall second, by connections of their own, when nothing else is done."""

    readings: tuple[Reading, ...]
    most: float

    @property
    def right(self) -> bool:
        """Whether the instrument is to be trusted."""
        return all(one.right for one in self.readings)


@contextmanager
def _faulty(seed: int) -> Iterator[int]:
    """The port of such a server."""
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


def check_instrument(seed: int) -> Checked:
    """What this process's client counts, and how fast. Only where gevent has patched the sockets."""
    import gevent

    with _faulty(seed) as port:
        readings: list[Any] = [
            gevent.spawn(_killed, "GET killed", port, "GET", "/kills", keep=False),
            gevent.spawn(_killed, "POST killed", port, "POST", "/kills", keep=False),
            gevent.spawn(_killed, "GET killed, connections kept", port, "GET", "/kills-kept", keep=True),
            gevent.spawn(_dead, port, seed),
            gevent.spawn(_stalled, port),
        ]
        gevent.joinall(readings, raise_error=True)
        return Checked(tuple(one.value for one in readings), _fastest(port))


def _fastest(port: int) -> float:
    """Attempts a second of some greenlets, each of which goes on at once."""
    import gevent

    request, begun = request_of("GET", "127.0.0.1", "/well", keep=False), time.monotonic()
    made = 0

    def go_on() -> None:
        nonlocal made
        while time.monotonic() - begun < FASTEST_FOR:
            attempt("127.0.0.1", port, request, LIMITS)
            made += 1

    gevent.joinall([gevent.spawn(go_on) for _ in range(AT_ONCE)], raise_error=True)
    return made / (time.monotonic() - begun)


def _run(rate: float, seconds: float, call: Callable[[float], None]) -> None:
    import gevent

    arrivals = Arrivals(rate, 2_000, gevent.spawn, gevent.sleep)
    arrivals.run(call, seconds)
    arrivals.drain(LIMITS.connect + LIMITS.read + 1)


def _killed(name: str, port: int, method: str, path: str, *, keep: bool) -> Reading:
    """Of attempts that the server says it killed, how many failed here: both are counts of the same requests."""
    outcomes: list[bool] = []
    kept: list[Connection] = []
    request = request_of(method, "127.0.0.1", path, keep=keep)

    def call(due: float) -> None:
        answer, wire = attempt("127.0.0.1", port, request, LIMITS, kept.pop() if keep and kept else None)
        outcomes.append(answer.outcome != "ok")
        if wire is not None and keep:
            kept.append(wire)

    _run(RATE, SECONDS, call)
    for wire in kept:
        wire.close()
    truth = _truth(port)
    killed, had = truth.get(f"{method} {path} killed", 0), truth.get(f"{method} {path}", 0)
    seen = share_of(sum(outcomes), len(outcomes), CONFIDENCE)
    right = seen.low <= KILLED <= seen.high and sum(outcomes) == killed and len(outcomes) == had
    return Reading(name, 100 * KILLED, 100 * seen.share, 100 * seen.low, 100 * seen.high, seen.count, right)


def _dead(port: int, seed: int) -> Reading:
    """An answer names two addresses, nobody listens at one: half of the attempts fail, each at its own address."""
    chance = random.Random(seed)
    outcomes: list[tuple[str, bool]] = []
    request = request_of("GET", "127.0.0.1", "/well", keep=False)

    def call(due: float) -> None:
        address = chance.choice(("127.0.0.1", DEAD))
        answer, _ = attempt(address, port, request, LIMITS)
        outcomes.append((address, answer.outcome != "ok"))

    _run(RATE, SECONDS, call)
    seen = share_of(sum(failed for _, failed in outcomes), len(outcomes), CONFIDENCE)
    right = seen.low <= 0.5 <= seen.high and all(failed == (address == DEAD) for address, failed in outcomes)
    return Reading("dead address", 50.0, 100 * seen.share, 100 * seen.low, 100 * seen.high, seen.count, right)


def _stalled(port: int) -> Reading:
    """Calls that were due in the stall waited for its end: with the stall half of the time, p95 is near it."""
    latencies = Latencies()
    request = request_of("GET", "127.0.0.1", "/stalls", keep=False)

    def call(due: float) -> None:
        attempt("127.0.0.1", port, request, LIMITS)
        latencies.record(time.monotonic() - due)

    seconds = STALLS_AFTER + STALL + 2.0
    _run(STALL_RATE, seconds, call)
    # A call that is due x seconds into the stall takes STALL - x: 5 % of all calls are due in its first seconds * 0.05.
    truth = STALL - 0.05 * seconds
    seen = latencies.percentile(95)
    low, high = 0.9 * truth, 1.1 * truth
    return Reading("stall in p95", truth, seen, low, high, latencies.count, low <= seen <= high, "s")


def _truth(port: int) -> dict[str, int]:
    answer = Connection("127.0.0.1", port, 1.0)
    _, body, _ = answer.exchange(request_of("GET", "127.0.0.1", "/truth", keep=False), 2.0)
    answer.close()
    found: dict[str, int] = json.loads(body)
    return found


def check_rate(checked: Checked, rate: float, clients: float) -> None:
    """Whether so many client models at so many arrivals a wall second each are no more than this machine can call.

    Raises UsageError, with the rate that it can.
    """
    if rate * clients > checked.most:
        raise UsageError(
            f"{rate:g} arrivals a second of each client are {rate * clients:,.0f} in all, and this machine makes "
            f"{checked.most:,.0f} attempts at most: --rate {max(1, int(checked.most / clients / 2))}, or Locust's "
            "workers on other machines"
        )


def checked_apart(seed: int) -> Checked:
    """That of a process of its own, for whoever must not patch sockets. Raises SurveyorError if it breaks."""
    command = [sys.executable, "-m", "surveyor.load.self_check", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        told = json.loads(done.stdout)
        return Checked(tuple(Reading(**one) for one in told["readings"]), float(told["most"]))
    except (ValueError, TypeError, KeyError):
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise SurveyorError(f"the instrument check broke: {why}") from None


def main() -> int:
    """Print what was found as JSON; 1 if a reading is wrong."""
    checked = check_instrument(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
    sys.stdout.write(json.dumps(asdict(checked), indent=1) + "\n")
    return 0 if checked.right else 1


if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all()
    sys.exit(main())
