"""ResourceInUse: a resource that contains another one is not deleted."""

from surveyor.testing import for_each, is_refused, proves, raises


@proves("errors.resource-in-use-guards-contents")
@for_each("member", ["Id", "Arn"])
def test_service_with_an_instance_is_in_use(cloudmap, make_service, register, deregister, http_namespace, member):
    """DeleteService raises ResourceInUse and deletes nothing while the service has an instance, even one of two."""
    service, empty = make_service(http_namespace), make_service(http_namespace)
    for instance in ("i-1", "i-2"):
        register(service, instance, {"colour": "red"})
    for instance in ("i-1", "i-2"):
        with raises("ResourceInUse"):
            cloudmap.delete_service(Id=service[member])
        assert cloudmap.get_service(Id=service["Id"])["Service"]["Id"] == service["Id"]
        assert cloudmap.get_instance(ServiceId=service["Id"], InstanceId=instance)["Instance"]["Id"] == instance
        deregister(service, instance)
    for deleted in (service, empty):
        cloudmap.delete_service(Id=deleted[member])
        with raises("ServiceNotFound"):
            cloudmap.get_service(Id=deleted["Id"])


@proves("errors.resource-in-use-guards-contents")
def test_a_deleted_service_has_no_instance(cloudmap, make_service, wait_for_operation, http_namespace):
    """Of RegisterInstance and a DeleteService that follows at once, one fails."""
    service = make_service(http_namespace)["Id"]
    started = cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes={"colour": "red"})
    refused = is_refused(lambda: cloudmap.delete_service(Id=service))
    assert wait_for_operation(started)["Status"] == ("SUCCESS" if refused else "FAIL")


@proves("errors.resource-in-use-guards-contents")
@for_each("kind, member", [("http", "Id"), ("http", "Arn"), ("private", "Id"), ("public", "Id")])
def test_namespace_with_a_service_is_in_use(
    cloudmap, make_service, make_namespace, delete_emptied_namespace, kind, member
):
    """DeleteNamespace raises ResourceInUse and deletes nothing while the namespace has a service, even one of two."""
    namespace = make_namespace(kind)
    for service in [make_service(namespace)["Id"] for _ in range(2)]:
        with raises("ResourceInUse"):
            cloudmap.delete_namespace(Id=namespace[member])
        assert cloudmap.get_namespace(Id=namespace["Id"])["Namespace"]["Id"] == namespace["Id"]
        assert cloudmap.get_service(Id=service)["Service"]["Id"] == service
        cloudmap.delete_service(Id=service)

    delete_emptied_namespace(namespace[member])
    with raises("NamespaceNotFound"):
        cloudmap.get_namespace(Id=namespace["Id"])
