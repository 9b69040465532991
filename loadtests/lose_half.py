"""Two of four tasks are killed at once while all kinds of clients call the service.

With retries at other addresses a quarter of the arrivals would still fail at first.
"""

from __future__ import annotations

from surveyor.chaos import Setting, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "lose-half",
    "Two of four tasks are killed.",
    Setting(count=4, ttl=60, fronts=True),
    phases=(
        Phase("before", 30),
        Phase("killed", 90, fault="task.kill", victims="half", whole=True),
        Phase("after", 40),
    ),
    holds=(visible(within=30), gone(within=30)),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
