"""DiscoverInstances filtered by attributes: QueryParameters must match, OptionalParameters should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.testing import Eventually, MakeService, RegisterAll, proves, timeouts

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


class Discover(Protocol):
    """Return the sorted ids that DiscoverInstances returns with these parameters."""

    def __call__(self, **parameters: dict[str, str]) -> list[str]:
        """`discover(**parameters)`."""


@pytest.fixture
def discover(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    eventually: Eventually,
    http_namespace: dict[str, Any],
) -> Discover:
    """Discover instances of a service with two versions in two zones each; only v2 in zone b has the stage beta."""
    service = make_service(http_namespace)
    instances = {f"{version}-{zone}": {"version": version, "zone": zone} for version in ("v1", "v2") for zone in "ab"}
    instances["v2-b"]["stage"] = "beta"
    register_all(service, instances)

    def ids(**parameters: Any) -> list[str]:
        names: dict[str, Any] = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
        found = cloudmap.discover_instances(**names, **parameters)["Instances"]
        return sorted(instance["InstanceId"] for instance in found)

    eventually(lambda: ids() == sorted(instances), within=timeouts.DISCOVERY)
    return ids


@proves("discovery.query-parameters-must-all-match")
def test_instances_match_every_pair(discover: Discover) -> None:
    """One pair selects the instances that have it, two pairs select those that have both."""
    assert discover(QueryParameters={"version": "v1"}) == ["v1-a", "v1-b"]
    assert discover(QueryParameters={"zone": "a"}) == ["v1-a", "v2-a"]
    assert discover(QueryParameters={"version": "v1", "zone": "a"}) == ["v1-a"]


@proves("discovery.query-parameters-must-all-match")
@pytest.mark.parametrize(
    "query", [{"version": "v3"}, {"owner": "v1"}, {"version": "v1", "stage": "beta"}, {"version": "v"}], ids=str
)
def test_no_match_is_an_empty_list(discover: Discover, query: dict[str, str]) -> None:
    """If no instance has all pairs, the list is empty and there is no error; a part of a value does not match."""
    assert discover(QueryParameters=query) == []


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_filter_if_they_match(discover: Discover) -> None:
    """Only the instance with the stage beta is returned, with and without QueryParameters."""
    beta = {"stage": "beta"}
    assert discover(OptionalParameters=beta) == ["v2-b"]
    assert discover(QueryParameters={"version": "v2"}, OptionalParameters=beta) == ["v2-b"]


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_are_ignored_otherwise(discover: Discover) -> None:
    """If no instance matches both filters, all instances that match QueryParameters are returned."""
    assert discover(OptionalParameters={"stage": "gamma"}) == ["v1-a", "v1-b", "v2-a", "v2-b"]
    # The instance with the stage beta does not have the version v1.
    assert discover(QueryParameters={"version": "v1"}, OptionalParameters={"stage": "beta"}) == ["v1-a", "v1-b"]


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_do_not_loosen_the_query(discover: Discover) -> None:
    """An instance that does not match QueryParameters is not returned, even if it matches OptionalParameters."""
    assert discover(QueryParameters={"version": "v3"}, OptionalParameters={"stage": "beta"}) == []
