"""A rolling deployment replaces all four tasks while all kinds of clients call.

The settings are the usual defaults: the records have a TTL of 60 s, and the processes end at SIGTERM.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "deploy",
    "A rolling deployment of four tasks.",
    ServiceSetup(count=4, ttl=60, entry_points=True),
    phases=(
        Phase("before", 30),
        Phase("deployment", 60, fault="service.deploy", until_steady=True),
        Phase("after", 90),
    ),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
