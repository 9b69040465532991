"""What DiscoverInstances is asked with: names, not ids, in every type of namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import (
    Eventually,
    MakeNamespace,
    MakeService,
    NamespaceKind,
    Register,
    UniqueName,
    proves,
    raises,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("discovery.by-http-name-in-every-type")
@pytest.mark.parametrize("kind", ["http", "private", "public"])
def test_instance_is_found_by_names(
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    make_service: MakeService,
    register: Register,
    eventually: Eventually,
    kind: NamespaceKind,
) -> None:
    """An instance is found by the namespace's HttpName and the service's name, whatever the type of the namespace."""
    namespace = make_namespace(kind)
    dns: dict[str, Any] = {} if kind == "http" else {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}}
    service = make_service(namespace, **dns)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    names = {
        "NamespaceName": namespace["Properties"]["HttpProperties"]["HttpName"],
        "ServiceName": service["Name"],
    }
    [found] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert (found["InstanceId"], found["Attributes"]["AWS_INSTANCE_IPV4"]) == ("i-1", "192.0.2.1")


@proves("discovery.by-http-name-in-every-type")
@pytest.mark.parametrize("operation", ["discover_instances", "discover_instances_revision"])
def test_unknown_names_are_refused(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    unique_name: UniqueName,
    http_namespace: dict[str, Any],
    operation: str,
) -> None:
    """An unknown namespace raises NamespaceNotFound, an unknown service in a known namespace ServiceNotFound."""
    discover, known = getattr(cloudmap, operation), http_namespace["Name"]
    service = make_service(http_namespace)["Name"]
    discover(NamespaceName=known, ServiceName=service)
    with raises("NamespaceNotFound"):
        discover(NamespaceName=unique_name("absent"), ServiceName=service)
    with raises("ServiceNotFound"):
        discover(NamespaceName=known, ServiceName=unique_name("absent"))


@proves("discovery.by-http-name-in-every-type")
def test_ids_are_not_names(
    cloudmap: ServiceDiscoveryClient, make_service: MakeService, http_namespace: dict[str, Any]
) -> None:
    """A namespace id in place of the name raises NamespaceNotFound, a service id ServiceNotFound."""
    service = make_service(http_namespace)
    with raises("NamespaceNotFound"):
        cloudmap.discover_instances(NamespaceName=http_namespace["Id"], ServiceName=service["Name"])
    with raises("ServiceNotFound"):
        cloudmap.discover_instances(NamespaceName=http_namespace["Name"], ServiceName=service["Id"])
