"""Types of operations, and the resources that their Targets name."""

import pytest

from surveyor.testing import dns_config, proves

A = dns_config("A", policy=None)


@proves("operations.six-types")
@pytest.mark.parametrize("kind", ["http", "private_dns", "public_dns"])
def test_types_of_namespace_operations(cloudmap, wait_for_success, unique_name, vpc, kind):
    """Creating, updating and deleting a namespace are CREATE_, UPDATE_ and DELETE_NAMESPACE."""
    params = {"Name": f"{unique_name('ns')}.surveyor.test"} | ({"Vpc": vpc} if kind == "private_dns" else {})
    created = wait_for_success(getattr(cloudmap, f"create_{kind}_namespace")(**params))
    assert created["Type"] == "CREATE_NAMESPACE"
    namespace = created["Targets"]["NAMESPACE"]
    update = getattr(cloudmap, f"update_{kind}_namespace")
    assert wait_for_success(update(Id=namespace, Namespace={"Description": "new"}))["Type"] == "UPDATE_NAMESPACE"
    assert wait_for_success(cloudmap.delete_namespace(Id=namespace))["Type"] == "DELETE_NAMESPACE"


@proves("operations.six-types")
def test_type_of_service_operations(cloudmap, make_service, wait_for_success, private_namespace):
    """Updating a service is UPDATE_SERVICE."""
    service = make_service(private_namespace, DnsConfig=A)["Id"]
    updated = wait_for_success(cloudmap.update_service(Id=service, Service={"DnsConfig": A}))
    assert updated["Type"] == "UPDATE_SERVICE"


@proves("operations.six-types")
def test_types_of_instance_operations(make_service, register, deregister, http_namespace):
    """Registering and deregistering an instance are REGISTER_INSTANCE and DEREGISTER_INSTANCE."""
    service = make_service(http_namespace)
    assert register(service, "i-1", {"colour": "red"})["Type"] == "REGISTER_INSTANCE"
    assert deregister(service, "i-1")["Type"] == "DEREGISTER_INSTANCE"


@proves("operations.targets-name-resources")
@pytest.mark.parametrize("kind", ["http", "private", "public"])
def test_create_namespace_names_the_namespace(cloudmap, make_namespace, unique_name, kind):
    """Targets of CREATE_NAMESPACE has the id under which ListNamespaces shows the namespace."""
    name = f"{unique_name('ns')}.surveyor.test"
    # make_namespace finds the namespace by the Targets of its operation.
    namespace = make_namespace(kind, Name=name)["Id"]
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert [entry["Id"] for entry in listed if entry["Name"] == name] == [namespace]


@proves("operations.targets-name-resources")
def test_delete_namespace_names_the_namespace(cloudmap, wait_for_success, make_namespace):
    """Targets of DELETE_NAMESPACE has the id of the deleted namespace."""
    namespace = make_namespace("http")["Id"]
    assert wait_for_success(cloudmap.delete_namespace(Id=namespace))["Targets"]["NAMESPACE"] == namespace


@proves("operations.targets-name-resources")
def test_service_operations_name_the_service(cloudmap, make_service, wait_for_success, private_namespace):
    """Targets of UPDATE_SERVICE has the id of the service."""
    service = make_service(private_namespace, DnsConfig=A)["Id"]
    updated = wait_for_success(cloudmap.update_service(Id=service, Service={"DnsConfig": A}))
    assert updated["Targets"]["SERVICE"] == service


@proves("operations.targets-name-resources")
def test_instance_operations_name_the_instance(make_service, register, deregister, http_namespace):
    """Targets of REGISTER_INSTANCE and DEREGISTER_INSTANCE has the id of the instance."""
    service = make_service(http_namespace)
    assert register(service, "i-1", {"colour": "red"})["Targets"]["INSTANCE"] == "i-1"
    assert deregister(service, "i-1")["Targets"]["INSTANCE"] == "i-1"
