"""Who is behind a name, told to every Envoy that asks: endpoint discovery by REST (Envoy, xDS REST and gRPC protocol).

Each question is held until there is something new, so that a change is known within a millisecond. Files would do, but
Envoy spends an inotify instance on each, and Linux gives a user 128.
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

__all__ = ["SOCKET", "Discovery", "Member", "asks", "config_of"]

SOCKET = "discovery.sock"
CLUSTER = "discovery"
PATH = "/v3/discovery:endpoints"
HELD = 60.0  # wall seconds
_KIND = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"

Member = tuple[str, int]
"""Address and port."""

Json = dict[str, Any]


@dataclass(slots=True)
class _Entry:
    members: tuple[Member, ...] = ()
    version: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Discovery:
    """Members by name. It answers at a socket in a folder."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._server: asyncio.Server | None = None
        self._folder: Path | None = None

    def put(self, name: str, members: Collection[Member]) -> None:
        """From now on these are behind a name."""
        entry = self._entries.setdefault(name, _Entry())
        entry.members, entry.version = tuple(members), entry.version + 1
        entry.changed.set()
        entry.changed = asyncio.Event()

    def forget(self, name: str) -> None:
        """Nobody asks for it any more."""
        self._entries.pop(name, None)

    async def listen(self, folder: Path) -> None:
        """Answer at the socket in this folder, unless it does already."""
        if self._folder == folder:
            return
        self.close()
        self._folder = folder
        self._server = await serve_at(self._answer, folder / SOCKET)

    def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _answer(self, request: Request) -> Response:
        try:
            asked = json.loads(request.body)
            names = asked.get("resource_names") or asked.get("resourceNames") or []
            [name] = names
        except (ValueError, AttributeError):
            return Response(400, b"expected a DiscoveryRequest for one name\n", {"Content-Type": "text/plain"})
        known = str(asked.get("version_info") or asked.get("versionInfo") or "")
        entry = self._entries.setdefault(name, _Entry())
        if known == str(entry.version):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(entry.changed.wait(), HELD)
            entry = self._entries.setdefault(name, _Entry())
        told = {"version_info": str(entry.version), "type_url": _KIND, "resources": [_assignment(name, entry.members)]}
        return Response(200, json.dumps(told).encode(), {"Content-Type": "application/json"})


def asks(name: str) -> Json:
    """The part of a cluster of type EDS that has it ask for a name."""
    source = {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": [CLUSTER],
        "refresh_delay": "0.001s",
        "request_timeout": f"{2 * HELD:g}s",
    }
    return {"service_name": name, "eds_config": {"resource_api_version": "V3", "api_config_source": source}}


def config_of(folder: Path) -> Json:
    """The cluster by which an Envoy asks, for its static configuration; ``folder`` is that of the socket."""
    most = 100_000  # a question that is held is a connection
    limits = {"max_connections": most, "max_pending_requests": most, "max_requests": most}
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
    return {"@type": _KIND, "cluster_name": name, "endpoints": [{"lb_endpoints": hosts}] if hosts else []}
