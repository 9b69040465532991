"""The checks of all three tasks fail for a while, though they go on answering.

ECS replaces them, and the registry knows nobody healthy: clients that want only the healthy find nobody.
"""

from __future__ import annotations

from surveyor.chaos import Setting, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "all-unhealthy",
    "All three tasks are unhealthy.",
    Setting(count=3, ttl=20, check=True, fronts=True),
    phases=(
        Phase("before", 30),
        Phase("unhealthy", 40, fault="task.unhealthy", victims="all"),
        Phase("after", 90, whole=True),
    ),
    holds=(visible(within=30), gone(within=30)),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
