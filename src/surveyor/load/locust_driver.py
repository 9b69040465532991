"""Locust drives the callers: its users are streams of arrivals, its web page and its workers work as they always do.

A locustfile of loadtests/ calls `play` with its scenario. Whoever begins the test (a single process, or the master) has
a conductor build the service; every worker hears where it is, and sends what it has counted.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import gevent
from gevent.event import AsyncResult
from locust import User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from surveyor.advice.figures import parse_task_settings
from surveyor.errors import SurveyorError, UsageError
from surveyor.load.arrivals import Arrivals
from surveyor.load.caller import Caller
from surveyor.load.client_models import CLIENTS_IN_ALL, MODELS, Model
from surveyor.load.connection import Answer, Limits
from surveyor.load.endpoints import Place
from surveyor.load.scenario import Conducting, Scenario
from surveyor.load.self_check import UNTRUSTED, check_rate, checked_apart
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.load.workers import Workers, serve

__all__ = ["play"]

CLIENTS = 6
"""Of each model, taking turns: with one cache alone it would be chance when it was filled."""

MOST_UNDER_WAY = 500
"""Of one stream; more arrivals than that are dropped and counted."""


class NotAnswered(Exception):
    """As Locust shows an attempt that failed or had no answer in time."""


@dataclass
class _Play:
    """What one process of Locust knows of the scenario."""

    scenario: Scenario
    place: AsyncResult[Place] = field(default_factory=AsyncResult)
    tally: Tally = field(default_factory=Tally)
    conductor: subprocess.Popen[str] | None = None
    status: int | None = None
    out: Path = Path()
    workers: Workers | None = None


def play(scenario: Scenario) -> list[type[User]]:
    """Take part in a scenario: a class of users for each client model, which the locustfile puts among its names."""
    state = _Play(scenario)
    hooks: Any = events  # without types
    hooks.init_command_line_parser.add_listener(_options)
    hooks.init.add_listener(lambda environment, **_: _begin(state, environment))
    return [_stream(state, model) for model in MODELS.values()]


def _options(parser: Any) -> None:
    group = parser.add_argument_group("surveyor", "what the callers call")
    group.add_argument("--target", default="embedded", help="where the service is built (embedded)")
    group.add_argument("--scale", type=float, default=0.0, help="service seconds a second, on the embedded target")
    group.add_argument("--rate", type=float, default=0.0, help="arrivals of each client in a second")
    group.add_argument("--seed", type=int, default=7, help="seed of everything random")
    group.add_argument("--tuning", default="", help="of the service: ttl=N,stop=N,drain=N,check=0|1")
    group.add_argument("--given", default="{}", help="what else is said of the target, as JSON")
    group.add_argument("--checked", action="store_true", help="the instrument has been checked already")
    group.add_argument("--out", default="", help="where the report goes")


def _stream(state: _Play, model: Model) -> type[User]:
    """Users of one model: one user makes all arrivals of its model, at the scenario's rate."""

    class Stream(User):
        fixed_count = 1

        @task
        def arrive(self) -> None:
            place = state.place.get()
            if not model.is_there(place):
                gevent.sleep(3_600)
                return
            chance = random.Random(f"{cast(Any, self.environment.parsed_options).seed}/{model.name}")
            callers = [_caller(state, self.environment, model, place, chance) for _ in range(CLIENTS)]
            turns = itertools.cycle(callers)
            arrivals = Arrivals(place.rate * model.share, MOST_UNDER_WAY, gevent.spawn, gevent.sleep)
            try:
                arrivals.run(lambda due: next(turns).call(due), dropped=callers[0].dropped)
            finally:
                arrivals.stop()
                for one in callers:
                    one.close()

    Stream.__name__ = Stream.__qualname__ = model.name
    return Stream


def _caller(state: _Play, environment: Environment, model: Model, place: Place, chance: random.Random) -> Caller:
    """One client of a model, with a knowledge and connections of its own."""
    finder = model.finder(place)
    finder.first = chance.random()
    return Caller(
        model=model,
        place=place,
        finder=finder,
        tally=state.tally,
        limits=Limits(place.within, place.within),
        chance=random.Random(chance.random()),
        only=(lambda address: address.startswith("127.")) if place.local else (lambda address: True),
        heard=lambda name, seconds, answer: _fire(environment, name, seconds, answer),
    )


