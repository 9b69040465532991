"""Drive the callers with Locust: its users are streams of arrivals; its web page and workers are used unchanged.

A locustfile of loadtests/ calls `play` with its scenario. The process that starts the test (a single process, or the
master) starts a conductor that creates the service; every worker receives the endpoints, and sends its tally.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

import gevent
from gevent.event import AsyncResult
from gevent.fileobject import FileObject
from locust import User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from surveyor.callers import (
    EVERYWHERE,
    MODELS,
    Arrivals,
    AttemptResult,
    ClientModel,
    ServiceEndpoints,
    can_call,
    make_client,
)
from surveyor.errors import SurveyorError, UsageError
from surveyor.load.call_rate import CallRate, adapt_rate, check_rate
from surveyor.load.caller import Caller
from surveyor.load.callers_link import SAVED
from surveyor.load.scenario import ConductorInput, Scenario
from surveyor.load.self_check import SelfCheck, self_check_in_subprocess
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.load.workers import Workers, serve
from surveyor.messages import UNTRUSTED
from surveyor.output_files import write_text
from surveyor.pytest_plugin.task_settings import parse_task_settings
from surveyor.terminal import guard_errors
from surveyor.typed_json import dump_json, parse_json

__all__ = ["play"]

CLIENTS = 6
"""Clients of each model, which take turns: with a single cache its refresh time would decide by chance."""


class AttemptFailed(Exception):
    """An attempt that failed or timed out, as Locust shows it."""


@dataclass
class _State:
    """What one process of Locust knows about the scenario."""

    scenario: Scenario
    endpoints: AsyncResult[ServiceEndpoints] = field(default_factory=AsyncResult)
    tally: Tally = field(default_factory=Tally)
    conductor: subprocess.Popen[str] | None = None
    answers: IO[str] | None = None
    """Where the conductor reads what it is sent."""

    status: int | None = None
    out: Path = Path()
    workers: Workers | None = None


def play(scenario: Scenario) -> dict[str, type[User]]:
    """Take part in a scenario; return a Locust user class for each client model, for the locustfile's namespace."""
    state = _State(scenario)
    hooks: Any = events  # Locust's events have no types
    hooks.init_command_line_parser.add_listener(_add_options)
    hooks.init.add_listener(lambda environment, **_: _init(state, environment))
    return {name.replace("-", "_"): _stream(state, model) for name, model in MODELS.items()}


def _add_options(parser: Any) -> None:
    group = parser.add_argument_group("surveyor", "the service to call")
    group.add_argument("--target", default="embedded", help="target to run against (embedded)")
    group.add_argument("--scale", type=float, default=0.0, help="service seconds per second, on the embedded target")
    group.add_argument(
        "--rate",
        type=float,
        default=0.0,
        help="arrivals of each client per second (the scenario's, or fewer on a slow machine)",
    )
    group.add_argument("--seed", type=int, default=7, help="seed of all random choices")
    group.add_argument("--task-settings", default="", help="of the service: ttl=N,stop=N,drain=N,check=0|1")
    group.add_argument("--target-options", default="{}", help="further options of the target, as JSON")
    group.add_argument("--checked", action="store_true", help="the self-check of the instrument has been done already")
    group.add_argument("--max-rate", type=float, default=0.0, help="attempts per second that the self-check measured")
    group.add_argument("--vanish", action="store_true", help="calls to stopped tasks hang instead of being refused")
    group.add_argument("--out", default="", help="folder of the report")
    group.add_argument("--conducted", action="store_true", help="standard input has what `surveyor load` sends")


def _stream(state: _State, model: ClientModel) -> type[User]:
    """Return the user class of a model: one user makes all arrivals of its model, at the scenario's rate."""

    class Stream(User):
        fixed_count = 1

        @task
        def arrive(self) -> None:
            endpoints = state.endpoints.get()
            if model.name not in (state.scenario.clients or EVERYWHERE) or not can_call(model, endpoints):
                gevent.sleep(3_600)
                return
            chance = random.Random(f"{cast(Any, self.environment.parsed_options).seed}/{model.name}")
            callers = [_caller(state, self.environment, model, endpoints, chance) for _ in range(CLIENTS)]
            turns = itertools.cycle(callers)
            arrivals = Arrivals(endpoints.rate * model.share, spawn=gevent.spawn)
            gevent.sleep(chance.random() / arrivals.rate)  # so that the models do not all call at the same moments
            try:
                arrivals.run(lambda due: next(turns).call(due), on_drop=callers[0].drop)
            finally:
                arrivals.stop()
                for caller in callers:
                    caller.client.close()

    Stream.__name__ = Stream.__qualname__ = model.name
    return Stream


def _caller(
    state: _State, environment: Environment, model: ClientModel, endpoints: ServiceEndpoints, chance: random.Random
) -> Caller:
    """Return one client of a model, with a separate cache and separate connections."""
    share = chance.random()
    client = make_client(model, endpoints, random.Random(chance.random()), first_share=share)
    report = functools.partial(_fire, environment)
    return Caller(model.name, client, endpoints, state.tally, report)


def _fire(environment: Environment, name: str, seconds: float, result: AttemptResult) -> None:
    cast(Any, environment.events).request.fire(
        request_type="GET",
        name=name,
        response_time=1_000 * seconds,
        response_length=0,
        exception=None if result.outcome == "ok" else AttemptFailed(result.error),
        context={},
    )


