"""One of four tasks is killed while all kinds of clients call the service.

It does not deregister: until ECS notices its end, the registry still returns its address.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "lose-one",
    "One of four tasks is killed with SIGKILL.",
    ServiceSetup(count=4, ttl=60, entry_points=True),
    phases=(
        Phase("before", 30),
        Phase("killed", 90, fault="task.kill", victims="one", until_steady=True),
        Phase("after", 40),
    ),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
