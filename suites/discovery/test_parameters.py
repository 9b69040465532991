"""DiscoverInstances filtered by attributes and health: QueryParameters must match, OptionalParameters should."""

import pytest

from surveyor.testing import for_each, proves, timeouts

UP, DOWN = {"AWS_INIT_HEALTH_STATUS": "HEALTHY"}, {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}


@pytest.fixture
def discoverable(cloudmap, register_all, eventually, http_namespace):
    """Register instances with a service, and return a function that discovers their ids."""

    def register_and_wait(service, instances):
        register_all(service, instances)
        names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}

        def ids(**parameters):
            found = cloudmap.discover_instances(**names, **parameters)["Instances"]
            return sorted(instance["InstanceId"] for instance in found)

        eventually(lambda: len(ids(HealthStatus="ALL")) == len(instances), within=timeouts.DISCOVERY)
        return ids

    return register_and_wait


@pytest.fixture
def discover(make_service, http_namespace, discoverable):
    """Discover instances of a service with two versions in two zones each; only v2 in zone b has the stage beta."""
    instances = {f"{version}-{zone}": {"version": version, "zone": zone} for version in ("v1", "v2") for zone in "ab"}
    instances["v2-b"]["stage"] = "beta"
    return discoverable(make_service(http_namespace), instances)


@pytest.fixture
def discover_checked(make_service, http_namespace, discoverable):
    """Discover instances with a custom check: v1 is up and down, v2 only up, v3 only down; two of v1 are beta."""
    instances = {
        "v1-up": {"version": "v1", **UP},
        "v1-up-beta": {"version": "v1", "stage": "beta", **UP},
        "v1-down-beta": {"version": "v1", "stage": "beta", **DOWN},
        "v1-down-gamma": {"version": "v1", "stage": "gamma", **DOWN},
        "v2-up": {"version": "v2", **UP},
        "v3-down": {"version": "v3", **DOWN},
    }
    return discoverable(make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1}), instances)


@proves("discovery.query-parameters-must-all-match")
def test_instances_match_every_pair(discover):
    """One pair selects the instances that have it, two or three pairs select those that have all."""
    # servicediscovery/DiscoverInstancesRequest.QueryParameters: "Only instances that match all the specified key-value
    # pairs are returned."
    assert discover(QueryParameters={"version": "v1"}) == ["v1-a", "v1-b"]
    assert discover(QueryParameters={"zone": "a"}) == ["v1-a", "v2-a"]
    assert discover(QueryParameters={"version": "v1", "zone": "a"}) == ["v1-a"]
    assert discover(QueryParameters={"version": "v2", "zone": "b", "stage": "beta"}) == ["v2-b"]


@proves("discovery.query-parameters-must-all-match")
@for_each(
    "query",
    {
        "other value": {"version": "v3"},
        "other key": {"owner": "v1"},
        "one of two": {"version": "v1", "stage": "beta"},
        "two of three": {"version": "v2", "zone": "a", "stage": "beta"},
        "prefix": {"version": "v"},
        "longer": {"version": "v1 "},
        "other case": {"version": "V1"},
        "key in other case": {"Version": "v1"},
        "empty": {"version": ""},
    },
)
def test_no_match_is_an_empty_list(discover, query):
    """If no instance has all pairs, the list is empty and there is no error; a part of a value does not match."""
    assert discover(QueryParameters=query) == []


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_filter_if_they_match(discover):
    """Only the instances that match both filters are returned, with and without QueryParameters."""
    beta = {"stage": "beta"}
    assert discover(OptionalParameters=beta) == ["v2-b"]
    assert discover(QueryParameters={"version": "v2"}, OptionalParameters=beta) == ["v2-b"]
    # "all of these instances are returned"
    assert discover(OptionalParameters={"zone": "a"}) == ["v1-a", "v2-a"]
    assert discover(QueryParameters={"zone": "b"}, OptionalParameters={"version": "v1"}) == ["v1-b"]


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_are_ignored_otherwise(discover):
    """If no instance matches both filters, all instances that match QueryParameters are returned."""
    assert discover(OptionalParameters={"stage": "gamma"}) == ["v1-a", "v1-b", "v2-a", "v2-b"]
    # The instance with the stage beta does not have the version v1.
    assert discover(QueryParameters={"version": "v1"}, OptionalParameters={"stage": "beta"}) == ["v1-a", "v1-b"]


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_do_not_loosen_the_query(discover):
    """An instance that does not match QueryParameters is not returned, even if it matches OptionalParameters."""
    assert discover(QueryParameters={"version": "v3"}, OptionalParameters={"stage": "beta"}) == []


