"""The same loss with four TTLs, 0, 5, 60 and 300 s, one after another with one service.

Each time one of four tasks is killed. In between the records get the next TTL, and caches have time to expire.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "ttl",
    "One of four tasks is killed, at TTLs of 0, 5, 60 and 300 s.",
    ServiceSetup(count=4, ttl=0, entry_points=True, poll_period=2.0),
    phases=(
        Phase("TTL 0", 40, fault="task.kill", victims="one", until_steady=True),
        Phase("to 5", 5, fault="registry.ttl", parameters={"ttl": 5}, keep=True),
        Phase("TTL 5", 45, fault="task.kill", victims="one", until_steady=True),
        Phase("to 60", 10, fault="registry.ttl", parameters={"ttl": 60}, keep=True),
        Phase("TTL 60", 100, fault="task.kill", victims="one", until_steady=True),
        Phase("to 300", 65, fault="registry.ttl", parameters={"ttl": 300}, keep=True),
        Phase("TTL 300", 340, fault="task.kill", victims="one", until_steady=True),
    ),
    rate=40,
    scale=20,
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
