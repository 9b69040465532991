"""Endpoint discovery by REST: Envoys ask here for the members of a name (Envoy, xDS REST and gRPC protocol).

Each request is held until the members change, so that Envoy knows a change within a millisecond. Files would do, but
Envoy uses an inotify instance for each, and Linux gives a user 128.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.http.server import serve_at

__all__ = ["SOCKET", "Discovery", "Member", "discovery_cluster", "endpoint_source"]

SOCKET = "discovery.sock"
CLUSTER = "discovery"
PATH = "/v3/discovery:endpoints"
LONG_POLL = 60.0  # wall seconds
_ASSIGNMENT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"

Member = tuple[str, int]
"""Address and port."""

Json = dict[str, Any]


@dataclass(slots=True)
class _Entry:
    members: tuple[Member, ...] = ()
    version: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Discovery:
    """The members of each name, served at a socket in a folder."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._server: asyncio.Server | None = None
        self._folder: Path | None = None

    def put(self, name: str, members: Collection[Member]) -> None:
        """Set the members of a name, and answer requests that wait for a change."""
        entry = self._entries.setdefault(name, _Entry())
        entry.members, entry.version = tuple(members), entry.version + 1
        entry.changed.set()
        entry.changed = asyncio.Event()

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
        known = str(query.get("version_info") or query.get("versionInfo") or "")
        entry = self._entries.setdefault(name, _Entry())
        if known == str(entry.version):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(entry.changed.wait(), LONG_POLL)
            entry = self._entries.setdefault(name, _Entry())
        resources = [_assignment(name, entry.members)]
        answer = {"version_info": str(entry.version), "type_url": _ASSIGNMENT, "resources": resources}
        return Response(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def endpoint_source(name: str) -> Json:
    """Return the part of an EDS cluster that makes it ask for the members of a name."""
    source = {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": [CLUSTER],
        "refresh_delay": "0.001s",
        "request_timeout": f"{2 * LONG_POLL:g}s",
    }
    return {"service_name": name, "eds_config": {"resource_api_version": "V3", "api_config_source": source}}


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
    hosts = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        for address, port in members
    ]
    return {"@type": _ASSIGNMENT, "cluster_name": name, "endpoints": [{"lb_endpoints": hosts}] if hosts else []}
