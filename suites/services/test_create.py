"""Creation and deletion of services."""

from datetime import datetime

from botocore.exceptions import ClientError

from surveyor.testing import proves, raises


@proves("services.create-is-synchronous")
def test_create_returns_the_service(cloudmap, unique_name, http_namespace):
    """CreateService returns the Service, not an operation, and GetService finds it at once."""
    name = unique_name("svc")
    answer = cloudmap.create_service(Name=name, NamespaceId=http_namespace["Id"], Description="a first service")
    assert "OperationId" not in answer
    service = answer["Service"]
    assert (service["Name"], service["NamespaceId"], service["Description"]) == (
        name,
        http_namespace["Id"],
        "a first service",
    )
    assert isinstance(service["CreateDate"], datetime)
    found = cloudmap.get_service(Id=service["Id"])["Service"]
    assert (found["Id"], found["Arn"], found["Name"]) == (service["Id"], service["Arn"], name)


@proves("services.duplicate-name-is-refused")
def test_existing_name_is_refused_with_its_service(make_service, unique_name, http_namespace):
    """An existing name raises ServiceAlreadyExists with the id, ARN and request id of the existing service."""
    name, request = unique_name("svc"), unique_name("request")
    first = make_service(http_namespace, name, CreatorRequestId=request)
    with raises("ServiceAlreadyExists") as refusal:
        make_service(http_namespace, name, CreatorRequestId=unique_name("request"))
    assert refusal.response["ServiceId"] == first["Id"]
    assert refusal.response["ServiceArn"] == first["Arn"]
    assert refusal.response["CreatorRequestId"] == request


@proves("services.duplicate-name-is-refused")
def test_two_namespaces_may_have_services_of_one_name(make_service, make_namespace, unique_name):
    """A service of the same name in another namespace is another service."""
    name = unique_name("svc")
    first = make_service(make_namespace("http"), name)
    assert make_service(make_namespace("http"), name)["Id"] != first["Id"]


@proves("services.delete.needs-no-instances")
def test_delete_is_refused_until_the_last_instance_is_deregistered(
    cloudmap, make_service, register, deregister, eventually, http_namespace
):
    """DeleteService raises ResourceInUse while an instance is registered, and succeeds when it is deregistered."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-1", {"colour": "red"})
    with raises("ResourceInUse"):
        cloudmap.delete_service(Id=service)
    deregister(service, "i-1")

    def service_deleted():
        try:  # the count of instances may lag behind the operations
            return bool(cloudmap.delete_service(Id=service))
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] == "ResourceInUse"  # noqa: PT017  # a condition that is polled
            return False

    eventually(service_deleted, within=60)
    with raises("ServiceNotFound"):
        cloudmap.get_service(Id=service)


@proves("services.delete.needs-no-instances")
def test_delete_also_deletes_the_attributes(cloudmap, make_service, http_namespace):
    """DeleteService returns no operation, and deletes the service and its attributes."""
    service = make_service(http_namespace)["Id"]
    cloudmap.update_service_attributes(ServiceId=service, Attributes={"owner": "billing"})
    assert "OperationId" not in cloudmap.delete_service(Id=service)
    with raises("ServiceNotFound"):
        cloudmap.get_service(Id=service)
    with raises("ServiceNotFound"):
        cloudmap.get_service_attributes(ServiceId=service)
