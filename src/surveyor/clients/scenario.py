"""The scenario of the client runtimes: a task is killed, a name is away for ten seconds, a task is drained."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

from surveyor.clients.capture import capture
from surveyor.clients.measures import Measure, Period, measure
from surveyor.clients.models import MODEL, ModelWay, RuntimeModel
from surveyor.clients.running import CalledClient, LineClient, ProxyClient, Way
from surveyor.clients.runtimes import ClientRuntime, FoundSoftware, RuntimePlace
from surveyor.clients.service import HARNESS, PORT, RunningTask, Services, TestedService, start_services
from surveyor.clients.traffic import Traffic
from surveyor.errors import SurveyorError
from surveyor.sandbox.entrance import RESOLVER

__all__ = ["DEFAULT", "Lengths", "ScenarioResult", "play_scenario"]

NAMESPACE = "clients.internal"
_FIRST_LISTEN = 20_000
_STARTS = 3
"""Clients that start at once: a JVM takes both processors for two seconds."""


@dataclass(frozen=True)
class Lengths:
    """Wall seconds: before the first fault, after the kill, without the name, after it is back, of the drain.

    They are such that no documented cache time ends at the same moment as a phase. `ttl`: of the records;
    `negative_ttl`: for which "no such name" may be kept.
    """

    steady: float = 15.0
    kill: float = 68.0
    gap: float = 10.0
    back: float = 62.0
    drain: float = 45.0
    ttl: int = 5
    negative_ttl: int = 60

    def of(self, behaviour: str) -> float:
        """Return for how long a behaviour is observed."""
        return {"kill": self.kill, "gap": self.back, "drain": self.drain}[behaviour]

    @property
    def total(self) -> float:
        """Return the seconds of the whole scenario, without those in which clients start."""
        return self.steady + self.kill + self.gap + self.back + self.drain


DEFAULT = Lengths()


@dataclass(frozen=True)
class ScenarioResult:
    """The measures of each client by name, and why those failed that did not start."""

    measures: Mapping[str, Mapping[str, Measure]]
    questions: Mapping[str, int]
    not_started: Mapping[str, str]


@dataclass
class _Client:
    """A client with its service, and the four tasks that this leads to in turn."""

    called: CalledClient
    service: TestedService
    tasks: tuple[RunningTask, ...]


def play_scenario(
    runtimes: Mapping[str, tuple[ClientRuntime, FoundSoftware]],
    models: Sequence[RuntimeModel],
    lengths: Lengths,
    seed: int,
    say: Callable[[str], None],
) -> ScenarioResult:
    """Run all clients through the scenario at once, each with a service of its name. Call it in a sandbox."""
    traffic = Traffic([HARNESS])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="surveyor-clients-")))
        services = stack.enter_context(start_services(NAMESPACE, lengths.negative_ttl, seed))
        stack.enter_context(capture(traffic))
        names = [*runtimes, *(MODEL + model.name for model in models)]
        made = {name: services.create(name, lengths.ttl) for name in names}
        started = services.run_tasks(_TASKS * len(names))
        tasks = {name: tuple(started[number :: len(names)]) for number, name in enumerate(names)}
        services.change([(made[name], tasks[name][:1]) for name in names])
        ways: dict[str, Way] = {
            name: _way(runtime, found, folder, made[name].name, number)
            for number, (name, (runtime, found)) in enumerate(runtimes.items())
        }
        ways |= {MODEL + model.name: ModelWay(model, made[MODEL + model.name].name, PORT) for model in models}
        clients = [_Client(CalledClient(name, ways[name]), made[name], tasks[name]) for name in names]
        for client in clients:
            stack.callback(client.called.end)
        say(f"starting {len(runtimes)} runtimes and {len(models)} models")
        not_started = _start(clients)
        clients = [client for client in clients if client.called.name not in not_started]
        periods = _play(clients, services, lengths, say)
    measures, questions = {}, {}
    for client in clients:
        name = client.called.name
        found = {
            behaviour: measure(client.called.calls, period, traffic, client.service.name)
            for behaviour, period in periods[name].items()
        }
        measures[name] = found
        questions[name] = len(traffic.asked(client.service.name))
    return ScenarioResult(measures, questions, not_started)


def _way(runtime: ClientRuntime, found: FoundSoftware, folder: Path, name: str, number: int) -> Way:
    own = folder / runtime.name
    own.mkdir()
    place = RuntimePlace(own, name, PORT, RESOLVER, _FIRST_LISTEN + 2 * number)
    words = partial(runtime.command, found, place)
    if runtime.kind == "proxy":
        return ProxyClient(runtime.name, words, own, place.listen)
    return LineClient(runtime.name, words, own)


def _start(clients: Sequence[_Client]) -> dict[str, str]:
    """Start the clients, a few at a time; return why those failed that did not start."""

    def start(client: _Client) -> tuple[str, str]:
        try:
            client.called.way.start()
        except SurveyorError as error:
            return client.called.name, str(error)
        return client.called.name, ""

    with ThreadPoolExecutor(_STARTS) as pool:
        return {name: why for name, why in pool.map(start, clients) if why}


def _play(
    clients: Sequence[_Client], services: Services, lengths: Lengths, say: Callable[[str], None]
) -> dict[str, dict[str, Period]]:
    """Play the phases; return the period of each behaviour of each client.

    The clients begin one after another, and each phase reaches them in the same order and at the same distance: so the
    caches of all of them have one age in each phase, though changing a name takes a moment.
    """
    moments = _moments(lengths)
    agenda = [
        (offset + number * STAGGER, phase, client)
        for number, client in enumerate(clients)
        for phase, offset in moments.items()
    ]
    began: dict[str, dict[str, float]] = {client.called.name: {} for client in clients}
    start, said = time.monotonic(), set()
    for due, phase, client in sorted(agenda, key=lambda entry: entry[0]):
        _wait(start + due - time.monotonic())
        if phase not in said:
            said.add(phase)
            say(_MEANINGS[phase])
        began[client.called.name][phase] = _enter(phase, client, services)
    return {
        client.called.name: {
            behaviour: Period(
                behaviour,
                began[client.called.name][first],
                began[client.called.name][last],
                (client.tasks[number].address,),
            )
            for behaviour, (first, last, number) in _PERIODS.items()
        }
        for client in clients
    }


STAGGER = 0.4
"""Wall seconds between two clients: a name is changed in less."""

_TASKS = 4
_MEANINGS = {
    "begin": "the clients begin to call",
    "kill": "a task dies, and its name leads to another",
    "gone": "the name does not exist",
    "back": "the name leads to a new task",
    "drain": "the name leads to another task, and the old one still answers",
    "end": "the end",
}
_PERIODS = {"kill": ("kill", "gone", 1), "gap": ("back", "drain", 2), "drain": ("drain", "end", 3)}
"""The behaviours: the phases from which and to which each is measured, and the task that is right in it."""


def _moments(lengths: Lengths) -> dict[str, float]:
    """Return the phases, and when each begins after the client has."""
    steps = (0.0, lengths.steady, lengths.kill, lengths.gap, lengths.back, lengths.drain)
    return dict(zip(_MEANINGS, accumulate(steps), strict=True))


def _enter(phase: str, client: _Client, services: Services) -> float:
    """Let a phase begin for one client; return when it has, as seconds since the epoch."""
    first, second, third, fourth = client.tasks
    if phase == "begin":
        client.called.begin()
    elif phase == "kill":
        services.change([(client.service, [second])])
        return services.kill([first])[0]
    elif phase == "gone":
        services.change([(client.service, [])])
        services.kill([second])
    elif phase in ("back", "drain"):
        return services.change([(client.service, [third if phase == "back" else fourth])])
    return time.time()


def _wait(seconds: float) -> None:
    if seconds > 0:
        threading.Event().wait(seconds)
