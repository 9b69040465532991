"""A load balancer, DNS, the API and Service Connect before the same three tasks, of which one is killed.

Only the four clients of these architectures call, so that each is called more often. Time flows at half the usual
speed: latency is in wall time, and a faster service would use the processors that the callers need.
"""

from __future__ import annotations

from surveyor.callers import ARCHITECTURES
from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "compare-architectures",
    "One of three tasks behind four architectures is killed.",
    ServiceSetup(count=3, ttl=60, entry_points=True),
    phases=(Phase("before", 24), Phase("killed", 96, fault="task.kill", victims="one")),
    rate=60,
    scale=5,
    clients=tuple(architecture.client for architecture in ARCHITECTURES),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
