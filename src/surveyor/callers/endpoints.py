"""The endpoints of a service and how it is called: all that a process of callers needs, and can be sent as text."""

from __future__ import annotations

from dataclasses import dataclass, field

from surveyor.callers.request import Request

__all__ = ["ClientTask", "ServiceEndpoints"]


@dataclass(frozen=True)
class ClientTask:
    """A task that runs surveyor_agents.workload and calls `url` on request, as a client in the VPC does."""

    address: str
    port: int
    token: str
    url: str


@dataclass(frozen=True)
class ServiceEndpoints:
    """`resolver`: address and port of the DNS server that answers for `alias`, a name, or "".

    `registry`: endpoint for the discovery of `service` in `namespace`, which `owner` shares if it is not ""; calls are
    signed for `account` and `secret`, or with the credentials of the process if `secret` is "". `load_balancer`: name
    and port of a load balancer before the service; `proxy`: address and port of a client's Service Connect proxy that
    can be called from here, or `client_task` from which it is called; `gateway`: address and port of what stands in for
    API Gateway. "" and 0, or None, if there is none.

    `port` of the tasks; `rate`: arrivals of each client model per wall second, each attempt with `timeout` wall seconds
    to connect and again for the response. `epoch`: wall time (seconds since 1970) of service second 0; `scale`: service
    seconds per wall second; `local`: only this machine may be called.
    """

    port: int
    alias: str = ""
    resolver: tuple[str, int] = ("", 0)
    registry: str = ""
    account: str = ""
    secret: str = ""
    region: str = ""
    namespace: str = ""
    service: str = ""
    owner: str = ""
    load_balancer: tuple[str, int] = ("", 0)
    proxy: tuple[str, int] = ("", 0)
    client_task: ClientTask | None = None
    gateway: tuple[str, int] = ("", 0)
    request: Request = field(default_factory=Request)
    rate: float = 1.0
    timeout: float = 5.0
    epoch: float = 0.0
    scale: float = 1.0
    local: bool = True

    def service_seconds(self, wall: float) -> float:
        """Return the service seconds since the start at a wall time."""
        return (wall - self.epoch) * self.scale
