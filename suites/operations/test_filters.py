"""Filters of ListOperations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor.testing import MakeService, UniqueName, WaitForOperation, proves, raises

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


A: Any = {"DnsRecords": [{"Type": "A", "TTL": 60}]}


class Listed(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, **filter_: Any) -> dict[str, str]:
        """`listed(Name=…, Values=…, Condition=…)`: id and status of the operations that the filter selects."""


@pytest.fixture
def listed(cloudmap: ServiceDiscoveryClient) -> Listed:
    """Lists operations by one filter, all pages of them."""

    def look(**filter_: Any) -> dict[str, str]:
        pages = cloudmap.get_paginator("list_operations").paginate(Filters=[filter_])  # type: ignore[list-item]  # plain dicts, as readers write them
        return {one["Id"]: one["Status"] for page in pages for one in page["Operations"]}

    return look


@pytest.fixture
def created(
    cloudmap: ServiceDiscoveryClient, wait_for_success: WaitForOperation, unique_name: UniqueName
) -> dict[str, Any]:
    """A CREATE_NAMESPACE operation that has succeeded."""
    return wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))


@proves("operations.filter.success-selects-successful")
def test_success_selects_what_has_succeeded(
    cloudmap: ServiceDiscoveryClient, listed: Listed, created: dict[str, Any], unique_name: UniqueName
) -> None:
    """STATUS with SUCCESS lists an operation that has succeeded and none of another status; FAIL does not list it."""
    cloudmap.create_http_namespace(Name=unique_name("ns"))  # may still be at work
    successful = listed(Name="STATUS", Values=["SUCCESS"], Condition="EQ")
    assert successful[created["Id"]] == "SUCCESS"
    assert set(successful.values()) == {"SUCCESS"}
    assert created["Id"] not in listed(Name="STATUS", Values=["FAIL"], Condition="EQ")


@proves("operations.filter.conditions")
def test_namespace_id_selects_what_concerns_it(
    cloudmap: ServiceDiscoveryClient,
    listed: Listed,
    created: dict[str, Any],
    wait_for_success: WaitForOperation,
    unique_name: UniqueName,
) -> None:
    """NAMESPACE_ID lists the operations of that namespace and not those of another; EQ may be left out."""
    other = wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))
    found = listed(Name="NAMESPACE_ID", Values=[created["Targets"]["NAMESPACE"]], Condition="EQ")
    assert created["Id"] in found
    assert other["Id"] not in found
    assert listed(Name="NAMESPACE_ID", Values=[created["Targets"]["NAMESPACE"]]) == found


@proves("operations.filter.conditions")
def test_service_id_selects_what_concerns_it(
    cloudmap: ServiceDiscoveryClient,
    listed: Listed,
    make_service: MakeService,
    wait_for_success: WaitForOperation,
    private_namespace: dict[str, Any],
) -> None:
    """SERVICE_ID lists the operations of that service and not those of another; EQ may be left out."""
    ours, other = (make_service(private_namespace, DnsConfig=A)["Id"] for _ in range(2))
    wanted = wait_for_success(cloudmap.update_service(Id=ours, Service={"DnsConfig": A}))["Id"]
    unwanted = wait_for_success(cloudmap.update_service(Id=other, Service={"DnsConfig": A}))["Id"]
    found = listed(Name="SERVICE_ID", Values=[ours], Condition="EQ")
    assert wanted in found
    assert unwanted not in found
    assert listed(Name="SERVICE_ID", Values=[ours]) == found


@proves("operations.filter.conditions")
def test_in_selects_any_of_several_values(listed: Listed, created: dict[str, Any]) -> None:
    """IN lists the operations that have one of the values, for STATUS and for TYPE."""
    assert created["Id"] in listed(Name="STATUS", Values=["PENDING", "SUCCESS"], Condition="IN")
    assert created["Id"] not in listed(Name="STATUS", Values=["PENDING", "FAIL"], Condition="IN")
    assert created["Id"] in listed(Name="TYPE", Values=["UPDATE_SERVICE", "CREATE_NAMESPACE"], Condition="IN")
    assert created["Id"] not in listed(Name="TYPE", Values=["UPDATE_SERVICE", "DELETE_NAMESPACE"], Condition="IN")


@proves("operations.filter.conditions")
def test_type_selects_one_type(listed: Listed, created: dict[str, Any]) -> None:
    """TYPE with EQ, written or left out, lists the operations of that type and no others."""
    assert created["Id"] in listed(Name="TYPE", Values=["CREATE_NAMESPACE"])
    assert created["Id"] in listed(Name="TYPE", Values=["CREATE_NAMESPACE"], Condition="EQ")
    assert created["Id"] not in listed(Name="TYPE", Values=["DELETE_NAMESPACE"], Condition="EQ")


@proves("operations.filter.conditions")
def test_between_selects_a_span_of_time(listed: Listed, created: dict[str, Any]) -> None:
    """UPDATE_DATE with BETWEEN lists the operations that changed status within the span, in Unix time."""
    at = int(created["UpdateDate"].timestamp())
    assert created["Id"] in listed(Name="UPDATE_DATE", Values=[str(at - 60), str(at + 2)], Condition="BETWEEN")
    assert created["Id"] not in listed(Name="UPDATE_DATE", Values=[str(at - 60), str(at - 2)], Condition="BETWEEN")


@proves("operations.filter.conditions")
def test_several_filters_must_all_match(cloudmap: ServiceDiscoveryClient, created: dict[str, Any]) -> None:
    """An operation is listed if it matches every filter of the call."""

    def found(type_: str) -> list[str]:
        namespace = {"Name": "NAMESPACE_ID", "Values": [created["Targets"]["NAMESPACE"]]}
        filters: Any = [namespace, {"Name": "TYPE", "Values": [type_]}]
        pages = cloudmap.get_paginator("list_operations").paginate(Filters=filters)
        return [one["Id"] for page in pages for one in page["Operations"]]

    assert found("CREATE_NAMESPACE") == [created["Id"]]
    assert created["Id"] not in found("DELETE_NAMESPACE")


@proves("operations.filter.conditions")
@pytest.mark.parametrize(
    ("name", "values", "condition"),
    [
        ("STATUS", ["PENDING", "SUCCESS"], "EQ"),
        ("TYPE", ["CREATE_NAMESPACE", "UPDATE_SERVICE"], "EQ"),
        ("NAMESPACE_ID", ["ns-aaaaaaaaaaaaaaaa", "ns-bbbbbbbbbbbbbbbb"], "EQ"),
        ("NAMESPACE_ID", ["ns-aaaaaaaaaaaaaaaa", "ns-bbbbbbbbbbbbbbbb"], "IN"),
        ("SERVICE_ID", ["srv-aaaaaaaaaaaaaaaa", "srv-bbbbbbbbbbbbbbbb"], "IN"),
        ("STATUS", ["1600000000", "1600000001"], "BETWEEN"),
        ("TYPE", ["CREATE", "UPDATE"], "BETWEEN"),
    ],
)
def test_other_conditions_are_refused(listed: Listed, name: str, values: list[str], condition: str) -> None:
    """A condition that the name is not documented with, or EQ with two values, raises InvalidInput."""
    with raises("InvalidInput"):
        listed(Name=name, Values=values, Condition=condition)
