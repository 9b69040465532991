"""How a service is watched: what its clients call, how often, and how often it is observed."""

from __future__ import annotations

from dataclasses import dataclass, field

from surveyor.callers import Request, Statuses

__all__ = ["CLIENTS", "GOOD", "WatchSettings", "WorkerSettings"]

GOOD: Statuses = ((200, 399),)
"""The statuses of a good answer unless the user names others."""

CLIENTS = ("dns", "api-healthy", "balancer", "service-connect")
"""The client models that call by default, as far as the service has what they need."""


@dataclass(frozen=True)
class WorkerSettings:
    """`count` workers of Locust; `listen`: where those of other machines connect, ("", 0) to start them here."""

    count: int
    listen: tuple[str, int] = ("", 0)


@dataclass(frozen=True)
class WatchSettings:
    """`request`: what is called; `host`: the user named the Host header, else each client sends the name that it calls.

    `port`: of the tasks, 0 for the registered one. `clients`: the client models, () for those of CLIENTS. `rate`: calls
    of each client model per wall second; `timeout`: wall seconds for the connection, and for the answer. `proxy`:
    address and port of a client's Service Connect proxy that can be called from here, ("", 0) if there is none.
    `poll_period`: service seconds between two polls; `at_least`: the share of calls that must be answered in any
    `over` service seconds. `within`: service seconds after which a deployment must be over. `scale`: of a target whose
    clock stands still. `workers`: the processes that call instead of this one. `faults`: faults between the clients and
    what they ask, which last `fault_seconds` service seconds.
    """

    request: Request = field(default_factory=lambda: Request(expected=GOOD))
    port: int = 0
    clients: tuple[str, ...] = ()
    rate: float = 2.0
    timeout: float = 2.0
    proxy: tuple[str, int] = ("", 0)
    poll_period: float = 2.0
    at_least: float = 0.99
    over: float = 60.0
    within: float = 3_600.0
    seed: int = 0
    scale: float = 10.0
    workers: WorkerSettings | None = None
    faults: tuple[str, ...] = ()
    fault_seconds: float = 30.0
