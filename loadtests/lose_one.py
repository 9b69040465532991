"""One of four tasks is killed while all kinds of clients call the service.

Nobody is told: until ECS notices, the registry names it to whoever asks.
"""

from __future__ import annotations

from surveyor.chaos import Setting, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "lose-one",
    "One of four tasks is killed without a farewell.",
    Setting(count=4, ttl=60, fronts=True),
    phases=(
        Phase("before", 30),
        Phase("killed", 90, fault="task.kill", victims="one", whole=True),
        Phase("after", 40),
    ),
    holds=(visible(within=30), gone(within=30)),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