def _init(state: _State, environment: Environment) -> None:
    guard_errors()
    runner, hooks = environment.runner, cast(Any, environment.events)  # Locust's events have no types
    if isinstance(runner, WorkerRunner):
        serve(runner, state.tally, state.endpoints.set)
        return
    hooks.test_start.add_listener(lambda environment, **_: gevent.spawn(_conduct, state, environment))
    hooks.quitting.add_listener(lambda environment, **_: _quit(state))
    if isinstance(runner, MasterRunner):
        state.workers = Workers(runner, state.tally)


def _conduct(state: _State, environment: Environment) -> None:
    """Run the conductor, and end the test with it; do not start if the self-check of the instrument fails."""
    try:
        _follow_conductor(state, environment)
    except (SurveyorError, ValueError) as error:
        sys.stderr.write(f"surveyor: {error}\n")
        environment.process_exit_code = 2 if isinstance(error, UsageError | ValueError) else 3
    except Exception:
        environment.process_exit_code = 3
        raise
    finally:  # whatever happens: what waits for this process must not wait for ever
        if environment.runner is not None:
            environment.runner.quit()


def _follow_conductor(state: _State, environment: Environment) -> None:
    options: Any = environment.parsed_options
    scenario, target_options = _with_options(state.scenario, options), json.loads(options.target_options)
    max_rate = options.max_rate if options.checked else _self_check(options.seed).max_rate
    call_rate = CallRate(scenario.rate)
    if state.workers is None and max_rate:
        call_rate = _call_rate(scenario, max_rate, explicit=bool(options.rate))
    scenario = replace(scenario, rate=call_rate.rate)
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-load-{os.getpid()}"
    state.out = Path(options.out) if options.out else Path("reports/out") / stamp
    out, note = str(state.out.resolve()), call_rate.note
    conductor_input = ConductorInput(scenario, options.target, out, options.seed, scenario.scale, target_options, note)
    if note:
        sys.stderr.write(f"{scenario.name}: {note}\n")
    sys.stderr.write(f"{scenario.name}: creating the service on {options.target}\n")
    messages, state.answers = _reach_conductor(state, conducted=options.conducted)
    _send(state, dump_json(conductor_input))
    for line in messages:
        _on_message(state, environment, json.loads(line))
    if state.conductor is not None:
        state.conductor.wait()
        environment.process_exit_code = state.status


def _with_options(scenario: Scenario, options: Any) -> Scenario:
    """Return the scenario with the values of the command line. Raises ValueError or UsageError for invalid ones."""
    scenario.check()
    task_settings = parse_task_settings(options.task_settings) if options.task_settings else None
    if options.rate < 0 or options.scale < 0:
        raise ValueError("--rate and --scale must be above 0")
    return replace(
        scenario.vanished() if options.vanish else scenario,
        setup=scenario.setup.with_task_settings(task_settings),
        rate=options.rate or scenario.rate,
        scale=options.scale or scenario.scale,
    )


def _self_check(seed: int) -> SelfCheck:
    """Raise SurveyorError if the self-check fails."""
    check = self_check_in_subprocess(seed)
    if not check.passed:
        raise SurveyorError(UNTRUSTED)
    return check


def _call_rate(scenario: Scenario, max_rate: float, *, explicit: bool) -> CallRate:
    """Return the rate for callers of this machine alone. Raises UsageError if an explicit one is not possible."""
    if explicit:
        check_rate(max_rate, scenario.rate, scenario.share)
        return CallRate(scenario.rate)
    return adapt_rate(scenario.rate, max_rate, scenario.share)


def _reach_conductor(state: _State, *, conducted: bool) -> tuple[IO[str], IO[str]]:
    """Return where the conductor's messages arrive, and where it reads; start it unless it started this process."""
    if conducted:
        answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 1)  # so that what locustfiles print does not get between the answers
        return cast("IO[str]", FileObject(0, "r", encoding="utf-8")), answers
    process = subprocess.Popen(
        [sys.executable, "-m", "surveyor.load.conductor"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    state.conductor = process
    assert process.stdout is not None
    assert process.stdin is not None
    return process.stdout, process.stdin


def _send(state: _State, line: str) -> None:
    """Send a line to the conductor, which may have ended."""
    assert state.answers is not None
    with contextlib.suppress(OSError):
        state.answers.write(line + "\n")
        state.answers.flush()


def _on_message(state: _State, environment: Environment, message: dict[str, Any]) -> None:
    if "endpoints" in message:
        endpoints = json.dumps(message["endpoints"])
        state.endpoints.set(parse_json(endpoints, ServiceEndpoints))
        if state.workers is not None:
            state.workers.announce(endpoints)
    elif "phase" in message:
        sys.stderr.write(f"{state.scenario.name}: {message['phase']}, {message['seconds']:g} service seconds\n")
    elif "phases" in message and environment.runner is not None:
        if state.workers is not None:
            state.workers.check_present()
        environment.runner.stop()
    elif "waiting" in message:
        if state.workers is not None:
            state.workers.collect()
        _save(state)
        _send(state, SAVED)
    elif "status" in message:
        state.status = int(message["status"])
        for line in message["lines"]:
            sys.stdout.write(f"{line}\n")
        if message["reason"]:
            sys.stderr.write(f"surveyor: {message['reason']}\n")


def _save(state: _State) -> None:
    state.out.mkdir(parents=True, exist_ok=True)
    write_text(state.out / TALLY_FILE, state.tally.dumps())


def _quit(state: _State) -> None:
    """Stop the conductor too, which then undoes its faults, if Locust is interrupted."""
    process = state.conductor
    if process is None or process.poll() is not None:
        return
    _save(state)
    process.terminate()
    if process.stdin is not None:
        process.stdin.close()
    process.wait()
