"""Narrowing discovery by health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import Eventually, MakeService, RegisterAll, proves, timeouts

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


UP, DOWN = {"AWS_INIT_HEALTH_STATUS": "HEALTHY"}, {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}
FILTERS = ["HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"]


@pytest.fixture
def checked(make_service: MakeService, http_namespace: dict[str, Any]) -> dict[str, Any]:
    """A service with a custom health check."""
    return make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})


def discovered(cloudmap: ServiceDiscoveryClient, namespace: dict[str, Any], service: dict[str, Any], **how: Any) -> Any:
    """Ids and health of the instances that DiscoverInstances returns."""
    found = cloudmap.discover_instances(NamespaceName=namespace["Name"], ServiceName=service["Name"], **how)
    return {instance["InstanceId"]: instance["HealthStatus"] for instance in found["Instances"]}


@proves("discovery.health-filter-and-failing-open")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("HEALTHY", {"up": "HEALTHY"}),
        ("UNHEALTHY", {"down": "UNHEALTHY"}),
        ("ALL", {"up": "HEALTHY", "down": "UNHEALTHY"}),
        ("HEALTHY_OR_ELSE_ALL", {"up": "HEALTHY"}),
    ],
)
def test_each_value_selects_what_it_says(
    cloudmap: ServiceDiscoveryClient,
    register_all: RegisterAll,
    eventually: Eventually,
    http_namespace: dict[str, Any],
    checked: dict[str, Any],
    wanted: str,
    expected: dict[str, str],
) -> None:
    """Of one healthy and one unhealthy instance each value of HealthStatus returns those that it names."""
    register_all(checked, {"up": UP, "down": DOWN})
    eventually(
        lambda: len(discovered(cloudmap, http_namespace, checked, HealthStatus="ALL")) == 2, within=timeouts.DISCOVERY
    )
    assert discovered(cloudmap, http_namespace, checked, HealthStatus=wanted) == expected


@proves("discovery.health-filter-and-failing-open")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("HEALTHY", set()), ("UNHEALTHY", {"one", "other"}), ("HEALTHY_OR_ELSE_ALL", {"one", "other"})],
)
def test_filters_when_none_is_healthy(
    cloudmap: ServiceDiscoveryClient,
    register_all: RegisterAll,
    eventually: Eventually,
    http_namespace: dict[str, Any],
    checked: dict[str, Any],
    wanted: str,
    expected: set[str],
) -> None:
    """With all instances unhealthy HEALTHY returns none of them and HEALTHY_OR_ELSE_ALL all."""
    register_all(checked, {"one": DOWN, "other": DOWN})
    eventually(
        lambda: len(discovered(cloudmap, http_namespace, checked, HealthStatus="ALL")) == 2, within=timeouts.DISCOVERY
    )
    assert set(discovered(cloudmap, http_namespace, checked, HealthStatus=wanted)) == expected


@proves("discovery.healthy-by-default")
def test_healthy_ones_are_returned_unless_told(
    cloudmap: ServiceDiscoveryClient,
    register_all: RegisterAll,
    eventually: Eventually,
    http_namespace: dict[str, Any],
    checked: dict[str, Any],
) -> None:
    """Without HealthStatus, of one healthy and one unhealthy instance the healthy one is returned."""
    register_all(checked, {"up": UP, "down": DOWN})
    eventually(
        lambda: len(discovered(cloudmap, http_namespace, checked, HealthStatus="ALL")) == 2, within=timeouts.DISCOVERY
    )
    assert discovered(cloudmap, http_namespace, checked) == {"up": "HEALTHY"}


@proves("discovery.health-filter-is-ignored-without-check")
@pytest.mark.parametrize("wanted", FILTERS)
def test_filter_is_ignored_without_check(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    eventually: Eventually,
    http_namespace: dict[str, Any],
    wanted: str,
) -> None:
    """Where a service has no health check, every value of HealthStatus returns all its instances."""
    service = make_service(http_namespace)
    register_all(service, {"one": {"colour": "red"}, "other": {"colour": "red"}})
    eventually(lambda: len(discovered(cloudmap, http_namespace, service)) == 2, within=timeouts.DISCOVERY)
    assert set(discovered(cloudmap, http_namespace, service, HealthStatus=wanted)) == {"one", "other"}
