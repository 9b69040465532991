"""DiscoverInstances filtered by attributes: QueryParameters must match, OptionalParameters should."""

import pytest

from surveyor.testing import proves, timeouts


@pytest.fixture
def discover(cloudmap, make_service, register_all, eventually, http_namespace):
    """Discover instances of a service with two versions in two zones each; only v2 in zone b has the stage beta."""
    service = make_service(http_namespace)
    instances = {f"{version}-{zone}": {"version": version, "zone": zone} for version in ("v1", "v2") for zone in "ab"}
    instances["v2-b"]["stage"] = "beta"
    register_all(service, instances)

    def ids(**parameters):
        names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
        found = cloudmap.discover_instances(**names, **parameters)["Instances"]
        return sorted(instance["InstanceId"] for instance in found)

    eventually(lambda: ids() == sorted(instances), within=timeouts.DISCOVERY)
    return ids


@proves("discovery.query-parameters-must-all-match")
def test_instances_match_every_pair(discover):
    """One pair selects the instances that have it, two pairs select those that have both."""
    assert discover(QueryParameters={"version": "v1"}) == ["v1-a", "v1-b"]
    assert discover(QueryParameters={"zone": "a"}) == ["v1-a", "v2-a"]
    assert discover(QueryParameters={"version": "v1", "zone": "a"}) == ["v1-a"]


@proves("discovery.query-parameters-must-all-match")
@pytest.mark.parametrize(
    "query", [{"version": "v3"}, {"owner": "v1"}, {"version": "v1", "stage": "beta"}, {"version": "v"}], ids=str
)
def test_no_match_is_an_empty_list(discover, query):
    """If no instance has all pairs, the list is empty and there is no error; a part of a value does not match."""
    assert discover(QueryParameters=query) == []


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_filter_if_they_match(discover):
    """Only the instance with the stage beta is returned, with and without QueryParameters."""
    beta = {"stage": "beta"}
    assert discover(OptionalParameters=beta) == ["v2-b"]
    assert discover(QueryParameters={"version": "v2"}, OptionalParameters=beta) == ["v2-b"]


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
