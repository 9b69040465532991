"""The endpoints of the service of a scenario, sent as text from its conductor to every process of callers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ServiceEndpoints"]


@dataclass(frozen=True)
class ServiceEndpoints:
    """`resolver`: address and port of the DNS server that answers for `alias`; `registry`: endpoint of Cloud Map, where
    `account` (with `secret`) discovers `service` in `namespace`; `load_balancer`: name and port of a load balancer
    before the service; `proxy`: address and port of a client's Service Connect proxy. "" and 0 if there is none.

    `rate`: arrivals of each client model per wall second, each attempt with `timeout` wall seconds to connect and again
    for the response. `epoch`: wall time (seconds since 1970) of service second 0; `scale`: service seconds per wall
    second; `local`: only this machine may be called.
    """

    port: int
    path: str
    alias: str
    resolver: tuple[str, int]
    registry: str
    account: str
    secret: str
    region: str
    namespace: str
    service: str
    load_balancer: tuple[str, int]
    proxy: tuple[str, int]
    rate: float
    timeout: float
    epoch: float
    scale: float
    local: bool = True

    def service_seconds(self, wall: float) -> float:
        """Return the service seconds since the start of the scenario at a wall time."""
        return (wall - self.epoch) * self.scale
