"""Faults between the clients of a watch and what they ask, Cloud Map and the resolver: the service is not touched.

The clients ask through the proxies of `surveyor chaos`, in which a fault changes answers for a while; observers do not.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from surveyor.callers import Ask, RegistryClient, ViewContents, recorded
from surveyor.callers.client_models import Source
from surveyor.chaos.actions import ActionContext
from surveyor.chaos.experiment_client import start_fault_proxy
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.faults import Victims, find_fault
from surveyor.errors import UsageError
from surveyor.history import Outcome, Recorder
from surveyor.messages import nearest
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.targets.running import RunningTarget

__all__ = ["CLIENT_FAULTS", "ClientFaults", "check_client_faults", "client_faults"]

CLIENT_FAULTS = (
    "registry.throttle", "registry.fail-once", "registry.partial", "registry.empty", "registry.expired-token",
    "registry.unavailable", "registry.stale", "clock.skew", "dns.servfail", "dns.timeout", "dns.nxdomain", "dns.lie",
    "dns.packet-limit",
)  # fmt: skip
"""The faults of `surveyor chaos` that change only what clients are answered."""

_VIEWS: Mapping[Source, str] = {"name": "names", "registry": "healthy", "revision": "healthy"}
"""Which view of the service a client looks at."""

_OF_REGISTRY: tuple[frozenset[Source], str] = (
    frozenset({"registry", "revision"}), "asks Cloud Map: add --client api-healthy",
)  # fmt: skip
_OF_RESOLVER: tuple[frozenset[Source], str] = frozenset({"name", "balancer"}), "asks a resolver: add --client dns"
"""The sources whose questions faults hit, and what is missing where no client has one of them."""


@dataclass
class ClientFaults:
    """`names`: the faults, which all begin together and last `seconds` service seconds. `client`: asks Cloud Map."""

    names: tuple[str, ...]
    seconds: float
    service: ServiceUnderTest
    proxy: FaultProxy
    client: RegistryClient
    _recorder: Recorder | None = None
    _begun: dict[str, int] = field(default_factory=dict)
    _ends: float | None = None

    @property
    def resolver(self) -> tuple[str, int] | None:
        """Return the address at which clients resolve names, None without a resolver."""
        return self.proxy.names.address if self.proxy.names is not None else None

    def question(self, ask: Ask, source: Source) -> Ask:
        """Return what asks the same, and records question and answer as soon as there is a history.

        For one client of each model alone: the next question in a history then is that client's retry.
        """
        view = _VIEWS.get(source)
        if view is None:
            return ask

        def ask_and_record() -> ViewContents:
            return ask() if self._recorder is None else recorded(ask, self._recorder, view)()

        return ask_and_record

    def require_effect(self, sources: Collection[Source]) -> None:
        """Raise UsageError for a fault that hits no client; `sources`: what the clients find tasks by."""
        for name in self.names:
            asked, lacking = _OF_RESOLVER if name.startswith("dns.") else _OF_REGISTRY
            if not asked & set(sources):
                raise UsageError(f"--fault {name}: no client of this watch {lacking}")

    def record_in(self, recorder: Recorder) -> None:
        """Record questions, faults and each changed answer in a history from now on."""
        self._recorder = recorder
        self.proxy.on_injection = lambda fault, call: recorder.end(
            recorder.invoke("faults", "injection", fault=fault, call=call), Outcome.OK
        )

    def begin(self, now: float) -> bool:
        """Begin all faults, at a time of the service; return whether they have not begun before."""
        if self._ends is not None:
            return False
        assert self._recorder is not None, "record_in is called first"
        self._ends = now + self.seconds
        for name in self.names:
            plan = find_fault(name).implementations[0].plan(self.service, Victims(), _NO_ACTIONS)
            self._begun[name] = self._recorder.invoke(
                "faults", "fault", fault=name, victims=(), lasting=True, description=plan.description
            )
            self.proxy.set(name, plan.proxy_share, plan.operations, plan.amount)
            self._recorder.end(self._begun[name], Outcome.OK)
        return True

    def advance(self, now: float) -> None:
        """End the faults if their time is over."""
        if self._ends is not None and now >= self._ends:
            self.end()

    def end(self) -> None:
        """End the faults that are in effect."""
        if self._recorder is None:
            return
        for name, number in self._begun.items():
            ending = self._recorder.invoke("faults", "undo", fault=number)
            self.proxy.set(name, 0)
            self._recorder.end(ending, Outcome.OK)
        self._begun.clear()


def check_client_faults(names: Collection[str]) -> None:
    """Raise UsageError for a fault that does not exist, or does more than change what clients are answered."""
    for name in names:
        if name not in CLIENT_FAULTS:
            raise UsageError(
                f"--fault: a watch has no fault {name!r}{nearest(name, CLIENT_FAULTS)}; expected one of "
                f"{', '.join(CLIENT_FAULTS)}; `surveyor chaos --service` has faults of the service itself"
            )


@contextmanager
def client_faults(
    names: tuple[str, ...],
    seconds: float,
    target: RunningTarget,
    service: ServiceUnderTest,
    resolver: tuple[str, int] | None,
    seed: int,
) -> Iterator[ClientFaults | None]:
    """Yield the faults of a watch, with proxies before Cloud Map and a resolver; None without any."""
    if not names:
        yield None
        return
    proxy = start_fault_proxy(target, service, resolver, random.Random(f"{seed}/faults"))
    try:
        credentials = partial(target.clients.credentials, service.account)
        yield ClientFaults(names, seconds, service, proxy, RegistryClient(proxy.url, service.region, credentials))
    finally:
        proxy.close()


def _no_client(service: str) -> Any:
    raise AssertionError(f"a fault of clients calls nothing, not even {service}")


_NO_ACTIONS = ActionContext(_no_client, None)
