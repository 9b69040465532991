"""One of four tasks is stopped by ECS, with SIGTERM, while all kinds of clients call the service.

It is out of the registry soon; its address is in caches for its TTL, and in kept connections for ever.
"""

from __future__ import annotations

from surveyor.chaos import Setting, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "stop-one",
    "One of four tasks is stopped.",
    Setting(count=4, ttl=60, fronts=True),
    phases=(
        Phase("before", 30),
        Phase("stopped", 90, fault="task.stop", victims="one", whole=True),
        Phase("after", 40),
    ),
    holds=(visible(within=30), gone(within=30)),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
