"""Making and deleting services."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from surveyor.testing import Deregister, Eventually, MakeService, Register, UniqueName, proves, raises

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("services.create-is-synchronous")
def test_create_answers_with_the_service(
    cloudmap: ServiceDiscoveryClient, unique_name: UniqueName, http_namespace: dict[str, Any]
) -> None:
    """CreateService answers with the Service, not with an operation, and GetService finds it straight away."""
    name = unique_name("svc")
    answer = cloudmap.create_service(Name=name, NamespaceId=http_namespace["Id"], Description="a first service")
    assert "OperationId" not in answer
    made = answer["Service"]
    assert (made["Name"], made["NamespaceId"], made["Description"]) == (name, http_namespace["Id"], "a first service")
    assert isinstance(made["CreateDate"], datetime)
    found = cloudmap.get_service(Id=made["Id"])["Service"]
    assert (found["Id"], found["Arn"], found["Name"]) == (made["Id"], made["Arn"], name)


@proves("services.duplicate-name-is-refused")
def test_taken_name_is_refused_with_the_existing_service(
    make_service: MakeService, unique_name: UniqueName, http_namespace: dict[str, Any]
) -> None:
    """A name that the namespace has raises ServiceAlreadyExists with the id, ARN and request id of the first."""
    name, request = unique_name("svc"), unique_name("request")
    first = make_service(http_namespace, name, CreatorRequestId=request)
    with raises("ServiceAlreadyExists") as refusal:
        make_service(http_namespace, name, CreatorRequestId=unique_name("request"))
    assert refusal.response["ServiceId"] == first["Id"]
    assert refusal.response["ServiceArn"] == first["Arn"]
    assert refusal.response["CreatorRequestId"] == request


@proves("services.duplicate-name-is-refused")
def test_name_may_stand_in_two_namespaces(
    make_service: MakeService, make_namespace: Any, unique_name: UniqueName
) -> None:
    """The same name in another namespace is another service."""
    name = unique_name("svc")
    first = make_service(make_namespace("http"), name)
    assert make_service(make_namespace("http"), name)["Id"] != first["Id"]


@proves("services.delete.needs-no-instances")
def test_delete_is_refused_until_the_last_instance_is_gone(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register: Register,
    deregister: Deregister,
    eventually: Eventually,
    http_namespace: dict[str, Any],
) -> None:
    """DeleteService raises ResourceInUse while an instance is registered and goes through once it is deregistered."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-1", {"colour": "red"})
    with raises("ResourceInUse"):
        cloudmap.delete_service(Id=service)
    deregister(service, "i-1")

    def service_deleted() -> bool:
        try:  # counts of instances may lag behind their operations
            return bool(cloudmap.delete_service(Id=service))
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] == "ResourceInUse"  # noqa: PT017  # an answer, not the outcome
            return False

    eventually(service_deleted, within=60)
    with raises("ServiceNotFound"):
        cloudmap.get_service(Id=service)


@proves("services.delete.needs-no-instances")
def test_delete_takes_the_attributes_along(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, http_namespace: dict[str, Any]
) -> None:
    """DeleteService answers without an operation, and neither the service nor its attributes are there afterwards."""
    service = make_service(http_namespace)["Id"]
    cloudmap.update_service_attributes(ServiceId=service, Attributes={"owner": "billing"})
    assert "OperationId" not in cloudmap.delete_service(Id=service)
    with raises("ServiceNotFound"):
        cloudmap.get_service(Id=service)
    with raises("ServiceNotFound"):
        cloudmap.get_service_attributes(ServiceId=service)