@proves("discovery.filters-combine")
def test_query_and_health_must_both_match(discover_checked):
    """With QueryParameters and HealthStatus an instance must match both; without HealthStatus it must be healthy."""
    v1 = {"version": "v1"}
    healthy = ["v1-up", "v1-up-beta"]
    for status, expected in {
        "HEALTHY": healthy,
        "UNHEALTHY": ["v1-down-beta", "v1-down-gamma"],
        "ALL": ["v1-down-beta", "v1-down-gamma", *healthy],
        "HEALTHY_OR_ELSE_ALL": healthy,
    }.items():
        assert discover_checked(QueryParameters=v1, HealthStatus=status) == expected
    assert discover_checked(QueryParameters=v1) == healthy
    assert discover_checked(QueryParameters={"version": "v3"}, HealthStatus="HEALTHY") == []
    assert discover_checked(QueryParameters={"version": "v2"}, HealthStatus="UNHEALTHY") == []


@proves("discovery.filters-combine")
def test_optional_parameters_do_not_loosen_the_health(discover_checked):
    """If healthy instances match OptionalParameters, unhealthy ones that match are not returned with them."""
    v1, beta = {"version": "v1"}, {"stage": "beta"}
    assert discover_checked(OptionalParameters=beta, HealthStatus="HEALTHY") == ["v1-up-beta"]
    assert discover_checked(QueryParameters=v1, OptionalParameters=beta) == ["v1-up-beta"]
    assert discover_checked(QueryParameters=v1, OptionalParameters=beta, HealthStatus="UNHEALTHY") == ["v1-down-beta"]
    all_of_beta = discover_checked(QueryParameters=v1, OptionalParameters=beta, HealthStatus="ALL")
    assert all_of_beta == ["v1-down-beta", "v1-up-beta"]
    # No instance at all has the stage delta.
    assert discover_checked(QueryParameters=v1, OptionalParameters={"stage": "delta"}, HealthStatus="HEALTHY") == [
        "v1-up",
        "v1-up-beta",
    ]


@proves("discovery.filters-combine")
def test_failing_open_respects_the_query(make_service, http_namespace, discoverable):
    """With all instances unhealthy HEALTHY_OR_ELSE_ALL returns all instances that match QueryParameters."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    instances = {f"{colour}-{number}": {"colour": colour, **DOWN} for colour in ("red", "blue") for number in (1, 2)}
    discover = discoverable(service, instances)
    assert discover(QueryParameters={"colour": "red"}, HealthStatus="HEALTHY_OR_ELSE_ALL") == ["red-1", "red-2"]
    assert discover(QueryParameters={"colour": "red"}, HealthStatus="HEALTHY") == []


@proves("discovery.filters-combine")
def test_maximum_counts_the_instances_that_match(make_service, http_namespace, discoverable):
    """MaxResults limits what the filters have left: as many matching instances as there are, or as it says."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    instances = {
        f"{colour}-{word}-{number}": {"colour": colour, "size": "1", "number": str(number), **health}
        for colour in ("red", "blue")
        for word, health in (("up", UP), ("down", DOWN))
        for number in range(4)
    }
    discover = discoverable(service, instances)

    def of(*beginnings):
        return {instance for instance in instances if instance.startswith(beginnings)}

    red, large, zero = {"colour": "red"}, {"size": "2"}, {"number": "0"}
    for parameters, matching in (
        ({"HealthStatus": "HEALTHY"}, of("red-up", "blue-up")),
        ({"HealthStatus": "UNHEALTHY"}, of("red-down", "blue-down")),
        ({"HealthStatus": "HEALTHY_OR_ELSE_ALL"}, of("red-up", "blue-up")),
        ({"HealthStatus": "ALL", "QueryParameters": red}, of("red")),
        ({"HealthStatus": "HEALTHY", "QueryParameters": red}, of("red-up")),
        ({"HealthStatus": "HEALTHY", "QueryParameters": zero}, of("red-up-0", "blue-up-0")),
        ({"HealthStatus": "HEALTHY", "QueryParameters": {**red, **zero}}, of("red-up-0")),
        ({"HealthStatus": "UNHEALTHY", "OptionalParameters": red}, of("red-down")),
        ({"HealthStatus": "UNHEALTHY", "OptionalParameters": large}, of("red-down", "blue-down")),
    ):
        for maximum in {1, max(1, len(matching) - 1), len(matching), len(matching) + 1}:
            found = discover(MaxResults=maximum, **parameters)
            assert len(found) == min(maximum, len(matching))
            assert [entry for entry in found if entry not in matching] == []
            assert len(set(found)) == len(found)
