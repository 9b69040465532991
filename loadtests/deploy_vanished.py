"""A rolling deployment replaces all four tasks, whose addresses vanish, while all kinds of clients call.

The same as deploy, except that the network interfaces of stopped tasks are gone, as on Fargate: calls to them wait
for the client's time-out instead of being refused at once. `surveyor load deploy deploy-vanished` compares both.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "deploy-vanished",
    "A rolling deployment of four tasks, whose addresses vanish.",
    ServiceSetup(count=4, ttl=60, entry_points=True),
    phases=(
        Phase("before", 30, fault="address.vanish", keep=True),
        Phase("deployment", 60, fault="service.deploy", until_steady=True),
        Phase("after", 90),
    ),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
