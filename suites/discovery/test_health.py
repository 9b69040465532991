"""DiscoverInstances filtered by health."""

import pytest

from surveyor.testing import for_each, proves, raises, timeouts

UP, DOWN = {"AWS_INIT_HEALTH_STATUS": "HEALTHY"}, {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}
FILTERS = ["HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"]


@pytest.fixture
def discoverable(cloudmap, make_service, register_all, eventually, http_namespace):
    """Register instances with a new service, and return a function that discovers them: id -> health."""

    def register_and_wait(instances, **settings):
        service = make_service(http_namespace, **settings)
        register_all(service, instances)
        names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}

        def discover(**params):
            found = cloudmap.discover_instances(**names, **params)
            return {instance["InstanceId"]: instance["HealthStatus"] for instance in found["Instances"]}

        eventually(lambda: len(discover(HealthStatus="ALL")) == len(instances), within=timeouts.DISCOVERY)
        return discover

    return register_and_wait


@pytest.fixture
def discover_checked(discoverable):
    """Register instances with a service that has a custom health check."""
    return lambda instances: discoverable(instances, HealthCheckCustomConfig={"FailureThreshold": 1})


@proves("discovery.health-filter-and-failing-open")
@for_each(
    "instances, healthy, unhealthy",
    {
        "some": ({"up-1": UP, "up-2": UP, "down-1": DOWN, "down-2": DOWN}, ["up-1", "up-2"], ["down-1", "down-2"]),
        "one healthy": ({"up": UP, "down-1": DOWN, "down-2": DOWN}, ["up"], ["down-1", "down-2"]),
        "all healthy": ({"up-1": UP, "up-2": UP}, ["up-1", "up-2"], []),
        "none healthy": ({"down-1": DOWN, "down-2": DOWN}, [], ["down-1", "down-2"]),
        "no instance": ({}, [], []),
    },
)
def test_each_value_selects_instances_by_health(discover_checked, instances, healthy, unhealthy):
    """Each value of HealthStatus returns the instances that it names; HEALTHY_OR_ELSE_ALL returns all if none is up."""
    discover = discover_checked(instances)
    up, down = dict.fromkeys(healthy, "HEALTHY"), dict.fromkeys(unhealthy, "UNHEALTHY")
    for status, expected in {
        "HEALTHY": up,
        "UNHEALTHY": down,
        "ALL": {**up, **down},
        # "Returns healthy instances, unless none are reporting a healthy state. In that case, return all instances."
        "HEALTHY_OR_ELSE_ALL": up or down,
    }.items():
        assert discover(HealthStatus=status) == expected


@proves("discovery.health-filter-and-failing-open")
def test_other_values_are_refused(cloudmap, make_service, http_namespace):
    """A value that is no member of the filter, such as the status UNKNOWN, is refused with InvalidInput."""
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": make_service(http_namespace)["Name"]}
    for status in ("UNKNOWN", "healthy", ""):
        with raises("InvalidInput"):
            cloudmap.discover_instances(**names, HealthStatus=status)


@proves("discovery.healthy-by-default")
def test_healthy_instances_are_returned_by_default(discover_checked):
    """Without HealthStatus only the healthy instances are returned."""
    discover = discover_checked({"up-1": UP, "up-2": UP, "unset": {"colour": "red"}, "down-1": DOWN, "down-2": DOWN})
    assert discover() == dict.fromkeys(["up-1", "up-2", "unset"], "HEALTHY")


@proves("discovery.health-filter-is-ignored-without-check")
def test_filter_is_ignored_without_check(discoverable):
    """If a service has no health check, every value of HealthStatus returns all instances that match the query."""
    discover = discoverable({"i-1": {"colour": "red", **DOWN}, "i-2": {"colour": "red", **UP}, "i-3": {"size": "1"}})
    for status in FILTERS:
        assert set(discover(HealthStatus=status)) == {"i-1", "i-2", "i-3"}
        assert set(discover(HealthStatus=status, QueryParameters={"colour": "red"})) == {"i-1", "i-2"}
    assert set(discover()) == {"i-1", "i-2", "i-3"}


@proves("discovery.health-filter-covers-route53-checks")
def test_filter_is_applied_to_route53_checks(discoverable, eventually):
    """In a service with a Route 53 check an instance that is healthy is not among the unhealthy ones."""
    # Route 53 does not check private and documentation ranges; this is a name server of Route 53.
    server = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}
    discover = discoverable({"i-1": server}, HealthCheckConfig={"Type": "TCP"})
    eventually(lambda: discover() == {"i-1": "HEALTHY"}, within=timeouts.DISCOVERY)
    for status in ("HEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"):
        assert discover(HealthStatus=status) == {"i-1": "HEALTHY"}
    assert discover(HealthStatus="UNHEALTHY") == {}
