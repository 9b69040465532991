"""Discovery by REST: Envoys ask here for the members of a name, and for shares of calls (Envoy, xDS REST and gRPC).

Each request is held until what it asks for changes, so that Envoy knows a change within a millisecond. Files would do,
but Envoy uses an inotify instance for each, and Linux gives a user 128. Shares are runtime fractions, of which all
Envoys get the same layer (Envoy, Runtime Discovery Service).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.http.server import serve_at

__all__ = [
    "SOCKET",
    "Discovery",
    "Member",
    "discovery_cluster",
    "endpoint_source",
    "share_match",
    "shares_layer",
]

SOCKET = "discovery.sock"
CLUSTER = "discovery"
# Wall seconds.
LONG_POLL = 60.0
READ_TIMEOUT = 1.0
"""For how long the clock waits until Envoys have a change."""
SHARES = "shares"
"""The name of the runtime layer of shares."""
_ASSIGNMENT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
_RUNTIME = "type.googleapis.com/envoy.service.runtime.v3.Runtime"

Json = dict[str, Any]


class Member(NamedTuple):
    """One endpoint: its zone is "" if zones do not matter; a member of weight 2 gets twice the calls of one of 1."""

    address: str
    port: int
    zone: str = ""
    weight: int = 1


@dataclass(slots=True)
class _Entry:
    """What is known of a name. `current`: the Envoys that have asked again since the last change, and so use it.

    `behind`: those that have not; `caught_up` is set while there is none.
    """

    resource: Json = field(default_factory=dict)
    version: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    current: set[str] = field(default_factory=set)
    behind: set[str] = field(default_factory=set)
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self, envoy: str) -> None:
        """Forget an Envoy, whether it uses the present version or not."""
        self.current.discard(envoy)
        self.behind.discard(envoy)
        if not self.behind:
            self.caught_up.set()

    def has(self, envoy: str) -> None:
        """Note that an Envoy uses the present version."""
        self.leave(envoy)
        self.current.add(envoy)


class Discovery:
    """The members of each name, and the shares, served at a socket in a folder.

    `hold` runs work that the clock waits for: until the Envoys that had the state before a change have the change.
    """

    def __init__(self, hold: Callable[[Coroutine[Any, Any, object]], object] | None = None) -> None:
        self._hold = hold
        self._entries: dict[str, _Entry] = {}
        self._shares: dict[str, Json] = {}
        self._server: asyncio.Server | None = None
        self._folder: Path | None = None

    def put(self, name: str, members: Collection[Member]) -> None:
        """Set the members of a name, and answer requests that wait for a change."""
        self._put(name, _assignment(name, members))

    def put_share(self, key: str, percent: float) -> None:
        """Set the share of calls, in percent, that the matches of this key take."""
        share = {"numerator": round(percent * 100), "denominator": "TEN_THOUSAND"}
        if self._shares.get(key) != share:
            self._shares[key] = share
            self._put(SHARES, {"@type": _RUNTIME, "name": SHARES, "layer": self._shares})

    def _put(self, name: str, resource: Json) -> None:
        entry = self._entries.setdefault(name, _Entry())
        entry.resource, entry.version = resource, entry.version + 1
        entry.changed.set()
        entry.changed = asyncio.Event()
        entry.behind |= entry.current
        entry.current.clear()
        if entry.behind and self._hold is not None:
            entry.caught_up.clear()
            self._hold(_wait(entry))

    def leave(self, envoy: str) -> None:
        """Wait no longer for an Envoy that has ended."""
        for entry in self._entries.values():
            entry.leave(envoy)

    def forget(self, name: str) -> None:
        """Forget a name that no Envoy asks for any more."""
        self._entries.pop(name, None)

    async def listen(self, folder: Path) -> None:
        """Answer at the socket in this folder; do nothing if it does already."""
        if self._folder == folder:
            return
        self.close()
        self._folder = folder
        self._server = await serve_at(self._answer, folder / SOCKET)

    def close(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, request: Request) -> Response:
        try:
            query = json.loads(request.body)
            names = query.get("resource_names") or query.get("resourceNames") or []
            [name] = names
        except (ValueError, AttributeError):
            return Response(400, b"expected a DiscoveryRequest for one name\n", {"Content-Type": "text/plain"})
        unset = {"@type": _RUNTIME, "name": name, "layer": {}} if name == SHARES else _assignment(name, ())
        known = str(query.get("version_info") or query.get("versionInfo") or "")
        entry = self._entries.setdefault(name, _Entry())
        if known == str(entry.version):
            entry.has(str((query.get("node") or {}).get("id", "")))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(entry.changed.wait(), LONG_POLL)
            entry = self._entries.setdefault(name, _Entry())
        resource = entry.resource or unset
        answer = {"version_info": str(entry.version), "type_url": resource["@type"], "resources": [resource]}
        return Response(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


async def _wait(entry: _Entry) -> None:
    """Wait until all Envoys use a change; one that is paused or dead keeps the clock once."""
    try:
        await asyncio.wait_for(entry.caught_up.wait(), READ_TIMEOUT)
    except TimeoutError:
        entry.behind.clear()


def endpoint_source(name: str) -> Json:
    """Return the part of an EDS cluster that makes it ask for the members of a name."""
    return {"service_name": name, "eds_config": _source()}


def shares_layer() -> Json:
    """Return the runtime layer that makes an Envoy ask for the shares."""
    return {"name": SHARES, "rtds_layer": {"name": SHARES, "rtds_config": _source()}}


def share_match(key: str) -> Json:
    """Return the part of a route's match that takes the share of this key: no calls until it is set."""
    return {"runtime_fraction": {"default_value": {"numerator": 0}, "runtime_key": key}}


def _source() -> Json:
    source = {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": [CLUSTER],
        "refresh_delay": "0.001s",
        "request_timeout": f"{2 * LONG_POLL:g}s",
    }
    return {"resource_api_version": "V3", "api_config_source": source}


def discovery_cluster(folder: Path) -> Json:
    """Return the cluster of this discovery, for an Envoy's static configuration; ``folder`` has the socket."""
    maximum = 100_000  # each request that is held is a connection
    limits = {"max_connections": maximum, "max_pending_requests": maximum, "max_requests": maximum}
    return {
        "name": CLUSTER,
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {
            "cluster_name": CLUSTER,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(folder / SOCKET)}}}}]},
            ],
        },
    }


def _assignment(name: str, members: Collection[Member]) -> Json:
    """Return a ClusterLoadAssignment: one locality for each zone."""
    zones: dict[str, list[Json]] = {}
    for member in members:
        address = {"socket_address": {"address": member.address, "port_value": member.port}}
        host: Json = {"endpoint": {"address": address}, "load_balancing_weight": member.weight}
        zones.setdefault(member.zone, []).append(host)
    localities = [
        {"locality": {"zone": zone}, "lb_endpoints": hosts} if zone else {"lb_endpoints": hosts}
        for zone, hosts in sorted(zones.items())
    ]
    return {"@type": _ASSIGNMENT, "cluster_name": name, "endpoints": localities}
