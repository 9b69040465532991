"""One of four tasks is stopped by ECS, with SIGTERM, while all kinds of clients call the service.

It leaves the registry soon; its address stays in caches for the TTL, and in kept connections for good.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "stop-one",
    "One of four tasks is stopped.",
    ServiceSetup(count=4, ttl=60, entry_points=True),
    phases=(
        Phase("before", 30),
        Phase("stopped", 90, fault="task.stop", victims="one", until_steady=True),
        Phase("after", 40),
    ),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
