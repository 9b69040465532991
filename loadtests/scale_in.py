"""A service shrinks from thirty tasks to three while all kinds of clients call it.

Nine of ten leave at once: who goes on calling them, and for how long?
"""

from __future__ import annotations

from surveyor.chaos import Setting, gone
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "scale-in",
    "From 30 tasks to 3.",
    Setting(count=30, ttl=20, period=2.0),
    phases=(
        Phase("before", 30),
        Phase("scale-in", 60, fault="service.scale", given={"count": 3}, kept=True, whole=True),
        Phase("after", 60),
    ),
    holds=(gone(within=30),),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
