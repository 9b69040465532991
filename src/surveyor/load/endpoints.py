"""Where callers find the service of a scenario, as text that goes from its conductor to every process of callers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Place"]


@dataclass(frozen=True)
class Place:
    """`names`: the resolver, and `alias` what it is asked; `registry`: an endpoint of Cloud Map, where `account` (with
    `secret`) asks for `service` in `namespace`; `balancer`: name and port of a load balancer before the service, and
    `proxy`: address and port of a client's Service Connect proxy, "" and 0 where there is none.

    `rate`: arrivals of each client model in a wall second, each attempt with `within` wall seconds for connecting and
    again for the answer. `epoch`: wall time (seconds since 1970) of service second 0; `scale`: service seconds in a
    wall second; `local`: nothing beyond this machine may be called.
    """

    port: int
    path: str
    alias: str
    names: tuple[str, int]
    registry: str
    account: str
    secret: str
    region: str
    namespace: str
    service: str
    balancer: tuple[str, int]
    proxy: tuple[str, int]
    rate: float
    within: float
    epoch: float
    scale: float
    local: bool = True

    def service_seconds(self, wall: float) -> float:
        """From wall time to service seconds since the scenario's beginning."""
        return (wall - self.epoch) * self.scale

    def dumps(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Place:
        """The inverse of dumps. Raises ValueError or TypeError for what is none."""
        value: Mapping[str, Any] = json.loads(text)
        pairs = {name: (str(value[name][0]), int(value[name][1])) for name in ("names", "balancer", "proxy")}
        return cls(**{**value, **pairs})
