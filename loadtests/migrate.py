"""A service moves from a host on premises to ECS while all kinds of clients call it.

A host beside two tasks is registered by hand and serves. Then its server fails, and stays registered until its
deregistration by hand: its script does not run any more. How many calls go to it then, and how many with six tasks
beside it? A task of no service stands in for the host (surveyor/chaos/faults/hosts.py).
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "migrate",
    "A host on premises serves beside the tasks, fails while it is registered, and is deregistered.",
    ServiceSetup(count=2, ttl=20, host=True),
    phases=(
        Phase("before", 30),
        Phase("host-serves", 40, fault="host.register", keep=True),
        Phase("host-fails", 40, fault="host.fail", keep=True),
        Phase("deregistered", 40, ends=("host.register",)),
        Phase("more-tasks", 30, fault="service.scale", parameters={"count": 6}, keep=True, until_steady=True),
        Phase("fails-beside-six", 40, fault="host.register"),
        Phase("after", 40),
    ),
    checks=(visible(within=30),),
)

globals().update(play(SCENARIO))
