"""A service moves from a host on premises to ECS while all kinds of clients call it.

A host that was registered by hand is switched off, and stays registered until its deregistration by hand: its script
does not run any more. How many calls go to it, with two tasks beside it and then with six?
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "migrate",
    "A host on premises is off, and still registered beside the tasks.",
    ServiceSetup(count=2, ttl=20),
    phases=(
        Phase("before", 30),
        Phase("host-off", 40, fault="registry.ghost"),
        Phase("deregistered", 40),
        Phase("more-tasks", 30, fault="service.scale", parameters={"count": 6}, keep=True, until_steady=True),
        Phase("host-off-again", 40, fault="registry.ghost"),
        Phase("after", 40),
    ),
    checks=(visible(within=30),),
)

globals().update(play(SCENARIO))
