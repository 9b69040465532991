"""A service grows from ten tasks to a hundred while all kinds of clients call it.

When does each client reach the new tasks, and does any call them too early?
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "scale-out",
    "From 10 tasks to 100.",
    ServiceSetup(count=10, ttl=20, poll_period=2.0),
    phases=(
        Phase("before", 30),
        Phase("scale-out", 40, fault="service.scale", parameters={"count": 100}, keep=True, until_steady=True),
        Phase("after", 60),
    ),
    checks=(visible(within=30),),
)

globals().update(play(SCENARIO))
