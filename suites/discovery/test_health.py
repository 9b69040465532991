"""DiscoverInstances filtered by health."""

import pytest

from surveyor.testing import proves, timeouts

UP, DOWN = {"AWS_INIT_HEALTH_STATUS": "HEALTHY"}, {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}
FILTERS = ["HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"]


@pytest.fixture
def checked_service(make_service, http_namespace):
    """Return a service with a custom health check."""
    return make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})


def discovered(cloudmap, namespace, service, **params):
    """Return ids and health of the instances that DiscoverInstances returns."""
    found = cloudmap.discover_instances(NamespaceName=namespace["Name"], ServiceName=service["Name"], **params)
    return {instance["InstanceId"]: instance["HealthStatus"] for instance in found["Instances"]}


@proves("discovery.health-filter-and-failing-open")
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("HEALTHY", {"up": "HEALTHY"}),
        ("UNHEALTHY", {"down": "UNHEALTHY"}),
        ("ALL", {"up": "HEALTHY", "down": "UNHEALTHY"}),
        ("HEALTHY_OR_ELSE_ALL", {"up": "HEALTHY"}),
    ],
)
def test_each_value_selects_instances_by_health(
    cloudmap, register_all, eventually, http_namespace, checked_service, status, expected
):
    """With one healthy and one unhealthy instance each value of HealthStatus returns the instances that it names."""
    register_all(checked_service, {"up": UP, "down": DOWN})
    eventually(
        lambda: len(discovered(cloudmap, http_namespace, checked_service, HealthStatus="ALL")) == 2,
        within=timeouts.DISCOVERY,
    )
    assert discovered(cloudmap, http_namespace, checked_service, HealthStatus=status) == expected


@proves("discovery.health-filter-and-failing-open")
@pytest.mark.parametrize(
    ("status", "expected"),
    [("HEALTHY", set()), ("UNHEALTHY", {"i-1", "i-2"}), ("HEALTHY_OR_ELSE_ALL", {"i-1", "i-2"})],
)
def test_filters_when_none_is_healthy(
    cloudmap, register_all, eventually, http_namespace, checked_service, status, expected
):
    """With all instances unhealthy HEALTHY returns none of them and HEALTHY_OR_ELSE_ALL all of them."""
    register_all(checked_service, {"i-1": DOWN, "i-2": DOWN})
    eventually(
        lambda: len(discovered(cloudmap, http_namespace, checked_service, HealthStatus="ALL")) == 2,
        within=timeouts.DISCOVERY,
    )
    assert set(discovered(cloudmap, http_namespace, checked_service, HealthStatus=status)) == expected


@proves("discovery.healthy-by-default")
def test_healthy_instances_are_returned_by_default(cloudmap, register_all, eventually, http_namespace, checked_service):
    """Without HealthStatus only the healthy instance is returned."""
    register_all(checked_service, {"up": UP, "down": DOWN})
    eventually(
        lambda: len(discovered(cloudmap, http_namespace, checked_service, HealthStatus="ALL")) == 2,
        within=timeouts.DISCOVERY,
    )
    assert discovered(cloudmap, http_namespace, checked_service) == {"up": "HEALTHY"}


@proves("discovery.health-filter-is-ignored-without-check")
@pytest.mark.parametrize("status", FILTERS)
def test_filter_is_ignored_without_check(cloudmap, make_service, register_all, eventually, http_namespace, status):
    """If a service has no health check, every value of HealthStatus returns all its instances."""
    service = make_service(http_namespace)
    register_all(service, {"i-1": {"colour": "red"}, "i-2": {"colour": "red"}})
    eventually(lambda: len(discovered(cloudmap, http_namespace, service)) == 2, within=timeouts.DISCOVERY)
    assert set(discovered(cloudmap, http_namespace, service, HealthStatus=status)) == {"i-1", "i-2"}
