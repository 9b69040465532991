"""A load balancer, API Gateway, DNS and the API before the same three tasks, of which one is killed.

With compare-connect the comparison of five architectures: `surveyor load compare-architectures` plays both. An Envoy
that polls DiscoverInstances stands in for API Gateway's private integration (surveyor/chaos/gateway.py). These tasks
have no proxy, which direct calls would pass, too. Only the clients of these architectures call, so that each is called
more often, and time flows at half the usual speed: latency is in wall time, and a faster service would use the
processors that the callers need.
"""

from __future__ import annotations

from surveyor.chaos import ServiceSetup, gone, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario(
    "compare-direct",
    "One of three tasks behind a load balancer, API Gateway (an Envoy stands in for it), DNS and the API is killed.",
    ServiceSetup(count=3, ttl=60, balancer=True, gateway=True),
    phases=(Phase("before", 24), Phase("killed", 96, fault="task.kill", victims="one")),
    rate=45,
    scale=5,
    clients=("balancer", "api-gateway", "dns", "api-healthy"),
    checks=(visible(within=30), gone(within=30)),
)

globals().update(play(SCENARIO))
