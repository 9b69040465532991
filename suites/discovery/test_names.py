"""What DiscoverInstances is asked with: names, not ids, in every type of namespace."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import NotOffered, dns_config, for_each, proves, raises, timeouts

OPERATIONS = ["discover_instances", "discover_instances_revision"]


@proves("discovery.by-http-name-in-every-type")
@for_each("kind", ["http", "private", "public"])
def test_instance_is_found_by_names(cloudmap, namespace_of_kind, make_service, register, eventually, kind):
    """An instance is found by the namespace's HttpName and the service's name, whatever the type of the namespace."""
    # servicediscovery/DiscoverInstances: "to discover instances for any type of namespace"
    namespace = namespace_of_kind(kind)
    dns = {} if kind == "http" else {"DnsConfig": dns_config("A", policy=None)}
    service, other = make_service(namespace, **dns), make_service(namespace, **dns)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(other, "i-2", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    http_name = namespace["Properties"]["HttpProperties"]["HttpName"]
    names = {"NamespaceName": http_name, "ServiceName": service["Name"]}
    [found] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert (found["InstanceId"], found["Attributes"]["AWS_INSTANCE_IPV4"]) == ("i-1", "192.0.2.1")
    assert (found["NamespaceName"], found["ServiceName"]) == (http_name, service["Name"])
    assert cloudmap.discover_instances_revision(**names)["InstancesRevision"] >= 1


@proves("discovery.by-http-name-in-every-type")
@for_each("operation", OPERATIONS)
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
@for_each("operation", OPERATIONS)
def test_ids_are_not_names(cloudmap, make_service, http_namespace, operation):
    """A namespace id in place of the name raises NamespaceNotFound, a service id ServiceNotFound."""
    discover, service = getattr(cloudmap, operation), make_service(http_namespace)
    with raises("NamespaceNotFound"):
        discover(NamespaceName=http_namespace["Id"], ServiceName=service["Name"])
    with raises("ServiceNotFound"):
        discover(NamespaceName=http_namespace["Name"], ServiceName=service["Id"])


@proves("discovery.by-http-name-in-every-type")
@for_each("operation", OPERATIONS)
def test_service_of_another_namespace_is_unknown(cloudmap, make_namespace, make_service, http_namespace, operation):
    """A service is found by its name in its own namespace only."""
    other = make_namespace("http")
    service = make_service(http_namespace)["Name"]
    with raises("ServiceNotFound"):
        getattr(cloudmap, operation)(NamespaceName=other["Name"], ServiceName=service)


@proves("discovery.owner-account")
@for_each("operation", OPERATIONS)
def test_owner_account_names_the_owner(cloudmap, make_service, account, http_namespace, operation):
    """The caller's own account may be named as OwnerAccount; with one that shares nothing the call is refused."""
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": make_service(http_namespace)["Name"]}
    discover = getattr(cloudmap, operation)
    assert discover(**names, OwnerAccount=account)["InstancesRevision"] == discover(**names)["InstancesRevision"]
    with pytest.raises(ClientError) as refusal:  # no document names the error
        discover(**names, OwnerAccount="999999999999")
    assert not isinstance(refusal.value, NotOffered)
