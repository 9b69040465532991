"""The architectures by which callers reach tasks, named as in articles about this field, with their hops."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARCHITECTURES", "Architecture"]


@dataclass(frozen=True)
class Architecture:
    """`hops`: what is between caller and task; `client`: the client model of load scenarios that uses it.

    `optional`: a comparison is complete without it.
    """

    name: str
    hops: str
    client: str
    optional: bool = False


ARCHITECTURES = (
    Architecture("load balancer", "1: the load balancer", "balancer"),
    Architecture("API Gateway", "1: the gateway (a stand-in: Envoy)", "api-gateway", optional=True),
    Architecture("DNS", "0", "dns"),
    Architecture("API", "0", "api-healthy"),
    Architecture("Service Connect", "2: the caller's proxy, the callee's", "service-connect"),
)
