"""Mutations of Service Connect: names, endpoints, the configuration of proxies, their metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from surveyor_emulator.aws.ecs.connect import cloudmap_calls, endpoints, proxies, proxy_metrics
from surveyor_emulator.aws.ecs.deployments import traffic
from surveyor_emulator.aws.ecs.lookup import find_published
from surveyor_emulator.aws.ecs.state import ConnectConfiguration, Deployment, PublishedEndpoint, Service, Task
from surveyor_emulator.aws.ecs.tasks import environment
from surveyor_emulator.core.settings import ProxyDrain
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.service_connect import bootstrap
from surveyor_emulator.runtime.service_connect.bootstrap import Json
from surveyor_emulator.runtime.service_connect.values import REQUEST_TIMEOUT, Plan
from surveyor_emulator.runtime.task_runtime import runtime

from .registry import Patches, mutation

__all__ = [
    "accepts_http_1_0",
    "counts_twice",
    "ignores_networks",
    "logs_query_parameters",
    "names_elsewhere",
    "never_drains",
    "never_ejects",
    "never_idle",
    "never_retries",
    "never_rotates",
    "never_strands",
    "never_times_out",
    "no_test_traffic",
    "old_tls",
    "picks_at_random",
    "resolves_discovery_names",
    "sees_later_endpoints",
    "times_everything",
    "withholds_nothing",
]

NOWHERE = "192.0.2.1"
"""An address that is reserved for documentation (RFC 5737)."""


@mutation("names-elsewhere")
def names_elsewhere(patches: Patches) -> None:
    """Have the names of endpoints lead to `NOWHERE` instead of the proxy."""

    def names_of_nowhere(call: Call, task: Task) -> Mapping[str, Sequence[str]]:
        return dict.fromkeys(task.connect_names, (NOWHERE,))

    patches.replace(environment.names_of, names_of_nowhere)


@mutation("resolves-discovery-names")
def resolves_discovery_names(patches: Patches) -> None:
    """Give discovery names an address too, beside the names of client aliases."""
    place = proxies.assign_addresses

    def place_with_discovery_names(call: Call, task: Task) -> None:
        place(call, task)
        if task.template.connect is not None:
            for endpoint in proxies.reachable_endpoints(task):
                task.connect_names.setdefault(endpoint.discovery_name, "127.0.0.1")

    patches.replace(place, place_with_discovery_names)


@mutation("sees-later-endpoints")
def sees_later_endpoints(patches: Patches) -> None:
    """Let each new task reach all endpoints of today, not those from when its deployment began."""
    place = proxies.assign_addresses

    def place_with_endpoints_of_today(call: Call, task: Task) -> None:
        connect, deployment = task.template.connect, task.deployment
        if connect is not None and deployment is not None:
            published = find_published(call, connect.owner, connect.namespace_id)
            deployment.endpoints = tuple(entry.endpoint for entry in published)
        place(call, task)

    patches.replace(place, place_with_endpoints_of_today)


@mutation("withholds-nothing")
def withholds_nothing(patches: Patches) -> None:
    """Send calls to tasks whose checks have not passed yet."""

    def never_withheld(task: Task) -> bool:
        return False

    patches.replace(endpoints.is_withheld_at_first, never_withheld)


@mutation("ignores-networks")
def ignores_networks(patches: Patches) -> None:
    """Reach tasks of other VPCs without a path there."""

    def always_a_path(published: PublishedEndpoint, instance: str, network: str) -> bool:
        return True

    patches.replace(endpoints.has_path, always_a_path)


@mutation("never-strands")
def never_strands(patches: Patches) -> None:
    """Keep access to a shared namespace after the share was revoked."""

    def always_access(call: Call, connect: ConnectConfiguration) -> bool:
        return True

    patches.replace(cloudmap_calls.has_access, always_access)


@mutation("no-test-traffic")
def no_test_traffic(patches: Patches) -> None:
    """Send calls with the test header to the old tasks, as all others."""

    def shift_nothing(call: Call, service: Service, deployment: Deployment) -> None:
        return None

    patches.replace(traffic.shift_test_traffic, shift_nothing)


@mutation("never-drains")
def never_drains(patches: Patches) -> None:
    """Stop the proxy of a task as soon as its containers get SIGTERM."""

    def stop_at_once(call: Call, task: Task, moment: ProxyDrain, then: Callable[[], object]) -> None:
        if task.sidecar is not None:
            call.world.clock.run(task.sidecar.envoy.stop(runtime(call.world).supervisor))
        then()

    patches.replace(proxies.drain, stop_at_once)


@mutation("never-rotates")
def never_rotates(patches: Patches) -> None:
    """Keep the first certificate of each proxy."""

    def keep_certificates(call: Call, task: Task, connect: ConnectConfiguration, folder: Path) -> None:
        return None

    patches.replace(proxies.rotate_certificates, keep_certificates)


@mutation("counts-twice")
def counts_twice(patches: Patches) -> None:
    """Double every counter in CloudWatch."""
    counter_growth = proxy_metrics.counter_growth

    def doubled(name: str, now: Mapping[str, int], before: Mapping[str, int]) -> float:
        return 2 * counter_growth(name, now, before)

    patches.replace(counter_growth, doubled)


@mutation("picks-at-random")
def picks_at_random(patches: Patches) -> None:
    """Balance at random instead of round robin."""

    def change(part: Json) -> None:
        if "lb_policy" in part:
            part["lb_policy"] = "RANDOM"

    _change_configuration(patches, change)


@mutation("never-ejects")
def never_ejects(patches: Patches) -> None:
    """Keep calling hosts that fail."""

    def change(part: Json) -> None:
        part.pop("outlier_detection", None)

    _change_configuration(patches, change)


@mutation("never-retries")
def never_retries(patches: Patches) -> None:
    """Try each call once."""

    def change(part: Json) -> None:
        part.pop("retry_policy", None)
        part.pop("max_connect_attempts", None)

    _change_configuration(patches, change)


@mutation("never-times-out")
def never_times_out(patches: Patches) -> None:
    """Wait for responses without limit."""

    def change(part: Json) -> None:
        if "retry_policy" in part:
            part["timeout"] = "0s"

    _change_configuration(patches, change)


@mutation("never-idle")
def never_idle(patches: Patches) -> None:
    """Keep idle connections without limit."""

    def change(part: Json) -> None:
        if "idle_timeout" in part:
            part["idle_timeout"] = "0s"

    _change_configuration(patches, change)


@mutation("accepts-http-1.0")
def accepts_http_1_0(patches: Patches) -> None:
    """Accept HTTP 1.0."""

    def change(part: Json) -> None:
        if "http_filters" in part:
            part["http_protocol_options"] = {"accept_http_10": True, "default_host_for_http_10": "localhost"}

    _change_configuration(patches, change)


@mutation("old-tls")
def old_tls(patches: Patches) -> None:
    """Accept TLS 1.2."""

    def change(part: Json) -> None:
        if "tls_minimum_protocol_version" in part:
            part["tls_minimum_protocol_version"] = "TLSv1_2"

    _change_configuration(patches, change)


@mutation("logs-query-parameters")
def logs_query_parameters(patches: Patches) -> None:
    """Write query parameters to access logs that exclude them."""

    def change(part: Json) -> None:
        if part.get("path") == "%PATH(NQ)%":
            part["path"] = "%REQ(:PATH)%"

    _change_configuration(patches, change)


@mutation("times-everything")
def times_everything(patches: Patches) -> None:
    """Have the callee's proxy limit the time of requests too."""

    def inbound_timeout(plan: Plan) -> str:
        return bootstrap.wall_duration(REQUEST_TIMEOUT, plan)

    patches.replace(bootstrap.inbound_timeout, inbound_timeout)


def _change_configuration(patches: Patches, change: Callable[[Json], object]) -> None:
    """Apply ``change`` to each object of the proxies' configuration, outer ones first."""
    configuration = bootstrap.configuration

    def changed_configuration(plan: Plan, folder: Path) -> Json:
        document = configuration(plan, folder)
        for part in list(_objects_in(document)):
            change(part)
        return document

    patches.replace(configuration, changed_configuration)


def _objects_in(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        yield from _objects_in(member)
