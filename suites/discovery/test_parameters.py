"""Narrowing discovery by attributes: QueryParameters must match, OptionalParameters should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.testing import Eventually, MakeService, RegisterAll, proves, timeouts

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


class Discover(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, **parameters: dict[str, str]) -> list[str]:
        """The ids that DiscoverInstances returns with these parameters, sorted."""


@pytest.fixture
def discover(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    eventually: Eventually,
    http_namespace: dict[str, Any],
) -> Discover:
    """Discovers in a service with two versions in two zones each; only v2 in zone b is on stage beta."""
    service = make_service(http_namespace)
    four = {f"{version}-{zone}": {"version": version, "zone": zone} for version in ("v1", "v2") for zone in "ab"}
    four["v2-b"]["stage"] = "beta"
    register_all(service, four)

    def ids(**parameters: Any) -> list[str]:
        names: dict[str, Any] = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
        return sorted(one["InstanceId"] for one in cloudmap.discover_instances(**names, **parameters)["Instances"])

    eventually(lambda: ids() == sorted(four), within=timeouts.DISCOVERY)
    return ids


@proves("discovery.query-parameters-must-all-match")
def test_instances_match_every_pair(discover: Discover) -> None:
    """One pair selects the instances that have it, two pairs those that have both."""
    assert discover(QueryParameters={"version": "v1"}) == ["v1-a", "v1-b"]
    assert discover(QueryParameters={"zone": "a"}) == ["v1-a", "v2-a"]
    assert discover(QueryParameters={"version": "v1", "zone": "a"}) == ["v1-a"]


@proves("discovery.query-parameters-must-all-match")
@pytest.mark.parametrize(
    "query", [{"version": "v3"}, {"owner": "v1"}, {"version": "v1", "stage": "beta"}, {"version": "v"}], ids=str
)
def test_no_match_is_an_empty_list(discover: Discover, query: dict[str, str]) -> None:
    """Pairs that no instance has all of give an empty list and no error; part of a value is no match."""
    assert discover(QueryParameters=query) == []


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_narrow_if_they_match(discover: Discover) -> None:
    """With an instance on stage beta only that one is returned, with and without QueryParameters."""
    beta = {"stage": "beta"}
    assert discover(OptionalParameters=beta) == ["v2-b"]
    assert discover(QueryParameters={"version": "v2"}, OptionalParameters=beta) == ["v2-b"]


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_are_ignored_otherwise(discover: Discover) -> None:
    """If no instance matches both filters, all that match QueryParameters are returned."""
    assert discover(OptionalParameters={"stage": "gamma"}) == ["v1-a", "v1-b", "v2-a", "v2-b"]
    # An instance is on stage beta, but it is not of version v1.
    assert discover(QueryParameters={"version": "v1"}, OptionalParameters={"stage": "beta"}) == ["v1-a", "v1-b"]


@proves("discovery.optional-parameters-are-dropped-if-nothing-matches")
def test_optional_parameters_do_not_loosen_the_query(discover: Discover) -> None:
    """What QueryParameters rules out stays out, though it matches OptionalParameters."""
    assert discover(QueryParameters={"version": "v3"}, OptionalParameters={"stage": "beta"}) == []
