"""ResourceInUse: a resource that contains another one is not deleted."""

from surveyor.testing import proves, raises


@proves("errors.resource-in-use-guards-contents")
def test_service_with_an_instance_is_in_use(cloudmap, make_service, register, http_namespace):
    """DeleteService on a service that has an instance raises ResourceInUse and deletes neither."""
    service = make_service(http_namespace)["Id"]
    register(service, "i-1", {"colour": "red"})
    with raises("ResourceInUse"):
        cloudmap.delete_service(Id=service)
    assert cloudmap.get_service(Id=service)["Service"]["Id"] == service
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Id"] == "i-1"


@proves("errors.resource-in-use-guards-contents")
def test_namespace_with_a_service_is_in_use(cloudmap, make_service, make_namespace):
    """DeleteNamespace on a namespace that has a service raises ResourceInUse and deletes neither."""
    namespace = make_namespace("http")["Id"]
    service = make_service(namespace)["Id"]
    with raises("ResourceInUse"):
        cloudmap.delete_namespace(Id=namespace)
    assert cloudmap.get_namespace(Id=namespace)["Namespace"]["Id"] == namespace
    assert cloudmap.get_service(Id=service)["Service"]["Id"] == service


@proves("errors.resource-in-use-guards-contents")
def test_empty_resources_are_deleted(cloudmap, make_service, make_namespace):
    """A service that never had an instance is deleted, and then DeleteNamespace is accepted."""
    namespace = make_namespace("http")["Id"]
    cloudmap.delete_service(Id=make_service(namespace)["Id"])
    assert cloudmap.delete_namespace(Id=namespace)["OperationId"]
