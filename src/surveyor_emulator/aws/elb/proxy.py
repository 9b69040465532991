"""The Envoy that does the work of a load balancer: it checks the targets and distributes requests over them.

Elastic Load Balancing, User Guide for Application Load Balancers: round robin; a target gets requests once a check has
passed; where all targets are unhealthy, requests go to all of them; a target that leaves its group finishes its
requests. No request is retried.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surveyor_emulator.runtime.envoy import admin, running
from surveyor_emulator.runtime.envoy.admin import AdminUnavailable
from surveyor_emulator.runtime.envoy.discovery import Discovery, discovery_cluster, endpoint_source
from surveyor_emulator.runtime.envoy.running import ADMIN, Envoy
from surveyor_emulator.runtime.tasks.supervisor import Supervisor

from .state import LoadBalancer, TargetGroup, TargetHealthCheck

__all__ = ["find_healthy_targets", "publish_targets", "start"]

IDLE_TIMEOUT = 60.0
"""The default of idle_timeout.timeout_seconds (service seconds)."""

_TYPE = "type.googleapis.com/envoy.extensions.filters"
Json = dict[str, Any]


def publish_targets(group: TargetGroup, discovery: Discovery) -> None:
    """Send the targets that may get requests to the proxies."""
    active = sorted((target.address, target.port) for target in group.targets.values() if target.state != "draining")
    discovery.put(group.arn, active)


async def start(supervisor: Supervisor, discovery: Discovery, load_balancer: LoadBalancer, second: float) -> Envoy:
    """Start the proxy of a load balancer with its current listeners. Raises CannotStart.

    ``second``: wall seconds of a service second.
    """
    supervisor.warm()
    identity = load_balancer.arn.rpartition("/")[2]
    folder = supervisor.folder / f"balancer-{identity}-{load_balancer.version}"
    folder.mkdir(mode=0o700)
    await discovery.listen(supervisor.folder)
    for listener in load_balancer.listeners:
        publish_targets(listener.group, discovery)
    return await running.start(
        supervisor, _render(load_balancer, folder, second), folder, address=load_balancer.address
    )


async def find_healthy_targets(envoy: Envoy) -> dict[str, set[tuple[str, int]]]:
    """Return name of target group -> (address, port) of the targets whose checks pass. Raises AdminUnavailable."""
    status, body = await admin.ask(envoy.folder / ADMIN, "/clusters?format=json")
    if status != 200:
        raise AdminUnavailable(f"clusters: status {status}")
    healthy: dict[str, set[tuple[str, int]]] = {}
    for cluster in json.loads(body).get("cluster_statuses", ()):
        endpoints = healthy.setdefault(cluster["name"], set())
        for host in cluster.get("host_statuses", ()):
            health = host["health_status"]
            if health.get("failed_active_health_check") or health.get("pending_active_hc"):
                continue
            address = host["address"].get("socket_address")
            if address is None:  # the discovery service has a pipe instead
                continue
            endpoints.add((address["address"], address["port_value"]))
    return healthy


def _render(load_balancer: LoadBalancer, folder: Path, second: float) -> str:
    groups = {id(listener.group): listener.group for listener in load_balancer.listeners}
    return json.dumps(
        {
            "node": {"id": load_balancer.name, "cluster": "load-balancer"},
            "admin": {"address": {"pipe": {"path": str(folder / ADMIN)}}},
            "static_resources": {
                "listeners": [
                    _listener(load_balancer.address, listener.port, listener.group, second)
                    for listener in load_balancer.listeners
                ],
                "clusters": [
                    discovery_cluster(folder.parent),
                    *(_cluster(group, second) for group in groups.values()),
                ],
            },
        }
    )


def _listener(address: str, port: int, group: TargetGroup, second: float) -> Json:
    manager = {
        "@type": f"{_TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": f"listener.{port}",
        "common_http_protocol_options": {"idle_timeout": _wall_seconds(IDLE_TIMEOUT, second)},
        "stream_idle_timeout": _wall_seconds(IDLE_TIMEOUT, second),
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
        "eds_cluster_config": endpoint_source(group.arn),
        "lb_policy": "ROUND_ROBIN",
        "connect_timeout": _wall_seconds(10, second),
        "health_checks": [_check(group.check, second)],
        # A target that was removed gets no new requests, healthy or not.
        "ignore_health_on_host_removal": True,
        # Requests go to unhealthy targets only if none is healthy; results of checks count at once, not after a second.
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}, "update_merge_window": "0s"},
    }


def _check(check: TargetHealthCheck, second: float) -> Json:
    return {
        "timeout": _wall_seconds(check.timeout, second),
        "interval": _wall_seconds(check.interval, second),
        "no_traffic_interval": _wall_seconds(check.interval, second),
        "healthy_threshold": check.healthy_threshold,
        "unhealthy_threshold": check.unhealthy_threshold,
        "http_health_check": {"path": check.path},
    }


def _wall_seconds(seconds: float, second: float) -> str:
    """Return service seconds as a duration in wall seconds."""
    return f"{seconds * second:.4f}s"
