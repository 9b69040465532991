"""Quotas of instances: for each service and for each namespace."""

from surveyor.testing import proves, raises

RED = {"colour": "red"}
THOUSAND = {f"i-{number}": RED for number in range(1, 1_001)}


@proves("quotas.thousand-instances-a-service")
def test_thousand_and_first_instance_is_refused(
    cloudmap, make_service, register, register_all, deregister, http_namespace
):
    """A service takes 1,000 instances; one more raises ResourceLimitExceeded, and updates are still accepted."""
    service = make_service(http_namespace)
    register_all(service, THOUSAND)
    with raises("ResourceLimitExceeded"):
        cloudmap.register_instance(ServiceId=service["Id"], InstanceId="i-1001", Attributes=RED)
    register(service, "i-1000", {"colour": "blue"})
    deregister(service, "i-1")
    register(service, "i-1001", RED)


@proves("quotas.two-thousand-instances-a-namespace")
def test_namespace_with_two_full_services_is_full(
    cloudmap, make_service, register, register_all, deregister, make_namespace
):
    """After 1,000 instances in each of two services one more raises ResourceLimitExceeded until one is deregistered."""
    namespace = make_namespace("http")
    full = make_service(namespace)
    for service in (full, make_service(namespace)):
        register_all(service, THOUSAND)
    third = make_service(namespace)
    with raises("ResourceLimitExceeded"):
        cloudmap.register_instance(ServiceId=third["Id"], InstanceId="i-1", Attributes=RED)
    deregister(full, "i-1")
    register(third, "i-1", RED)
