"""Two of four tasks are killed at once while all kinds of clients call the service.

Even with a retry at a random address a quarter of the arrivals would fail at first.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "lose-half",
    "Two of four tasks are killed.",
    ServiceSetup(count=4, ttl=60, entry_points=True),
    phases=(
        Phase("before", 30),
        Phase("killed", 90, fault="task.kill", victims="half", until_steady=True),
        Phase("after", 40),
    ),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
