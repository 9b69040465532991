"""Service Connect before three tasks, of which one is killed; with compare-direct the comparison of five architectures.

`surveyor load compare-architectures` plays both.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "compare-connect",
    "One of three tasks behind Service Connect is killed.",
    ServiceSetup(count=3, ttl=60, connect_client=True),
    phases=(Phase("before", 24), Phase("killed", 96, fault="task.kill", victims="one")),
    rate=180,  # as many calls in all as the four clients of compare-direct make
    scale=5,
    clients=("service-connect",),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
