"""Client models that stand for runtimes: as fast as these, and made of a cache of names and kept connections alone.

Those of surveyor.callers call in every load scenario; these also model when a client asks again, and for which
connections it asks at all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from surveyor.callers import NO_ANSWER, Connection, Request, ViewContents, resolve_name, resolve_services
from surveyor.callers.resolvers import FOREVER
from surveyor.dns import DnsAddress
from surveyor.sandbox.entrance import RESOLVER

__all__ = ["MODEL", "RUNTIME_MODELS", "ModelWay", "RuntimeModel"]

MODEL = "model-"
"""What the names of models begin with in a scenario."""

WITHIN = 2.0
"""Wall seconds to connect, and again for the answer."""


@dataclass(frozen=True)
class RuntimeModel:
    """`positive`, `negative`: seconds for which an answer and "no such name" are kept; None for what DNS says.

    `pool`: connections are not kept; kept, and a question is asked only for a new one ("name"); or kept by the address
    to which the name leads ("address"). `after_errors`: it asks only after an error, and at most once in that many
    seconds; None: before a call for which it has no answer. `backoff`: after "no such name" it waits one second, then
    that many times longer each time. `uses_srv`: it asks for SRV records, and for the addresses of their targets.
    `replaces_lost`: a kept connection that has been lost is replaced in the same call; otherwise that call fails.
    """

    name: str
    description: str
    positive: float | None = None
    negative: float | None = 0.0
    pool: Literal["", "name", "address"] = ""
    after_errors: float | None = None
    backoff: float = 0.0
    uses_srv: bool = False
    replaces_lost: bool = True


_ALL = (
    RuntimeModel("dns", "answers kept for their TTL"),
    RuntimeModel("dns-once", "resolved once, at start", FOREVER, FOREVER),
    RuntimeModel("dns-jvm", "30 s, 10 s for no such name; connections kept by address", 30.0, 10.0, "address"),
    RuntimeModel("dns-jvm-pool", "30 s, 10 s for no such name; connections kept by name", 30.0, 10.0, "name"),
    RuntimeModel("dns-10", "10 s; connections kept", 10.0, 0.0, "name"),
    RuntimeModel("dns-negative", "10 s, no such name for its negative TTL; connections kept", 10.0, None, "name"),
    RuntimeModel("dns-60", "60 s, 30 s for no such name; connections kept", 60.0, 30.0, "name"),
    RuntimeModel("dns-poll", "resolved every second, whatever the TTL", 1.0, 1.0),
    RuntimeModel("dns-poll-5", "resolved every 5 s, whatever the TTL", 5.0, 5.0),
    RuntimeModel(
        "dns-on-error",
        "asks after an error only, at most every 30 s; connections kept",
        FOREVER,
        0.0,
        "name",
        30.0,
        1.6,
    ),
    RuntimeModel(
        "dns-pool", "asks for each new connection; kept ones never move while their task lives", 0.0, 0.0, "name"
    ),
    RuntimeModel(
        "dns-http2",
        "as dns-pool, with HTTP/2: the call on a lost connection fails",
        0.0,
        0.0,
        "name",
        replaces_lost=False,
    ),
    RuntimeModel("dns-resolve", "answers kept for their TTL, no such name for 10 s", negative=10.0),
    RuntimeModel("dns-srv", "SRV records, and addresses, kept for their TTL", negative=10.0, uses_srv=True),
    RuntimeModel("dns-srv-poll", "SRV records, and addresses, asked for every second", 1.0, 1.0, uses_srv=True),
    RuntimeModel("curl", "asks for each call", 0.0, 0.0),
)
RUNTIME_MODELS: Mapping[str, RuntimeModel] = {model.name: model for model in _ALL}


class ModelWay:
    """A client of a model, which calls from this process."""

    def __init__(self, model: RuntimeModel, name: str, port: int, resolver: str = RESOLVER) -> None:
        self.model, self.name, self.port = model, name, port
        self.resolver = DnsAddress(resolver, 53)
        self._known: ViewContents | None = None
        self._expires = float("-inf")
        self._idle: Connection | None = None
        self._failed = False
        self._refused = 0
        """How often in a row there was no such name."""

    def start(self) -> None:
        """Do nothing: it asks before its first call."""

    def call(self, number: int) -> tuple[str, str]:
        """Make one call; a kept connection that has ended is replaced, as most pools do before they send."""
        addresses = self._resolve() if self.model.pool == "address" else []
        connection, self._idle = self._idle, None
        if connection is not None and self.model.pool == "address" and connection.address not in addresses:
            connection.close()
            connection = None
        if connection is not None:
            try:
                return self._exchange(connection), ""
            except (OSError, ValueError, KeyError) as error:
                connection.close()
                if not self.model.replaces_lost:
                    return "", f"{type(error).__name__}: {error}"
        addresses = addresses or self._resolve()
        if not addresses:
            self._failed = True
            return "", "no such name"
        try:
            connection = Connection(addresses[0], self.port, WITHIN)
            return self._exchange(connection), ""
        except (OSError, ValueError, KeyError) as error:
            self._failed = True
            return "", f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Close the kept connection."""
        if self._idle is not None:
            self._idle.close()

    def _exchange(self, connection: Connection) -> str:
        keeps = bool(self.model.pool)
        request = Request(host=f"{self.name}:{self.port}").encode(connection.address, self.port, keep=keeps)
        _, body, reusable = connection.exchange(request, WITHIN)
        if keeps and reusable:
            self._idle = connection
        else:
            connection.close()
        return str(json.loads(body)["address"])

    def _resolve(self) -> list[str]:
        now = time.monotonic()
        if self._known is None or (now >= self._expires and (self.model.after_errors is None or self._failed)):
            try:
                ask = resolve_services if self.model.uses_srv else resolve_name
                self._known = ask(self.resolver, f"{self.name}.", WITHIN)
            except NO_ANSWER:
                self._known = ViewContents({})
            self._failed = False
            self._refused = 0 if self._known.members else self._refused + 1
            self._expires = now + self._lifetime(self._known)
        return sorted({member.address for member in self._known.members.values()})

    def _lifetime(self, answer: ViewContents) -> float:
        if answer.members:
            kept = answer.ttl if self.model.positive is None else self.model.positive
            return kept if self.model.after_errors is None else self.model.after_errors
        if self.model.backoff:
            return self.model.backoff ** (self._refused - 1)
        return answer.negative_ttl if self.model.negative is None else self.model.negative
