"""The same loss under four TTLs: 0, 5, 60 and 300 s, one after another at one service.

Of four tasks one is killed each time. Between two of them the records get the next TTL, and caches the time to run out.
"""

from __future__ import annotations

from surveyor.chaos import Setting, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "ttl",
    "One of four tasks is killed, at TTLs of 0, 5, 60 and 300 s.",
    Setting(count=4, ttl=0, fronts=True, period=2.0),
    phases=(
        Phase("TTL 0", 40, fault="task.kill", victims="one", whole=True),
        Phase("to 5", 5, fault="registry.ttl", given={"ttl": 5}, kept=True),
        Phase("TTL 5", 45, fault="task.kill", victims="one", whole=True),
        Phase("to 60", 10, fault="registry.ttl", given={"ttl": 60}, kept=True),
        Phase("TTL 60", 100, fault="task.kill", victims="one", whole=True),
        Phase("to 300", 65, fault="registry.ttl", given={"ttl": 300}, kept=True),
        Phase("TTL 300", 340, fault="task.kill", victims="one", whole=True),
    ),
    rate=40,
    scale=20,
    holds=(visible(within=30), gone(within=30)),
)

globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
