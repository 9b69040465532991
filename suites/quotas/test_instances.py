"""Quotas of instances: for each service and for each namespace."""

import pytest

from surveyor.testing import proves, raises, timeouts

RED = {"colour": "red"}
THOUSAND = [f"i-{number}" for number in range(1, 1_001)]


@pytest.fixture
def fill(cloudmap, eventually):
    """Register instances with one service, and wait until all are listed: fewer calls than to ask each operation."""

    def register_all(service, names):
        for name in names:
            cloudmap.register_instance(ServiceId=service["Id"], InstanceId=name, Attributes=RED)

        def listed():
            pages = cloudmap.get_paginator("list_instances").paginate(ServiceId=service["Id"])
            return sum(len(page["Instances"]) for page in pages) == len(names)

        eventually(listed, within=timeouts.OPERATION)

    return register_all


@proves("quotas.thousand-instances-a-service", "quotas.two-thousand-instances-a-namespace")
def test_services_and_namespaces_are_full(
    cloudmap, make_service, register, fill, deregister, make_namespace, beyond_quota
):
    """A service takes 1,000 instances and a namespace 2,000; one more raises ResourceLimitExceeded until one leaves."""
    namespace = make_namespace("http")
    full, nearly, third = (make_service(namespace) for _ in range(3))

    def refuse_one_more(*services):
        for service in services:
            for name in (service["Id"], service["Arn"]):
                with raises("ResourceLimitExceeded"), beyond_quota():
                    cloudmap.register_instance(ServiceId=name, InstanceId="i-1001", Attributes=RED)

    fill(full, THOUSAND)
    refuse_one_more(full)
    register(full, "i-1000", {"colour": "blue"})  # known instances can be registered again
    register(third, "i-1001", RED)
    deregister(full, "i-1")
    register(full, "i-1001", RED)
    with raises("ResourceLimitExceeded"), beyond_quota():
        cloudmap.register_instance(ServiceId=full["Id"], InstanceId="i-1", Attributes=RED)

    fill(nearly, THOUSAND[2:])
    register(nearly, "i-1", RED)  # the two-thousandth of the namespace, which the service would have room for
    with raises("ResourceLimitExceeded"), beyond_quota():
        cloudmap.register_instance(ServiceId=third["Id"], InstanceId="i-1", Attributes=RED)
    refuse_one_more(nearly)
    register(third, "i-1001", {"colour": "blue"})
    register(make_service(make_namespace("http")), "i-1", RED)
    deregister(third, "i-1001")
    register(third, "i-1", RED)
    refuse_one_more(third, nearly)
