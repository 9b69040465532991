"""Namespaces shared with another account."""

import json

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, proves

RED = {"colour": "red"}


@pytest.fixture
def shared(make_namespace, share_namespace):
    """Create a namespace that is shared with the consumer."""
    namespace = make_namespace("http")
    share_namespace(namespace)
    return namespace


@pytest.fixture
def consumer_cloudmap(consumer_client):
    """Return the Cloud Map client of the consumer."""
    return consumer_client("servicediscovery")


def is_refused(call):
    """Return whether a call fails with an error of the API; no document names its code."""
    try:
        call()
    except ClientError:
        return True
    return False


@proves("cross-account.consumers-use-shared-namespaces", "cross-account.arns-and-owner-account")
def test_consumer_creates_registers_and_discovers(
    shared, consumer_cloudmap, cloudmap, account, unique_name, eventually
):
    """With ARNs the consumer creates and registers, and with OwnerAccount it discovers; the owner discovers as well."""
    service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]
    consumer_cloudmap.register_instance(ServiceId=service["Arn"], InstanceId="i-1", Attributes=RED)
    names = {"NamespaceName": shared["Name"], "ServiceName": service["Name"]}

    def discovered(by, **owner):
        return [instance["InstanceId"] for instance in by.discover_instances(**names, **owner)["Instances"]]

    eventually(lambda: discovered(consumer_cloudmap, OwnerAccount=account) == ["i-1"], within=60)
    eventually(lambda: discovered(cloudmap) == ["i-1"], within=60)


@proves("cross-account.arns-and-owner-account")
def test_ids_and_names_alone_do_not_reach_another_account(
    shared, consumer_cloudmap, make_service, unique_name, account
):
    """A namespace is read by its ARN, not by its id; discovery without OwnerAccount searches the caller's account."""
    service = make_service(shared)
    assert consumer_cloudmap.get_namespace(Id=shared["Arn"])["Namespace"]["Id"] == shared["Id"]
    assert is_refused(lambda: consumer_cloudmap.get_namespace(Id=shared["Id"]))
    assert is_refused(lambda: consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Id"]))
    names = {"NamespaceName": shared["Name"], "ServiceName": service["Name"]}
    assert consumer_cloudmap.discover_instances(**names, OwnerAccount=account)["Instances"] == []
    assert is_refused(lambda: consumer_cloudmap.discover_instances(**names))


@proves("cross-account.consumers-do-not-manage")
def test_consumer_cannot_change_tag_or_share(shared, consumer_cloudmap, consumer_client, cloudmap, unique_name):
    """Updating, deleting, tagging and sharing are refused, and the namespace does not change."""
    arn = shared["Arn"]
    assert is_refused(lambda: consumer_cloudmap.update_http_namespace(Id=arn, Namespace={"Description": "consumer"}))
    assert is_refused(lambda: consumer_cloudmap.delete_namespace(Id=arn))
    assert is_refused(lambda: consumer_cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}]))
    assert is_refused(
        lambda: consumer_client("ram").create_resource_share(
            name=unique_name("share"), resourceArns=[arn], principals=["1" * 12]
        )
    )
    assert cloudmap.get_namespace(Id=shared["Id"])["Namespace"] == shared


@proves("cross-account.operations-of-others-are-not-listed")
def test_operations_are_listed_only_to_their_caller(
    shared, consumer_cloudmap, cloudmap, make_service, register, unique_name
):
    """The consumer's list lacks the owner's registration, and the owner's list lacks the consumer's."""
    ours = register(make_service(shared), "i-1", RED)["Id"]
    service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]["Arn"]
    other = consumer_cloudmap.register_instance(ServiceId=service, InstanceId="i-2", Attributes=RED)["OperationId"]

    def listed(by):
        pages = by.get_paginator("list_operations").paginate()
        return {operation["Id"] for page in pages for operation in page["Operations"]}

    assert ours in listed(cloudmap)
    assert other in listed(consumer_cloudmap)
    assert other not in listed(cloudmap)
    assert ours not in listed(consumer_cloudmap)


@proves("cross-account.dns-needs-vpc-association")
def test_names_resolve_after_the_association(
    make_namespace,
    share_namespace,
    make_service,
    register,
    consumer_client,
    consumer_account,
    route53,
    consumer_cloudmap,
    account,
    query_dns,
    eventually,
):
    """The consumer discovers at once; the resolver of its VPC answers only after the association with the zone."""
    namespace = make_namespace("private")
    share_namespace(namespace)
    service = make_service(namespace, DnsConfig=dns_config("A", ttl=5, policy=None))
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.7"})
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"], "OwnerAccount": account}
    eventually(lambda: consumer_cloudmap.discover_instances(**names)["Instances"], within=60)
    ec2 = consumer_client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    name = f"{service['Name']}.{namespace['Name']}"
    assert not query_dns(name, "A", vpc=vpc, account=consumer_account).answer
    zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    vpc_reference = {"VPCId": vpc, "VPCRegion": "us-east-1"}
    route53.create_vpc_association_authorization(HostedZoneId=zone, VPC=vpc_reference)
    consumer_client("route53").associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=vpc_reference)
    eventually(lambda: query_dns(name, "A", vpc=vpc, account=consumer_account).answer, within=60)


@proves("cross-account.lost-access-loses-services")
def test_withdrawn_share_removes_access_to_own_services(
    make_namespace, share_namespace, client, consumer_cloudmap, cloudmap, account, unique_name, eventually
):
    """After DisassociateResourceShare the consumer cannot access its own service; the owner still discovers it."""
    namespace = make_namespace("http")
    arn = share_namespace(namespace)
    service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=namespace["Arn"])["Service"]
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    consumer_cloudmap.discover_instances(**names, OwnerAccount=account)
    client("ram").disassociate_resource_share(resourceShareArn=arn, resourceArns=[namespace["Arn"]])
    eventually(lambda: is_refused(lambda: consumer_cloudmap.get_service(Id=service["Arn"])), within=60)
    eventually(
        lambda: is_refused(lambda: consumer_cloudmap.discover_instances(**names, OwnerAccount=account)), within=60
    )
    assert cloudmap.discover_instances(**names)["Instances"] == []


@proves("cross-account.sharing-needs-permissions")
@pytest.mark.parametrize("missing", ["PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"])
def test_sharing_needs_permission_on_the_namespace(
    client_limited_to, make_namespace, consumer_account, unique_name, missing
):
    """A role with all RAM permissions can share a namespace, but not if any of the three permissions is missing."""
    arn = make_namespace("http")["Arn"]
    everything = {"Effect": "Allow", "Action": ["ram:*", "servicediscovery:*"], "Resource": "*"}
    denied = {"Effect": "Deny", "Action": f"servicediscovery:{missing}", "Resource": "*"}

    def create_share(*statements):
        ram = client_limited_to(*statements)("ram")
        targets = {"resourceArns": [arn], "principals": [consumer_account], "allowExternalPrincipals": True}
        return ram.create_resource_share(name=unique_name("share"), **targets)["resourceShare"]

    assert is_refused(lambda: create_share(everything, denied)), json.dumps(denied)
    assert create_share(everything)["resourceShareArn"]
