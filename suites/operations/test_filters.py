"""Filters of ListOperations."""

import pytest

from surveyor.testing import dns_config, proves, raises

A = dns_config("A", policy=None)


@pytest.fixture
def list_operations(cloudmap):
    """List all pages of operations with one filter."""

    def list_all(**filter_):
        pages = cloudmap.get_paginator("list_operations").paginate(Filters=[filter_])
        return {operation["Id"]: operation["Status"] for page in pages for operation in page["Operations"]}

    return list_all


@pytest.fixture
def operation(cloudmap, wait_for_success, unique_name):
    """Return a CREATE_NAMESPACE operation that has succeeded."""
    return wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))


@proves("operations.filter.success-selects-successful")
def test_success_selects_successful_operations(cloudmap, list_operations, operation, unique_name):
    """STATUS with SUCCESS lists a successful operation and none of another status; FAIL does not list it."""
    cloudmap.create_http_namespace(Name=unique_name("ns"))  # may still be in progress
    successful = list_operations(Name="STATUS", Values=["SUCCESS"], Condition="EQ")
    assert successful[operation["Id"]] == "SUCCESS"
    assert set(successful.values()) == {"SUCCESS"}
    assert operation["Id"] not in list_operations(Name="STATUS", Values=["FAIL"], Condition="EQ")


@proves("operations.filter.conditions")
def test_namespace_id_selects_operations_of_a_namespace(
    cloudmap, list_operations, operation, wait_for_success, unique_name
):
    """NAMESPACE_ID lists the operations of that namespace and not those of another; EQ is the default."""
    other = wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))
    found = list_operations(Name="NAMESPACE_ID", Values=[operation["Targets"]["NAMESPACE"]], Condition="EQ")
    assert operation["Id"] in found
    assert other["Id"] not in found
    assert list_operations(Name="NAMESPACE_ID", Values=[operation["Targets"]["NAMESPACE"]]) == found


@proves("operations.filter.conditions")
def test_service_id_selects_operations_of_a_service(
    cloudmap, list_operations, make_service, wait_for_success, private_namespace
):
    """SERVICE_ID lists the operations of that service and not those of another; EQ is the default."""
    selected, other = (make_service(private_namespace, DnsConfig=A)["Id"] for _ in range(2))
    expected = wait_for_success(cloudmap.update_service(Id=selected, Service={"DnsConfig": A}))["Id"]
    not_expected = wait_for_success(cloudmap.update_service(Id=other, Service={"DnsConfig": A}))["Id"]
    found = list_operations(Name="SERVICE_ID", Values=[selected], Condition="EQ")
    assert expected in found
    assert not_expected not in found
    assert list_operations(Name="SERVICE_ID", Values=[selected]) == found


@proves("operations.filter.conditions")
def test_in_selects_any_of_several_values(list_operations, operation):
    """IN lists the operations that have one of the values, for STATUS and for TYPE."""
    assert operation["Id"] in list_operations(Name="STATUS", Values=["PENDING", "SUCCESS"], Condition="IN")
    assert operation["Id"] not in list_operations(Name="STATUS", Values=["PENDING", "FAIL"], Condition="IN")
    assert operation["Id"] in list_operations(
        Name="TYPE", Values=["UPDATE_SERVICE", "CREATE_NAMESPACE"], Condition="IN"
    )
    assert operation["Id"] not in list_operations(
        Name="TYPE", Values=["UPDATE_SERVICE", "DELETE_NAMESPACE"], Condition="IN"
    )


@proves("operations.filter.conditions")
def test_type_selects_one_type(list_operations, operation):
    """TYPE with EQ, the default, lists the operations of that type and no others."""
    assert operation["Id"] in list_operations(Name="TYPE", Values=["CREATE_NAMESPACE"])
    assert operation["Id"] in list_operations(Name="TYPE", Values=["CREATE_NAMESPACE"], Condition="EQ")
    assert operation["Id"] not in list_operations(Name="TYPE", Values=["DELETE_NAMESPACE"], Condition="EQ")


@proves("operations.filter.conditions")
def test_between_selects_a_period(list_operations, operation):
    """UPDATE_DATE with BETWEEN lists the operations that changed status within the period, in Unix time."""
    updated = int(operation["UpdateDate"].timestamp())
    assert operation["Id"] in list_operations(
        Name="UPDATE_DATE", Values=[str(updated - 60), str(updated + 2)], Condition="BETWEEN"
    )
    assert operation["Id"] not in list_operations(
        Name="UPDATE_DATE", Values=[str(updated - 60), str(updated - 2)], Condition="BETWEEN"
    )


@proves("operations.filter.conditions")
def test_several_filters_must_all_match(cloudmap, operation):
    """An operation is listed if it matches every filter of the call."""

    def found(type_):
        namespace = {"Name": "NAMESPACE_ID", "Values": [operation["Targets"]["NAMESPACE"]]}
        filters = [namespace, {"Name": "TYPE", "Values": [type_]}]
        pages = cloudmap.get_paginator("list_operations").paginate(Filters=filters)
        return [entry["Id"] for page in pages for entry in page["Operations"]]

    assert found("CREATE_NAMESPACE") == [operation["Id"]]
    assert operation["Id"] not in found("DELETE_NAMESPACE")


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
def test_other_conditions_are_refused(list_operations, name, values, condition):
    """A condition that is not documented for the filter, or EQ with two values, raises InvalidInput."""
    with raises("InvalidInput"):
        list_operations(Name=name, Values=values, Condition=condition)