def _fire(environment: Environment, name: str, seconds: float, answer: Answer) -> None:
    cast(Any, environment.events).request.fire(
        request_type="GET",
        name=name,
        response_time=1_000 * seconds,
        response_length=0,
        exception=None if answer.outcome == "ok" else NotAnswered(answer.error),
        context={},
    )


def _begin(state: _Play, environment: Environment) -> None:
    runner, hooks = environment.runner, cast(Any, environment.events)  # which has no types
    if isinstance(runner, WorkerRunner):
        serve(runner, state.tally, state.place.set)
        return
    hooks.test_start.add_listener(lambda environment, **_: gevent.spawn(_conduct, state, environment))
    hooks.quitting.add_listener(lambda environment, **_: _end(state))
    if isinstance(runner, MasterRunner):
        state.workers = Workers(runner, state.tally)


def _conduct(state: _Play, environment: Environment) -> None:
    """Have the scenario conducted, and end the test with it; not at all where the instrument is not to be trusted."""
    options: Any = environment.parsed_options
    try:
        scenario, given = _wanted(state.scenario, options), json.loads(options.given)
        if not options.checked:
            _check(scenario, options.seed, alone=state.workers is None)
    except (SurveyorError, ValueError) as wrong:
        sys.stderr.write(f"surveyor: {wrong}\n")
        environment.process_exit_code = 2 if isinstance(wrong, UsageError | ValueError) else 3
        if environment.runner is not None:
            environment.runner.quit()
        return
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-load-{os.getpid()}"
    state.out = Path(options.out) if options.out else Path("reports/out") / stamp
    wanted = Conducting(
        scenario.dumps(),
        options.target,
        str(state.out.resolve()),
        options.seed,
        scenario.scale,
        given,
    )
    sys.stderr.write(f"{scenario.name}: building the service on {options.target}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "surveyor.load.conductor"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    state.conductor = process
    assert process.stdout is not None
    _answer(process, wanted.dumps())
    for line in process.stdout:
        _hear(state, environment, json.loads(line))
    process.wait()
    environment.process_exit_code = state.status
    runner = environment.runner
    if runner is not None:
        runner.quit()


def _wanted(scenario: Scenario, options: Any) -> Scenario:
    """As the file says, with what the command line says instead. Raises ValueError for what is none."""
    tuning = parse_task_settings(options.tuning) if options.tuning else None
    if options.rate < 0 or options.scale < 0:
        raise ValueError("rate and scale are above 0")
    return replace(
        scenario,
        setting=scenario.setting.tuned(tuning),
        rate=options.rate or scenario.rate,
        scale=options.scale or scenario.scale,
    )


def _check(scenario: Scenario, seed: int, *, alone: bool) -> None:
    """Raises SurveyorError where the instrument is not to be trusted, or this machine is too slow to be `alone`."""
    checked = checked_apart(seed)
    if not checked.right:
        raise SurveyorError(UNTRUSTED)
    if alone:
        check_rate(checked, scenario.rate, CLIENTS_IN_ALL)


def _answer(process: subprocess.Popen[str], line: str) -> None:
    """To the conductor, which may have gone."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.write(line)
        process.stdin.flush()


def _hear(state: _Play, environment: Environment, told: dict[str, Any]) -> None:
    if "place" in told:
        place = json.dumps(told["place"])
        state.place.set(Place.loads(place))
        if state.workers is not None:
            state.workers.tell(place)
    elif "phase" in told:
        sys.stderr.write(f"{state.scenario.name}: {told['phase']}, {told['seconds']:g} service seconds\n")
    elif "over" in told and environment.runner is not None:
        if state.workers is not None:
            state.workers.count()
        environment.runner.stop()
    elif "counted" in told and state.conductor is not None:
        if state.workers is not None:
            state.workers.collect()
        _save(state)
        _answer(state.conductor, "counted\n")
    elif "status" in told:
        state.status = int(told["status"])
        for line in told["lines"]:
            sys.stdout.write(f"{line}\n")
        if told["why"]:
            sys.stderr.write(f"surveyor: {told['why']}\n")


def _save(state: _Play) -> None:
    state.out.mkdir(parents=True, exist_ok=True)
    (state.out / TALLY_FILE).write_text(state.tally.dumps(), "utf-8")


def _end(state: _Play) -> None:
    """Whoever is interrupted takes the conductor along, which undoes what it did."""
    process = state.conductor
    if process is None or process.poll() is not None:
        return
    _save(state)
    process.terminate()
    if process.stdin is not None:
        process.stdin.close()
    process.wait()
