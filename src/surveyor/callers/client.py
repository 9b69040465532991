"""One client of one model: what it knows, its connections, and which of the known addresses it calls."""

from __future__ import annotations

import functools
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from botocore.credentials import Credentials

from surveyor import sandbox
from surveyor.callers.answers import Address, Ask, discover_instances, fixed, resolve_name
from surveyor.callers.attempt import AttemptResult, Timeouts, attempt
from surveyor.callers.client_models import ClientModel
from surveyor.callers.client_task import call_from_task
from surveyor.callers.connection import Connection
from surveyor.callers.curl import call_by_curl
from surveyor.callers.endpoints import ClientTask, ServiceEndpoints
from surveyor.callers.registry_client import RegistryClient, chain_credentials
from surveyor.callers.request import Request
from surveyor.callers.resolvers import Resolver, ask_by_revision
from surveyor.dns import DnsAddress

__all__ = ["Choice", "Client", "can_call", "make_client", "question_of"]

DNS_TIMEOUT = 1.0
"""Wall seconds."""

NOT_CALLABLE = "not callable from here"
NO_ADDRESS = "no address known"


class Choice(NamedTuple):
    """What a client calls: `address` is "" if none is known; `event`: the answer that named it in a history.

    `order`: the addresses to try one after another, by a client that does so.
    """

    address: str
    port: int = 0
    event: int = 0
    order: Sequence[Address] = ()


@dataclass
class Client:
    """`local`: all tasks are on this machine, so that no other address is called whatever is registered.

    `via_task`: makes the call itself, for a client whose calls only another task can make.
    """

    resolver: Resolver
    request: Request
    timeouts: Timeouts
    chance: random.Random
    local: bool = True
    keeps_connections: bool = False
    program_name: str = ""
    """The name that a program calls; "" if this process calls."""

    via_task: Callable[[], AttemptResult] | None = None
    _idle: dict[Address, list[Connection]] = field(default_factory=dict)

    def choose(self) -> Choice:
        """Return what to call now; this may ask first, and wait for the answer."""
        known = self.resolver.resolve()
        if not known.addresses:
            return Choice("", event=known.event)
        if not self.program_name:
            host, port = chosen = self.chance.choice(known.addresses)
            return Choice(host, port, known.event, (chosen,))
        order = self.chance.sample(known.addresses, len(known.addresses))
        return Choice(*order[0], known.event, order)

    def call(self, choice: Choice) -> tuple[str, AttemptResult]:
        """Make one attempt; return the address that was called, and the result."""
        if not choice.address:
            return "", AttemptResult("fail", error=NO_ADDRESS)
        if self.via_task is not None:
            return choice.address, self.via_task()
        if self.local:
            for host, _ in choice.order:
                if not _is_local(host):
                    return host, AttemptResult("fail", error=NOT_CALLABLE)
        if self.program_name:
            hosts = [host for host, _ in choice.order]
            return call_by_curl(self.program_name, choice.port, self.request, hosts, self.timeouts)
        idle = self._idle.setdefault((choice.address, choice.port), [])
        kept = idle.pop() if self.keeps_connections and idle else None
        result, connection = attempt(
            choice.address, choice.port, self.request, self.timeouts, kept, keep=self.keeps_connections
        )
        if connection is not None and self.keeps_connections:
            idle.append(connection)
        elif connection is not None:
            connection.close()
        return choice.address, result

    def close(self) -> None:
        """Close the idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()


def can_call(model: ClientModel, endpoints: ServiceEndpoints) -> bool:
    """Return whether the service has what such a client asks and calls, and this machine has its program."""
    if model.program and shutil.which(model.program) is None:
        return False
    has_name = bool(endpoints.alias and endpoints.resolver[0])
    return {
        "name": has_name,
        "registry": bool(endpoints.service),
        "revision": bool(endpoints.service),
        "balancer": bool(endpoints.load_balancer[0]),
        "proxy": bool(endpoints.proxy[0]) or endpoints.client_task is not None,
        "gateway": bool(endpoints.gateway[0]),
    }[model.source]


def question_of(model: ClientModel, endpoints: ServiceEndpoints) -> Ask:
    """Return what a client of that model asks. Raises UsageError without credentials for the registry."""
    if model.source in ("name", "balancer"):
        name = endpoints.alias if model.source == "name" else endpoints.load_balancer[0]
        return functools.partial(resolve_name, DnsAddress(*endpoints.resolver), name, DNS_TIMEOUT)
    if model.source == "gateway":
        return functools.partial(fixed, endpoints.gateway)
    if model.source == "proxy":
        task = _task_that_calls(model, endpoints)
        return functools.partial(fixed, (task.address, task.port) if task is not None else endpoints.proxy)
    own = Credentials(endpoints.account, endpoints.secret)
    credentials = (lambda: own) if endpoints.secret else chain_credentials()
    registry = RegistryClient(endpoints.registry, endpoints.region, credentials)
    ask = ask_by_revision if model.source == "revision" else functools.partial(functools.partial, discover_instances)
    return ask(registry, endpoints.namespace, endpoints.service, model.health, endpoints.owner)


def make_client(
    model: ClientModel,
    endpoints: ServiceEndpoints,
    chance: random.Random,
    ask: Ask | None = None,
    *,
    first_share: float = 1.0,
) -> Client:
    """Return one client of a model, with a separate cache and separate connections.

    `ask`: asks instead of the model's own question, for instance one that is recorded.
    """
    port = endpoints.load_balancer[1] if model.source == "balancer" else endpoints.port
    resolver = Resolver(
        ask or question_of(model, endpoints), model.policy, port=port, scale=endpoints.scale, first_share=first_share
    )
    timeouts = Timeouts(endpoints.timeout, endpoints.timeout)
    task = _task_that_calls(model, endpoints)
    request = endpoints.request
    return Client(
        resolver,
        request,
        timeouts,
        chance,
        endpoints.local,
        model.keeps_connections,
        endpoints.alias if model.program else "",
        functools.partial(call_from_task, task, request, timeouts, endpoints.scale) if task is not None else None,
    )


def _task_that_calls(model: ClientModel, endpoints: ServiceEndpoints) -> ClientTask | None:
    """Return the task that makes the calls of a model; None if they are made from here."""
    return endpoints.client_task if model.source == "proxy" and not endpoints.proxy[0] else None


def _is_local(host: str) -> bool:
    """Return whether a connection to an address stays on this machine."""
    return host.startswith("127.") or host == "::1" or sandbox.is_inside()
