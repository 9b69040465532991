"""What DiscoverInstances is asked with: names, not ids, in every type of namespace."""

import pytest

from surveyor.testing import dns_config, proves, raises, timeouts


@proves("discovery.by-http-name-in-every-type")
@pytest.mark.parametrize("kind", ["http", "private", "public"])
def test_instance_is_found_by_names(cloudmap, make_namespace, make_service, register, eventually, kind):
    """An instance is found by the namespace's HttpName and the service's name, whatever the type of the namespace."""
    namespace = make_namespace(kind)
    dns = {} if kind == "http" else {"DnsConfig": dns_config("A", policy=None)}
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
def test_unknown_names_are_refused(cloudmap, make_service, unique_name, http_namespace, operation):
    """An unknown namespace raises NamespaceNotFound, an unknown service in a known namespace ServiceNotFound."""
    discover, known = getattr(cloudmap, operation), http_namespace["Name"]
    service = make_service(http_namespace)["Name"]
    discover(NamespaceName=known, ServiceName=service)
    with raises("NamespaceNotFound"):
        discover(NamespaceName=unique_name("absent"), ServiceName=service)
    with raises("ServiceNotFound"):
        discover(NamespaceName=known, ServiceName=unique_name("absent"))


@proves("discovery.by-http-name-in-every-type")
def test_ids_are_not_names(cloudmap, make_service, http_namespace):
    """A namespace id in place of the name raises NamespaceNotFound, a service id ServiceNotFound."""
    service = make_service(http_namespace)
    with raises("NamespaceNotFound"):
        cloudmap.discover_instances(NamespaceName=http_namespace["Id"], ServiceName=service["Name"])
    with raises("ServiceNotFound"):
        cloudmap.discover_instances(NamespaceName=http_namespace["Name"], ServiceName=service["Id"])
