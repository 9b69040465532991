"""The callers of a watch in the processes of Locust: a locustfile, whose users are streams of calls.

The master relays lines of JSON between the watch and the workers. Each stream is one client of one model and runs on
one worker, which sends the beginning and the end of each call at once: the watch stamps both by its clock.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

import gevent
from gevent.event import AsyncResult
from gevent.fileobject import FileObject
from locust import User, events, task
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from surveyor.callers import Arrivals, Client, ClientModel, ViewContents, fixed, make_client
from surveyor.terminal import guard_errors
from surveyor.typed_json import parse_json
from surveyor.watch.clients import COPIES, DIRECT, WATCH_MODELS
from surveyor.watch.worker_plan import LINE, WorkerPlan

DRAIN = 1.0
"""Wall seconds beyond their timeouts for which the last calls are waited for."""


@dataclass
class _Worker:
    """What a worker knows: its plan, the addresses that serve now, and the calls that it has made."""

    plan: AsyncResult[WorkerPlan] = field(default_factory=AsyncResult)
    serving: tuple[tuple[str, int], ...] = ()
    streams: dict[tuple[str, int], Arrivals] = field(default_factory=dict)
    timeout: float = 0.0
    calls: int = 0
    runner: WorkerRunner | None = None

    def ask_serving(self) -> ViewContents:
        return fixed(*self.serving)

    def send(self, **message: object) -> None:
        assert self.runner is not None
        self.runner.send_message(LINE, message)

    def call(self, model: str, client: Client, due: float) -> None:
        """Make the call that was due at that time (time.monotonic), and report its beginning and its end."""
        self.calls += 1
        number = self.calls
        choice = client.choose()
        self.send(begin=number, client=model, address=choice.address)
        waited = time.monotonic() - due
        _, result = client.call(choice)
        seconds = round(waited + result.seconds, 6)
        self.send(
            end=number, outcome=result.outcome, status=result.status, task=result.task, error=result.error,
            seconds=seconds,
        )  # fmt: skip

    def on_message(self, message: dict[str, Any]) -> None:
        """Act on what the watch sends."""
        if "plan" in message and not self.plan.ready():
            self.plan.set(parse_json(json.dumps(message["plan"]), WorkerPlan))
        elif "serving" in message:
            self.serving = tuple((str(host), int(port)) for host, port in message["serving"])
        elif "ping" in message:
            self.send(pong=message["ping"])
        elif "stop" in message:
            gevent.spawn(self._stop)

    def _stop(self) -> None:
        for arrivals in self.streams.values():
            arrivals.stop()
        for arrivals in self.streams.values():
            arrivals.drain(self.timeout + DRAIN)
        made, dropped = Counter[str](), Counter[str]()
        for (model, _), arrivals in self.streams.items():
            made[model] += arrivals.started
            dropped[model] += arrivals.dropped
        self.send(done=True, made=made, dropped=dropped)


_WORKER = _Worker()


def _stream(model: ClientModel, number: int) -> type[User]:
    """Return the user class of one client of a model."""

    class Stream(User):
        fixed_count = 1

        @task
        def call(self) -> None:
            plan = _WORKER.plan.get()
            endpoints = plan.endpoints.get(model.name)
            if endpoints is not None and (model.name, number) not in _WORKER.streams:
                chance = random.Random(f"{plan.seed}/{model.name}/{number}")
                ask = _WORKER.ask_serving if model is DIRECT else None
                client = make_client(model, endpoints, chance, ask, first_share=(number + 1) / COPIES)
                arrivals = Arrivals(endpoints.rate / COPIES, spawn=gevent.spawn, wait=gevent.sleep)
                _WORKER.streams[model.name, number] = arrivals
                _WORKER.timeout = max(_WORKER.timeout, client.timeouts.total)
                gevent.sleep(number / endpoints.rate)  # so that the clients of a model take turns
                try:
                    arrivals.run(lambda due: _WORKER.call(model.name, client, due))
                finally:
                    client.close()
            gevent.sleep(86_400)

    Stream.__name__ = Stream.__qualname__ = f"{model.name} {number + 1}"
    return Stream


@dataclass
class _Relay:
    """The master between the watch, on its standard input and output, and the workers."""

    runner: MasterRunner
    output: TextIO
    plan: dict[str, Any] = field(default_factory=dict)

    def write(self, **message: object) -> None:
        self.output.write(json.dumps(message) + "\n")
        self.output.flush()

    def run(self) -> None:
        """Relay until the watch has ended."""
        self.write(started=self.present())
        for line in FileObject(0, "r", encoding="utf-8"):
            message = json.loads(line)
            if "plan" in message:
                self.plan = message
            self.runner.send_message(LINE, message)
            if "ping" in message:
                self.write(present=self.present())
        self.runner.quit()

    def present(self) -> int:
        return sum(worker.state != STATE_MISSING for worker in self.runner.clients.all)

    def on_message(self, environment: object, msg: Any, **_: object) -> None:
        self.write(worker=msg.node_id, **msg.data)

    def on_connect(self, client_id: str, **_: object) -> None:
        """Give the plan to a worker that connects late."""
        if self.plan:
            self.runner.send_message(LINE, self.plan, client_id=client_id)


def _init(environment: Environment, **_: object) -> None:
    guard_errors()
    runner, hooks = environment.runner, cast(Any, environment.events)  # Locust's events have no types
    if isinstance(runner, WorkerRunner):
        _WORKER.runner = runner
        runner.register_message(LINE, lambda environment, msg, **_: _WORKER.on_message(msg.data))
    elif isinstance(runner, MasterRunner):
        output = os.fdopen(os.dup(1), "w", encoding="utf-8")
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 1)  # what Locust prints must not get between the lines
        relay = _Relay(runner, output)
        runner.register_message(LINE, relay.on_message)
        hooks.worker_connect.add_listener(relay.on_connect)
        hooks.test_start.add_listener(lambda environment, **_: gevent.spawn(relay.run))
    else:
        sys.stderr.write("surveyor: this file is for Locust's master and workers, which `surveyor watch` starts\n")
        environment.process_exit_code = 2


cast(Any, events).init.add_listener(_init)
globals().update(
    {f"{model.name.replace('-', '_')}_{number}": _stream(model, number)
     for model in WATCH_MODELS.values() for number in range(COPIES)}
)  # fmt: skip
