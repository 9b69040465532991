"""One of two clients under Locust, as fast as it can: `python -m bench.attempting fast|honest PORT SECONDS`."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any

__all__: list[str] = []

USERS = 20


def _run(kind: str, port: int, seconds: float) -> None:
    """For so long, and then a line of JSON on standard output."""
    # Only here: Locust has to come after the sockets are patched, and before anything else that uses them.
    import gevent
    from locust import FastHttpUser, User, task
    from locust.env import Environment

    from surveyor.load.caller import Caller
    from surveyor.load.client_models import Model
    from surveyor.load.connection import Answer, Limits
    from surveyor.load.endpoints import Place
    from surveyor.load.resolvers import Fixed
    from surveyor.load.tally import Tally

    class Fast(FastHttpUser):
        host = f"http://127.0.0.1:{port}"

        @task
        def call(self) -> None:
            self.client.get("/well")

    class Honest(User):
        @task
        def call(self) -> None:
            caller.call(time.monotonic())

    def heard(name: str, seconds: float, answer: Answer) -> None:
        hooks.request.fire(
            request_type="GET", name=name, response_time=1_000 * seconds, response_length=0,
            exception=None if answer.outcome == "ok" else OSError(answer.error), context={},
        )  # fmt: skip

    here, tally = ("127.0.0.1", port), Tally()
    place = Place(port, "/well", "", here, "", "", "", "", "", "", ("", 0), ("", 0), 1.0, 1.0, time.time(), 1.0)
    model = Model("honest", "as a scenario's", lambda place: Fixed(here), keeps=True)
    # All that a scenario's caller does: choosing an address, counting, a histogram, telling Locust.
    caller = Caller(model, place, Fixed(here), tally, Limits(), random.Random(7), lambda address: True, heard)
    environment = Environment(user_classes=[Fast if kind == "fast" else Honest])
    hooks: Any = environment.events  # without types
    runner = environment.create_local_runner()
    runner.start(USERS, spawn_rate=1_000)
    gevent.sleep(0.5)  # until all are there
    before, cpu, began = environment.stats.total.num_requests, sum(os.times()[:2]), time.monotonic()
    gevent.sleep(seconds)
    took = time.monotonic() - began
    told = {"attempts": environment.stats.total.num_requests - before, "seconds": took,
            "cpu": sum(os.times()[:2]) - cpu, "failed": environment.stats.total.num_failures}  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    from gevent import monkey

    monkey.patch_all()
    _run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
