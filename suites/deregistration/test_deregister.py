"""Deregistering instances: what goes with them, and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    Deregister,
    MakeService,
    RecordSets,
    Register,
    RegisterAll,
    WaitForOperation,
    proves,
    raises,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


def dns(*types: str) -> dict[str, Any]:
    """A DnsConfig with one record of each type."""
    return {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": kind, "TTL": 60} for kind in types]}


@proves("deregistration.removes-own-records-only")
@pytest.mark.parametrize("types", ["A", "AAAA", "A AAAA"])
def test_records_of_the_instance_go_and_others_stay(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    wait_for_success: WaitForOperation,
    record_sets: RecordSets,
    private_namespace: dict[str, Any],
    types: str,
) -> None:
    """After DEREGISTER_INSTANCE the records of the other instances and services are as they were, its own are gone."""
    service, neighbour = (make_service(private_namespace, DnsConfig=dns(*types.split())) for _ in range(2))
    first = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1"}
    second = {"AWS_INSTANCE_IPV4": "192.0.2.2", "AWS_INSTANCE_IPV6": "2001:db8::2"}
    for one in (service, neighbour):
        register_all(one, {"i-1": first, "i-2": second})

    def records(of: dict[str, Any]) -> list[dict[str, Any]]:
        return record_sets(private_namespace, f"{of['Name']}.{private_namespace['Name']}")

    before, beside = records(service), records(neighbour)
    assert len(before) == 2 * len(types.split())
    answer = cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")
    assert wait_for_success(answer["OperationId"])["Type"] == "DEREGISTER_INSTANCE"
    gone = [{"Value": address} for address in first.values()]
    assert records(service) == [record for record in before if record["ResourceRecords"][0] not in gone]
    assert records(neighbour) == beside


@proves("deregistration.removes-own-records-only")
def test_host_name_of_an_srv_record_goes_too(
    make_service: MakeService,
    register_all: RegisterAll,
    deregister: Deregister,
    record_sets: RecordSets,
    private_namespace: dict[str, Any],
) -> None:
    """With an SRV record go the address records of the host name in it; the other instance keeps its own."""
    service = make_service(private_namespace, DnsConfig=dns("SRV"))
    name = f"{service['Name']}.{private_namespace['Name']}"
    pair = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "8080"}
    register_all(service, {"i-1": pair, "i-2": pair})
    assert record_sets(private_namespace, f"i-1.{name}")
    deregister(service, "i-1")
    assert not record_sets(private_namespace, f"i-1.{name}")
    assert [record["Type"] for record in record_sets(private_namespace, f"i-2.{name}")] == ["A"]
    [left] = record_sets(private_namespace, name)
    assert left["ResourceRecords"][0]["Value"].rstrip(".") == f"1 1 8080 i-2.{name}"


@proves("deregistration.removes-own-records-only")
def test_instance_is_no_longer_listed(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    deregister: Deregister,
    http_namespace: dict[str, Any],
) -> None:
    """After success the instance is gone from ListInstances and GetInstance; the other one is as it was."""
    service = make_service(http_namespace)["Id"]
    register_all(service, {"i-1": {"colour": "red"}, "i-2": {"colour": "blue"}})
    deregister(service, "i-1")
    [left] = cloudmap.list_instances(ServiceId=service)["Instances"]
    assert (left["Id"], left["Attributes"]["colour"]) == ("i-2", "blue")
    with raises("InstanceNotFound"):
        cloudmap.get_instance(ServiceId=service, InstanceId="i-1")


@proves("deregistration.unknown-instance-is-refused")
def test_instance_that_never_was(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, register: Register, http_namespace: dict[str, Any]
) -> None:
    """An id that was never registered raises InstanceNotFound, also if another service has such an instance."""
    service, other = make_service(http_namespace), make_service(http_namespace)
    register(other, "i-1", {"colour": "red"})
    with raises("InstanceNotFound"):
        cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")


@proves("deregistration.unknown-instance-is-refused")
def test_instance_that_is_gone(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register: Register,
    deregister: Deregister,
    http_namespace: dict[str, Any],
) -> None:
    """A second deregistration after the first has succeeded raises InstanceNotFound."""
    service = make_service(http_namespace)
    register(service, "i-1", {"colour": "red"})
    deregister(service, "i-1")
    with raises("InstanceNotFound"):
        cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId="i-1")
