"""What a load balancer does, done by an Envoy: it looks after its targets and spreads requests over them.

Elastic Load Balancing, User Guide for Application Load Balancers: round robin; a target gets requests once a check has
passed; where all targets are unhealthy, requests go to all of them; what leaves a target group finishes its requests.
Nothing is tried twice.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surveyor_emulator.runtime.envoy import admin, running
from surveyor_emulator.runtime.envoy.admin import Silent
from surveyor_emulator.runtime.envoy.discovery import Discovery, asks, config_of
from surveyor_emulator.runtime.envoy.running import ADMIN, Envoy
from surveyor_emulator.runtime.tasks.supervisor import Supervisor

from .state import HealthCheck, LoadBalancer, TargetGroup

__all__ = ["healthy", "start", "tell"]

IDLE = 60.0
"""idle_timeout.timeout_seconds, unless it is changed."""

_TYPE = "type.googleapis.com/envoy.extensions.filters"
Json = dict[str, Any]


def tell(group: TargetGroup, discovery: Discovery) -> None:
    """Have proxies hear of the targets that requests may go to."""
    there = sorted((one.address, one.port) for one in group.targets.values() if one.state != "draining")
    discovery.put(group.arn, there)


async def start(supervisor: Supervisor, discovery: Discovery, of: LoadBalancer, second: float) -> Envoy:
    """Start the proxy of a load balancer as its listeners are now. Raises CannotStart.

    ``second``: wall seconds of a service second.
    """
    supervisor.warm()
    folder = supervisor.folder / f"balancer-{of.arn.rpartition('/')[2]}-{of.version}"
    folder.mkdir(mode=0o700)
    await discovery.listen(supervisor.folder)
    for listener in of.listeners:
        tell(listener.group, discovery)
    return await running.start(supervisor, _render(of, folder, second), folder)


async def healthy(of: Envoy) -> dict[str, set[tuple[str, int]]]:
    """Cluster -> targets whose checks pass, as the proxy sees them now. Raises Silent."""
    status, body = await admin.ask(of.folder / ADMIN, "/clusters?format=json")
    if status != 200:
        raise Silent(f"clusters: status {status}")
    found: dict[str, set[tuple[str, int]]] = {}
    for cluster in json.loads(body).get("cluster_statuses", ()):
        there = found.setdefault(cluster["name"], set())
        for host in cluster.get("host_statuses", ()):
            health = host["health_status"]
            if health.get("failed_active_health_check") or health.get("pending_active_hc"):
                continue
            place = host["address"].get("socket_address")
            if place is None:  # where it asks for its targets is none
                continue
            there.add((place["address"], place["port_value"]))
    return found


def _render(of: LoadBalancer, folder: Path, second: float) -> str:
    groups = {id(one.group): one.group for one in of.listeners}
    return json.dumps(
        {
            "node": {"id": of.name, "cluster": "load-balancer"},
            "admin": {"address": {"pipe": {"path": str(folder / ADMIN)}}},
            "static_resources": {
                "listeners": [_listener(of.address, one.port, one.group, second) for one in of.listeners],
                "clusters": [config_of(folder.parent), *(_cluster(one, second) for one in groups.values())],
            },
        }
    )


def _listener(address: str, port: int, group: TargetGroup, second: float) -> Json:
    manager = {
        "@type": f"{_TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": f"listener.{port}",
        "common_http_protocol_options": {"idle_timeout": _seconds(IDLE, second)},
        "stream_idle_timeout": _seconds(IDLE, second),
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": group.name, "timeout": "0s"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_TYPE}.http.router.v3.Router"}}
        ],
    }
    return {
        "name": f"listener.{port}",
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }


def _cluster(group: TargetGroup, second: float) -> Json:
    return {
        "name": group.name,
        "type": "EDS",
        "eds_cluster_config": asks(group.arn),
        "lb_policy": "ROUND_ROBIN",
        "connect_timeout": _seconds(10, second),
        "health_checks": [_check(group.check, second)],
        # What is taken out gets nothing new, well or not.
        "ignore_health_on_host_removal": True,
        # All of them only where none is healthy; what checks say counts at once, not after a wall second.
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}, "update_merge_window": "0s"},
    }


def _check(of: HealthCheck, second: float) -> Json:
    return {
        "timeout": _seconds(of.timeout, second),
        "interval": _seconds(of.interval, second),
        "no_traffic_interval": _seconds(of.interval, second),
        "healthy_threshold": of.healthy,
        "unhealthy_threshold": of.unhealthy,
        "http_health_check": {"path": of.path},
    }


def _seconds(service: float, second: float) -> str:
    return f"{service * second:.4f}s"
