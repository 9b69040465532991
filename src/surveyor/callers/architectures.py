"""The architectures by which callers reach tasks, as articles about this field name them, and what a call passes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARCHITECTURES", "Architecture"]


@dataclass(frozen=True)
class Architecture:
    """`hops`: what stands between caller and task; `client`: the client model of a load scenario that calls by it."""

    name: str
    hops: str
    client: str


ARCHITECTURES = (
    Architecture("load balancer", "1: the load balancer", "balancer"),
    Architecture("DNS", "0", "dns"),
    Architecture("API", "0", "api-healthy"),
    Architecture("Service Connect", "2: the caller's proxy, the callee's", "service-connect"),
)
