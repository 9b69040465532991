"""One of four tasks is stopped by ECS, and its address vanishes, while all kinds of clients call the service.

The same as stop-one, except that the network interfaces of stopped tasks are gone, as on Fargate: calls to them wait
for the client's time-out instead of being refused at once. `surveyor load stop-one stop-one-vanished` compares both.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "stop-one-vanished",
    "One of four tasks is stopped; its address vanishes.",
    ServiceSetup(count=4, ttl=60, entry_points=True),
    phases=(
        Phase("before", 30, fault="address.vanish", keep=True),
        Phase("stopped", 90, fault="task.stop", victims="one", until_steady=True),
        Phase("after", 40),
    ),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
