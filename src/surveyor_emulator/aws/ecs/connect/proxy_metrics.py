"""Counters of proxies as CloudWatch metrics in AWS/ECS, once a minute; CloudWatch is moto's in the same process.

ECS Developer Guide, Amazon ECS service utilization and Service Connect metrics: incoming calls are counted by the
called task's proxy, under DiscoveryName; the metrics with TargetDiscoveryName are counted by the callers' proxies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from surveyor_emulator.aws.ecs.state import Task
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.envoy.admin import AdminUnavailable
from surveyor_emulator.runtime.service_connect.bootstrap import EGRESS, INGRESS
from surveyor_emulator.runtime.service_connect.sidecar import Sidecar

__all__ = ["collect_metrics", "counter_growth"]

PERIOD = 60.0  # service seconds
NAMESPACE = "AWS/ECS"
_STATISTICS = f"^(http|tcp)[.]({INGRESS}|{EGRESS})[.]|^cluster[.]{EGRESS}[.]"
# Metric -> the counter of a listener's statistics that it comes from, and its unit.
_RECEIVED = {
    "RequestCount": ("rq_total", "Count"),
    "NewConnectionCount": ("cx_total", "Count"),
    "ActiveConnectionCount": ("cx_active", "Count"),
    "ProcessedBytes": ("cx_rx_bytes_total", "Bytes"),
}
_GAUGES = {"ActiveConnectionCount"}
Dimensions = dict[str, str]
Datum = tuple[str, float, str, Dimensions]
"""Metric name, value, unit, dimensions."""


def collect_metrics(call: Call, task: Task, before: Mapping[str, int] | None = None, advance: int = -1) -> None:
    """Read the statistics of a task's proxy every minute, for as long as it runs."""
    clock = call.world.clock

    def read() -> None:
        # Within one advance of a clock that stands still there are no calls: there is nothing to read each minute.
        if clock.scale is None and clock.advances == advance and task.sidecar is not None:
            collect_metrics(call, task, before, advance)
        else:
            clock.run(_read(call, task, before or {}))

    clock.call_later(PERIOD, read)


async def _read(call: Call, task: Task, before: Mapping[str, int]) -> None:
    sidecar = task.sidecar
    if sidecar is None or task.service is None:
        return
    try:
        now = await sidecar.envoy.statistics(_STATISTICS)
    except AdminUnavailable as error:
        call.note("connect.metrics", task.id, str(error))
        now = before
    else:
        service = {"ClusterName": task.cluster.name, "ServiceName": task.service.name}
        _put(call, list(_data(sidecar, service, now, before)))
    collect_metrics(call, task, now, call.world.clock.advances)


def counter_growth(name: str, now: Mapping[str, int], before: Mapping[str, int]) -> float:
    """Return by how much a counter has grown; 0 if the proxy was restarted in between."""
    return float(max(0, now.get(name, 0) - before.get(name, 0)))


def _data(sidecar: Sidecar, service: Dimensions, now: Mapping[str, int], before: Mapping[str, int]) -> Iterator[Datum]:
    def growth(name: str) -> float:
        return counter_growth(name, now, before)

    for number, port in enumerate(sidecar.plan.inbound):
        kind = "tcp" if port.protocol == "tcp" else "http"
        own = {"DiscoveryName": port.discovery_name}
        for metric, (counter, unit) in _RECEIVED.items():
            name = f"{kind}.{INGRESS}.{number}.downstream_{counter}"
            value = float(now.get(name, 0)) if metric in _GAUGES else growth(name)
            for dimensions in (own, {**service, **own}):
                if kind == "http" or metric != "RequestCount":
                    yield metric, value, unit, dimensions
    for number, (endpoint, _) in enumerate(sidecar.plan.outbound):
        if endpoint.protocol == "tcp":
            continue
        target = {"TargetDiscoveryName": endpoint.discovery_name}
        for hundred in (2, 3, 4, 5):
            value = growth(f"http.{EGRESS}.{number}.downstream_rq_{hundred}xx")
            for dimensions in (target, {**service, **target}):
                yield f"HTTPCode_Target_{hundred}XX_Count", value, "Count", dimensions
        calls = growth(f"http.{EGRESS}.{number}.downstream_rq_total")
        hosts = max(1, now.get(f"cluster.{EGRESS}.{number}.membership_total", 1))
        for dimensions in (target, {**service, **target}):
            yield "RequestCountPerTarget", calls / hosts, "Count", dimensions


def _put(call: Call, data: list[Datum]) -> None:
    from moto.cloudwatch.models import cloudwatch_backends  # loaded only where proxies run

    moment = datetime.fromtimestamp(call.now, UTC).replace(tzinfo=None)  # moto compares moments without a zone
    cloudwatch_backends[call.account][call.region].put_metric_data(
        NAMESPACE,
        [
            {
                "MetricName": name,
                "Value": value,
                "Unit": unit,
                "Timestamp": moment,
                "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
            }
            for name, value, unit, dimensions in data
        ],
    )
