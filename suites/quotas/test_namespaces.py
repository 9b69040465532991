"""How many namespaces, and how many services in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor.testing import (
    ClientFactory,
    Inconclusive,
    MakeNamespace,
    MakeService,
    UniqueName,
    WaitForOperation,
    proves,
    raises,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("quotas.fifty-namespaces-a-region")
def test_fifty_first_namespace_is_refused(
    cloudmap: ServiceDiscoveryClient, client: ClientFactory, wait_for_success: WaitForOperation, unique_name: UniqueName
) -> None:
    """The fiftieth namespace of a Region is accepted, the next raises ResourceLimitExceeded; elsewhere is room."""
    pages = cloudmap.get_paginator("list_namespaces").paginate()
    there = sum(len(page["Namespaces"]) for page in pages)
    if there >= 50:
        raise Inconclusive(f"the account has {there} namespaces here already, so its quota is full or was raised")
    for answer in [cloudmap.create_http_namespace(Name=unique_name("ns")) for _ in range(50 - there)]:
        wait_for_success(answer)
    with raises("ResourceLimitExceeded"):
        cloudmap.create_http_namespace(Name=unique_name("ns"))
    elsewhere = "eu-west-1" if cloudmap.meta.region_name != "eu-west-1" else "us-east-1"
    assert client("servicediscovery", elsewhere).create_http_namespace(Name=unique_name("ns"))["OperationId"]


@proves("quotas.no-limit-of-services-is-listed")
def test_fifty_first_service_is_accepted(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, make_namespace: MakeNamespace
) -> None:
    """A namespace takes 51 services, and ListServices returns them all."""
    namespace = make_namespace("http")["Id"]
    made = {make_service(namespace)["Id"] for _ in range(51)}
    chosen: Any = [{"Name": "NAMESPACE_ID", "Values": [namespace]}]
    pages = cloudmap.get_paginator("list_services").paginate(Filters=chosen)
    assert sorted(service["Id"] for page in pages for service in page["Services"]) == sorted(made)
