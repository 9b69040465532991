"""ResourceInUse: a resource that contains another one is not deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor.testing import MakeNamespace, MakeService, Register, proves, raises

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("errors.resource-in-use-guards-contents")
def test_service_with_an_instance_is_in_use(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, register: Register, http_namespace: dict[str, Any]
) -> None:
    """DeleteService on a service that has an instance raises ResourceInUse and deletes neither."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-1", {"colour": "red"})
    with raises("ResourceInUse"):
        cloudmap.delete_service(Id=service)
    assert cloudmap.get_service(Id=service)["Service"]["Id"] == service
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Id"] == "i-1"


@proves("errors.resource-in-use-guards-contents")
def test_namespace_with_a_service_is_in_use(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, make_namespace: MakeNamespace
) -> None:
    """DeleteNamespace on a namespace that has a service raises ResourceInUse and deletes neither."""
    namespace = make_namespace("http")["Id"]
    service = make_service(namespace)["Id"]
    with raises("ResourceInUse"):
        cloudmap.delete_namespace(Id=namespace)
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Id"] == namespace
    assert cloudmap.get_service(Id=service)["Service"]["Id"] == service


@proves("errors.resource-in-use-guards-contents")
def test_empty_resources_are_deleted(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, make_namespace: MakeNamespace
) -> None:
    """A service that never had an instance is deleted, and then DeleteNamespace is accepted."""
    namespace = make_namespace("http")["Id"]
    cloudmap.delete_service(Id=make_service(namespace)["Id"])
    assert cloudmap.delete_namespace(Id=namespace)["OperationId"]
