"""Play a scenario of the client runtimes: start all clients, take each through the steps, and measure what it did."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path

from surveyor.chaos.caching_resolver import run_cache
from surveyor.clients.capture import capture
from surveyor.clients.ipv6 import address_of, own_network
from surveyor.clients.measures import Measure, Period, measure
from surveyor.clients.models import MODEL, ModelWay, RuntimeModel
from surveyor.clients.running import CalledClient, LineClient, ProxyClient, Way
from surveyor.clients.runtimes import ClientRuntime, FoundSoftware, RuntimePlace
from surveyor.clients.scenarios import ClientScenario, Step
from surveyor.clients.service import HARNESS, PORT, RunningTask, Services, TestedService, start_services
from surveyor.clients.traffic import Traffic
from surveyor.errors import SurveyorError
from surveyor.sandbox import is_inside
from surveyor.sandbox.entrance import RESOLVER

__all__ = ["ScenarioResult", "play_scenario"]

NAMESPACE = "clients.internal"
_FIRST_LISTEN = 20_000
_STARTS = 3
"""Clients that start at once: a JVM takes both processors for two seconds."""

_CACHE = ("127.0.0.53", 53)
"""Where a caching resolver between clients and the resolver of the VPC listens."""


@dataclass(frozen=True)
class ScenarioResult:
    """The measures of each client by name, and why those failed that did not start."""

    measures: Mapping[str, Mapping[str, Measure]]
    questions: Mapping[str, int]
    not_started: Mapping[str, str]


@dataclass
class _Client:
    """A client with its service, and the tasks that this leads to."""

    called: CalledClient
    service: TestedService
    tasks: Sequence[RunningTask]


def play_scenario(
    runtimes: Mapping[str, tuple[ClientRuntime, FoundSoftware]],
    models: Sequence[RuntimeModel],
    scenario: ClientScenario,
    seed: int,
    say: Callable[[str], None],
) -> ScenarioResult:
    """Run all clients through the scenario at once, each with a service of its name. Call it in a sandbox.

    Raises FeatureLacking if the program of a cache is not installed.
    """
    traffic = Traffic([HARNESS])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="surveyor-clients-")))
        resolver = stack.enter_context(_resolver(scenario))
        services = stack.enter_context(start_services(NAMESPACE, scenario.negative_ttl, seed, scenario.drain))
        stack.enter_context(capture(traffic))
        if scenario.vanish:
            services.let_addresses_vanish()
        clients = _create(runtimes, models, scenario, services, folder, resolver)
        for client in clients:
            stack.callback(client.called.end)
        say(f"starting {len(runtimes)} runtimes and {len(models)} models")
        not_started = _start(clients)
        clients = [client for client in clients if client.called.name not in not_started]
        periods = _play(clients, services, scenario, say)
    measures, questions = {}, {}
    for client in clients:
        name = client.called.name
        measures[name] = {
            behaviour: measure(client.called.calls, period, traffic, client.service.name)
            for behaviour, period in periods[name].items()
        }
        questions[name] = len(traffic.asked(client.service.name))
    return ScenarioResult(measures, questions, not_started)


@contextmanager
def _resolver(scenario: ClientScenario) -> Iterator[str]:
    """Yield the resolver that the clients ask: that of the VPC, or a cache before it."""
    if not scenario.cache:
        yield RESOLVER
        return
    if not is_inside():
        raise SurveyorError("a cache before the resolver of the VPC needs a sandbox, whose files it changes")
    with run_cache(scenario.cache, (RESOLVER, 53), scenario.ttl, listen=_CACHE, source=HARNESS) as (address, _):
        file = Path("/etc/resolv.conf")  # that of the sandbox
        before = file.read_text("ascii")
        file.write_text(before.replace(RESOLVER, address), "ascii")
        try:
            yield address
        finally:
            file.write_text(before, "ascii")


def _create(
    runtimes: Mapping[str, tuple[ClientRuntime, FoundSoftware]],
    models: Sequence[RuntimeModel],
    scenario: ClientScenario,
    services: Services,
    folder: Path,
    resolver: str,
) -> list[_Client]:
    """Return all clients, none of which is started, each with a service that leads to its first tasks."""
    uses_srv = {name: runtime.uses_srv for name, (runtime, _) in runtimes.items()}
    uses_srv |= {MODEL + model.name: model.uses_srv for model in models}
    made = {}
    for name, is_srv in uses_srv.items():
        kinds = ("SRV",) if is_srv else ("A", "AAAA") if scenario.ipv6 else ("A",)
        made[name] = services.create(f"_{name}._tcp" if is_srv else name, scenario.ttl, *kinds)
    tasks = _run_tasks(list(made), scenario, services)
    first = scenario.steps[0].leads_to or ()
    services.change([(service, [tasks[name][number] for number in first]) for name, service in made.items()])
    ways: dict[str, Way] = {}
    for number, (name, (runtime, found)) in enumerate(runtimes.items()):
        own = folder / runtime.name
        own.mkdir()
        listen = _FIRST_LISTEN + 2 * number
        place = RuntimePlace(own, made[name].name, PORT, resolver, listen, asks_ipv6=scenario.ipv6)
        ways[name] = _way(runtime, found, place)
    for model in models:
        ways[MODEL + model.name] = ModelWay(model, made[MODEL + model.name].name, PORT, resolver)
    return [_Client(CalledClient(name, ways[name]), made[name], tasks[name]) for name in made]


def _run_tasks(names: Sequence[str], scenario: ClientScenario, services: Services) -> dict[str, Sequence[RunningTask]]:
    """Return the tasks of each client."""
    started = services.run_tasks(scenario.tasks * (1 if scenario.shared else len(names)))
    if scenario.ipv6:
        if not own_network():
            raise SurveyorError("this machine has no IPv6, which the scenario needs")
        started = [replace(task, ipv6=address_of(task.address)) for task in started]
    if scenario.shared:
        return dict.fromkeys(names, started)
    return {name: started[number :: len(names)] for number, name in enumerate(names)}


def _way(runtime: ClientRuntime, found: FoundSoftware, place: RuntimePlace) -> Way:
    words = partial(runtime.command, found, place)
    if runtime.kind == "proxy":
        return ProxyClient(runtime.name, words, place.folder, place.listen)
    return LineClient(runtime.name, words, place.folder)


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
    clients: Sequence[_Client], services: Services, scenario: ClientScenario, say: Callable[[str], None]
) -> dict[str, dict[str, Period]]:
    """Play the steps; return the period of each behaviour of each client.

    The clients begin one after another, and each step reaches them in the same order and at the same distance: so the
    caches of all of them have one age in each step, though changing a name takes a moment.
    """
    offsets = accumulate((step.seconds for step in scenario.steps[:-1]), initial=0.0)
    agenda = [
        (offset + number * STAGGER, step, client)
        for step, offset in zip(scenario.steps, offsets, strict=True)
        for number, client in enumerate(clients)
    ]
    began: dict[str, dict[str, float]] = {client.called.name: {} for client in clients}
    start, said = time.monotonic(), set()
    for due, step, client in sorted(agenda, key=lambda entry: entry[0]):
        _wait(start + due - time.monotonic())
        if step.name not in said:
            said.add(step.name)
            say(step.meaning)
        began[client.called.name][step.name] = _enter(step, client, services, is_first=step is scenario.steps[0])
    return {
        client.called.name: {
            behaviour.name: Period(
                behaviour.name,
                began[client.called.name][behaviour.since],
                began[client.called.name][behaviour.until],
                tuple(client.tasks[number].address for number in behaviour.right),
                behaviour.lasting,
                bool(scenario.cache),
            )
            for behaviour in scenario.behaviours
        }
        for client in clients
    }


STAGGER = 0.4
"""Wall seconds between two clients: a name is changed in less."""


def _enter(step: Step, client: _Client, services: Services, *, is_first: bool) -> float:
    """Let a step begin for one client; return when it has, as seconds since the epoch."""
    at = time.time()
    if is_first:
        client.called.begin()
        return at
    if step.leads_to is not None:
        at = services.change([(client.service, [client.tasks[number] for number in step.leads_to])])
    ending = [client.tasks[number] for number in step.ends]
    if step.ending == "stop":
        services.stop(ending)
    elif ending:
        at = services.kill(ending)[0]
    return at


def _wait(seconds: float) -> None:
    if seconds > 0:
        threading.Event().wait(seconds)
