"""Run one of two clients under Locust at full speed: `python -m bench.locust_client fast|surveyor PORT SECONDS`."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from dataclasses import replace
from typing import Any

__all__: list[str] = []

USERS = 20


def _run(kind: str, port: int, seconds: float) -> None:
    """Run the client for `seconds`, then print the counts as a line of JSON."""
    # Imported here: Locust must be imported after the sockets are patched, and before anything else that uses them.
    import gevent
    from locust import FastHttpUser, User, task
    from locust.env import Environment

    from surveyor.callers import MODELS, AttemptResult, Request, ServiceEndpoints, make_client
    from surveyor.load.caller import Caller
    from surveyor.load.tally import Tally

    class Fast(FastHttpUser):
        host = f"http://127.0.0.1:{port}"

        @task
        def call(self) -> None:
            self.client.get("/well")

    class SurveyorUser(User):
        @task
        def call(self) -> None:
            caller.call(time.monotonic())

    def report_request(name: str, seconds: float, answer: AttemptResult) -> None:
        hooks.request.fire(
            request_type="GET", name=name, response_time=1_000 * seconds, response_length=0,
            exception=None if answer.outcome == "ok" else OSError(answer.error), context={},
        )  # fmt: skip

    tally = Tally()
    endpoints = ServiceEndpoints(port, proxy=("127.0.0.1", port), request=Request(path="/well"), epoch=time.time())
    model = replace(MODELS["service-connect"], keeps_connections=True)
    # All work of a scenario's caller: choose an address, count, fill a histogram, report to Locust.
    caller = Caller(model.name, make_client(model, endpoints, random.Random(7)), endpoints, tally, report_request)
    environment = Environment(user_classes=[Fast if kind == "fast" else SurveyorUser])
    hooks: Any = environment.events  # untyped
    runner = environment.create_local_runner()
    runner.start(USERS, spawn_rate=1_000)
    gevent.sleep(0.5)  # until all users are running
    before, cpu, began = environment.stats.total.num_requests, sum(os.times()[:2]), time.monotonic()
    gevent.sleep(seconds)
    elapsed = time.monotonic() - began
    counts = {"attempts": environment.stats.total.num_requests - before, "seconds": elapsed,
              "cpu": sum(os.times()[:2]) - cpu, "failed": environment.stats.total.num_failures}  # fmt: skip
    sys.stdout.write(json.dumps(counts) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all()
    _run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
