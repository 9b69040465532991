"""The health checks of all three tasks fail for a while, though the tasks keep answering.

ECS replaces them, and the registry has no healthy instance: clients that accept only healthy instances find none.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "all-unhealthy",
    "All three tasks are unhealthy.",
    ServiceSetup(count=3, ttl=20, check=True, entry_points=True),
    phases=(
        Phase("before", 30),
        Phase("unhealthy", 40, fault="task.unhealthy", victims="all"),
        Phase("after", 90, until_steady=True),
    ),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
