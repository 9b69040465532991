"""A service shrinks from thirty tasks to three while all kinds of clients call it.

Nine of ten tasks stop at once: which clients keep calling them, and for how long?
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "scale-in",
    "From 30 tasks to 3.",
    ServiceSetup(count=30, ttl=20, poll_period=2.0),
    phases=(
        Phase("before", 30),
        Phase("scale-in", 60, fault="service.scale", parameters={"count": 3}, keep=True, until_steady=True),
        Phase("after", 60),
    ),
    checks=(gone(within=30),),
)

globals().update(play(SCENARIO))
