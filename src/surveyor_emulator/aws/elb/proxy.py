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
from surveyor_emulator.runtime.envoy.discovery import (
    Discovery,
    Member,
    discovery_cluster,
    endpoint_source,
    share_match,
    shares_layer,
)
from surveyor_emulator.runtime.envoy.running import ADMIN, Envoy
from surveyor_emulator.runtime.tasks.supervisor import Supervisor

from .state import Listener, LoadBalancer, Rule, TargetGroup, TargetHealthCheck

__all__ = ["find_healthy_targets", "publish_targets", "share_key", "start"]

IDLE_TIMEOUT = 60.0
"""The default of idle_timeout.timeout_seconds (service seconds)."""

_TYPE = "type.googleapis.com/envoy.extensions.filters"
Json = dict[str, Any]


def share_key(rule: Rule) -> str:
    """Return the key of the share of a rule's alternate target group."""
    return f"rule.{rule.arn}"


def publish_targets(group: TargetGroup, discovery: Discovery) -> None:
    """Send the targets that may get requests to the proxies."""
    active = sorted(
        Member(target.address, target.port) for target in group.targets.values() if target.state != "draining"
    )
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
        for group in listener.groups:
            publish_targets(group, discovery)
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
    groups = dict.fromkeys(group for listener in load_balancer.listeners for group in listener.groups)
    return json.dumps(
        {
            "node": {"id": load_balancer.name, "cluster": "load-balancer"},
            "layered_runtime": {"layers": [shares_layer()]},
            "admin": {"address": {"pipe": {"path": str(folder / ADMIN)}}},
            "static_resources": {
                "listeners": [
                    _listener(load_balancer.address, listener, second) for listener in load_balancer.listeners
                ],
                "clusters": [
                    discovery_cluster(folder.parent),
                    *(_cluster(group, second) for group in groups),
                ],
            },
        }
    )


def _listener(address: str, listener: Listener, second: float) -> Json:
    port = listener.port
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
                    "routes": [route for rule in listener.rules for route in _routes(rule)],
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


def _routes(rule: Rule) -> list[Json]:
    """Return the routes of a rule: the share of the alternate target group first."""
    match = {"prefix": rule.prefix}
    routes: list[Json] = [{"match": match, "route": {"cluster": rule.group.name, "timeout": "0s"}}]
    if rule.alternate is not None:
        shifted = {**match, **share_match(share_key(rule))}
        routes.insert(0, {"match": shifted, "route": {"cluster": rule.alternate.name, "timeout": "0s"}})
    return routes


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
