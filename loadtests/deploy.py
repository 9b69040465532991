"""A rolling deployment replaces all four tasks while all kinds of clients call.

Their records have a TTL of 60 s, and the processes end with SIGTERM: what everybody begins with.
"""

from __future__ import annotations

from surveyor.chaos import Setting, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "deploy",
    "A rolling deployment of four tasks.",
    Setting(count=4, ttl=60, fronts=True),
    phases=(
        Phase("before", 30),
        Phase("deployment", 60, fault="service.deploy", whole=True),
        Phase("after", 90),
    ),
    holds=(visible(within=30), gone(within=30)),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
