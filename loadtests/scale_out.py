"""A service grows from ten tasks to a hundred while all kinds of clients call it.

When does each of them get to the new ones, and does anybody call them too early?
"""

from __future__ import annotations

from surveyor.chaos import Setting, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "scale-out",
    "From 10 tasks to 100.",
    Setting(count=10, ttl=20, period=2.0),
    phases=(
        Phase("before", 30),
        Phase("scale-out", 40, fault="service.scale", given={"count": 100}, kept=True, whole=True),
        Phase("after", 60),
    ),
    holds=(visible(within=30),),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
