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

    `ttl`: of the records; `negative_ttl`: for which "no such name" may be kept.
    """

    steady: float = 15.0
    kill: float = 65.0
    gap: float = 10.0
    back: float = 68.0
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
    tasks: tuple[RunningTask, ...] = ()


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
        tasks = services.run_tasks(len(names))
        services.change([(made[name], [task]) for name, task in zip(names, tasks, strict=True)])
        ways: dict[str, Way] = {
            name: _way(runtime, found, folder, made[name].name, number)
            for number, (name, (runtime, found)) in enumerate(runtimes.items())
        }
        ways |= {MODEL + model.name: ModelWay(model, made[MODEL + model.name].name, PORT) for model in models}
        clients = [
            _Client(CalledClient(name, ways[name]), made[name], (task,))
            for name, task in zip(names, tasks, strict=True)
        ]
        for client in clients:
            stack.callback(client.called.end)
        say(f"starting {len(runtimes)} runtimes and {len(models)} models")
        not_started = _start(clients)
        clients = [client for client in clients if client.called.name not in not_started]
        for client in clients:  # all at once, so that their caches are of one age when the first task is killed
            client.called.begin()
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
    """Play the phases; return the period of each behaviour of each client."""
    began: dict[str, list[float]] = {}
    ended: dict[str, float] = {}
    say(f"before: {lengths.steady:.0f} s")
    _wait(lengths.steady)

    _add_tasks(clients, services)
    services.change([(client.service, [client.tasks[1]]) for client in clients])
    began["kill"] = services.kill([client.tasks[0] for client in clients])
    say(f"each task was killed, and each name leads to another: {lengths.kill:.0f} s")
    _wait(lengths.kill)
    _add_tasks(clients, services)
    ended["kill"] = time.time()

    services.change([(client.service, []) for client in clients])
    services.kill([client.tasks[1] for client in clients])
    say(f"the names do not exist: {lengths.gap:.0f} s")
    _wait(lengths.gap)
    began["gap"] = [services.change([(client.service, [client.tasks[2]]) for client in clients])] * len(clients)
    say(f"the names are back: {lengths.back:.0f} s")
    _wait(lengths.back)
    _add_tasks(clients, services)
    ended["gap"] = time.time()

    began["drain"] = [services.change([(client.service, [client.tasks[3]]) for client in clients])] * len(clients)
    say(f"each name leads to another task, and the old ones still answer: {lengths.drain:.0f} s")
    _wait(lengths.drain)
    ended["drain"] = time.time()
    numbers = {"kill": 1, "gap": 2, "drain": 3}
    return {
        client.called.name: {
            behaviour: Period(
                behaviour, began[behaviour][number], ended[behaviour], (client.tasks[numbers[behaviour]].address,)
            )
            for behaviour in began
        }
        for number, client in enumerate(clients)
    }


def _add_tasks(clients: Sequence[_Client], services: Services) -> None:
    for client, task in zip(clients, services.run_tasks(len(clients)), strict=True):
        client.tasks = (*client.tasks, task)


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)
