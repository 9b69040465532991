"""Types of operations, and the resources that their Targets name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    Deregister,
    MakeNamespace,
    MakeService,
    NamespaceKind,
    Register,
    UniqueName,
    WaitForOperation,
    proves,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


A: Any = {"DnsRecords": [{"Type": "A", "TTL": 60}]}


@proves("operations.six-types")
@pytest.mark.parametrize("kind", ["http", "private_dns", "public_dns"])
def test_types_of_namespace_operations(
    cloudmap: ServiceDiscoveryClient, wait_for_success: WaitForOperation, unique_name: UniqueName, vpc: str, kind: str
) -> None:
    """Creating, updating and deleting a namespace are CREATE_, UPDATE_ and DELETE_NAMESPACE."""
    params = {"Name": f"{unique_name('ns')}.surveyor.test"} | ({"Vpc": vpc} if kind == "private_dns" else {})
    created = wait_for_success(getattr(cloudmap, f"create_{kind}_namespace")(**params))
    assert created["Type"] == "CREATE_NAMESPACE"
    namespace = created["Targets"]["NAMESPACE"]
    update = getattr(cloudmap, f"update_{kind}_namespace")
    assert wait_for_success(update(Id=namespace, Namespace={"Description": "new"}))["Type"] == "UPDATE_NAMESPACE"
    assert wait_for_success(cloudmap.delete_namespace(Id=namespace))["Type"] == "DELETE_NAMESPACE"


@proves("operations.six-types")
def test_type_of_service_operations(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    wait_for_success: WaitForOperation,
    private_namespace: dict[str, Any],
) -> None:
    """Updating a service is UPDATE_SERVICE."""
    service = make_service(private_namespace, DnsConfig=A)["Id"]
    updated = wait_for_success(cloudmap.update_service(Id=service, Service={"DnsConfig": A}))
    assert updated["Type"] == "UPDATE_SERVICE"


@proves("operations.six-types")
def test_types_of_instance_operations(
    make_service: MakeService, register: Register, deregister: Deregister, http_namespace: dict[str, Any]
) -> None:
    """Registering and deregistering an instance are REGISTER_INSTANCE and DEREGISTER_INSTANCE."""
    service = make_service(http_namespace)
    assert register(service, "i-1", {"colour": "red"})["Type"] == "REGISTER_INSTANCE"
    assert deregister(service, "i-1")["Type"] == "DEREGISTER_INSTANCE"


@proves("operations.targets-name-resources")
@pytest.mark.parametrize("kind", ["http", "private", "public"])
def test_create_namespace_names_the_namespace(
    cloudmap: ServiceDiscoveryClient, make_namespace: MakeNamespace, unique_name: UniqueName, kind: NamespaceKind
) -> None:
    """Targets of CREATE_NAMESPACE has the id under which ListNamespaces shows the namespace."""
    name = f"{unique_name('ns')}.surveyor.test"
    # make_namespace finds the namespace by the Targets of its operation.
    namespace = make_namespace(kind, Name=name)["Id"]
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert [entry["Id"] for entry in listed if entry["Name"] == name] == [namespace]


@proves("operations.targets-name-resources")
def test_delete_namespace_names_the_namespace(
    cloudmap: ServiceDiscoveryClient, wait_for_success: WaitForOperation, make_namespace: MakeNamespace
) -> None:
    """Targets of DELETE_NAMESPACE has the id of the deleted namespace."""
    namespace = make_namespace("http")["Id"]
    assert wait_for_success(cloudmap.delete_namespace(Id=namespace))["Targets"]["NAMESPACE"] == namespace


@proves("operations.targets-name-resources")
def test_service_operations_name_the_service(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    wait_for_success: WaitForOperation,
    private_namespace: dict[str, Any],
) -> None:
    """Targets of UPDATE_SERVICE has the id of the service."""
    service = make_service(private_namespace, DnsConfig=A)["Id"]
    updated = wait_for_success(cloudmap.update_service(Id=service, Service={"DnsConfig": A}))
    assert updated["Targets"]["SERVICE"] == service


@proves("operations.targets-name-resources")
def test_instance_operations_name_the_instance(
    make_service: MakeService, register: Register, deregister: Deregister, http_namespace: dict[str, Any]
) -> None:
    """Targets of REGISTER_INSTANCE and DEREGISTER_INSTANCE has the id of the instance."""
    service = make_service(http_namespace)
    assert register(service, "i-1", {"colour": "red"})["Targets"]["INSTANCE"] == "i-1"
    assert deregister(service, "i-1")["Targets"]["INSTANCE"] == "i-1"
