"""A linear deployment replaces all four tasks, a quarter of the calls a minute, while clients call by Service Connect.

ECS starts all new tasks before it shifts the first calls, and stops the old ones after the last shift: no call should
fail. Other clients cannot take part: a service whose deployments shift traffic has no registry.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

LINEAR = {
    "strategy": "LINEAR",
    "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 1},
    "bakeTimeInMinutes": 0,
}

SCENARIO = Scenario(
    "linear",
    "A linear deployment of four tasks in steps of 25 percent.",
    ServiceSetup(count=4, resolve_by="connect", deployment=LINEAR),
    phases=(
        Phase("before", 30),
        Phase("deployment", 60, fault="service.deploy", until_steady=True),
        Phase("after", 30),
    ),
    checks=(visible(within=30, view="connect"), gone(within=30, view="connect")),
    clients=("service-connect",),
)

globals().update(play(SCENARIO))
