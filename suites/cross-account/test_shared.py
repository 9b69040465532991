"""Namespaces shared with another account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import (
    ClientFactory,
    ClientLimitedTo,
    Eventually,
    MakeNamespace,
    MakeService,
    QueryDns,
    Register,
    ShareNamespace,
    UniqueName,
    proves,
)

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


RED = {"colour": "red"}


@pytest.fixture
def shared(make_namespace: MakeNamespace, share_namespace: ShareNamespace) -> dict[str, Any]:
    """A namespace that the consumer has accepted."""
    namespace = make_namespace("http")
    share_namespace(namespace)
    return namespace


@pytest.fixture
def theirs(consumer_client: ClientFactory) -> ServiceDiscoveryClient:
    """Cloud Map as the consumer sees it."""
    made: ServiceDiscoveryClient = consumer_client("servicediscovery")
    return made


def refused(call: Callable[[], object]) -> bool:
    """Whether a call fails with an error of the API; no document names its code."""
    try:
        call()
    except ClientError:
        return True
    return False


@proves("cross-account.consumers-use-shared-namespaces", "cross-account.arns-and-owner-account")
def test_consumer_creates_registers_and_discovers(
    shared: dict[str, Any],
    theirs: ServiceDiscoveryClient,
    cloudmap: ServiceDiscoveryClient,
    account: str,
    unique_name: UniqueName,
    eventually: Eventually,
) -> None:
    """By ARNs the consumer fills the owner's namespace; with OwnerAccount it discovers, and the owner does as ever."""
    service = theirs.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]
    theirs.register_instance(ServiceId=service["Arn"], InstanceId="i-1", Attributes=RED)
    names: Any = {"NamespaceName": shared["Name"], "ServiceName": service["Name"]}

    def found(by: ServiceDiscoveryClient, **owner: Any) -> list[str]:
        return [one["InstanceId"] for one in by.discover_instances(**names, **owner)["Instances"]]

    eventually(lambda: found(theirs, OwnerAccount=account) == ["i-1"], within=60)
    eventually(lambda: found(cloudmap) == ["i-1"], within=60)


@proves("cross-account.arns-and-owner-account")
def test_ids_and_names_alone_do_not_reach_another_account(
    shared: dict[str, Any],
    theirs: ServiceDiscoveryClient,
    make_service: MakeService,
    unique_name: UniqueName,
    account: str,
) -> None:
    """The namespace is read by its ARN and not by its id; discovery without OwnerAccount looks in one's own account."""
    service = make_service(shared)
    assert theirs.get_namespace(Id=shared["Arn"])["Namespace"]["Id"] == shared["Id"]
    assert refused(lambda: theirs.get_namespace(Id=shared["Id"]))
    assert refused(lambda: theirs.create_service(Name=unique_name("svc"), NamespaceId=shared["Id"]))
    names: Any = {"NamespaceName": shared["Name"], "ServiceName": service["Name"]}
    assert theirs.discover_instances(**names, OwnerAccount=account)["Instances"] == []
    assert refused(lambda: theirs.discover_instances(**names))


@proves("cross-account.consumers-do-not-manage")
def test_consumer_neither_changes_nor_tags_nor_shares_on(
    shared: dict[str, Any],
    theirs: ServiceDiscoveryClient,
    consumer_client: ClientFactory,
    cloudmap: ServiceDiscoveryClient,
    unique_name: UniqueName,
) -> None:
    """Update, delete, tags and a share of its own are refused, and the namespace is as it was."""
    arn = shared["Arn"]
    assert refused(lambda: theirs.update_http_namespace(Id=arn, Namespace={"Description": "theirs"}))
    assert refused(lambda: theirs.delete_namespace(Id=arn))
    assert refused(lambda: theirs.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}]))
    assert refused(
        lambda: consumer_client("ram").create_resource_share(
            name=unique_name("share"), resourceArns=[arn], principals=["1" * 12]
        )
    )
    assert cloudmap.get_namespace(Id=shared["Id"])["Namespace"] == shared


@proves("cross-account.operations-of-others-are-not-listed")
def test_operations_are_listed_to_who_began_them(
    shared: dict[str, Any],
    theirs: ServiceDiscoveryClient,
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register: Register,
    unique_name: UniqueName,
) -> None:
    """The owner's registration is not in the consumer's list, nor the consumer's in the owner's."""
    ours = register(make_service(shared), "i-1", RED)["Id"]
    service = theirs.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]["Arn"]
    other = theirs.register_instance(ServiceId=service, InstanceId="i-2", Attributes=RED)["OperationId"]

    def listed(by: ServiceDiscoveryClient) -> set[str]:
        pages = by.get_paginator("list_operations").paginate()
        return {one["Id"] for page in pages for one in page["Operations"]}

    assert ours in listed(cloudmap)
    assert other in listed(theirs)
    assert other not in listed(cloudmap)
    assert ours not in listed(theirs)


@proves("cross-account.dns-needs-vpc-association")
def test_names_resolve_after_the_association(
    make_namespace: MakeNamespace,
    share_namespace: ShareNamespace,
    make_service: MakeService,
    register: Register,
    consumer_client: ClientFactory,
    consumer_account: str,
    route53: Route53Client,
    theirs: ServiceDiscoveryClient,
    account: str,
    query_dns: QueryDns,
    eventually: Eventually,
) -> None:
    """The consumer discovers at once; its VPC's resolver answers only once owner and consumer have associated it."""
    namespace = make_namespace("private")
    share_namespace(namespace)
    service = make_service(namespace, DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 5}]})
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.7"})
    names: Any = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"], "OwnerAccount": account}
    eventually(lambda: theirs.discover_instances(**names)["Instances"], within=60)
    ec2 = consumer_client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    name = f"{service['Name']}.{namespace['Name']}"
    assert not query_dns(name, "A", vpc=vpc, account=consumer_account).answer
    zone, place = namespace["Properties"]["DnsProperties"]["HostedZoneId"], {"VPCId": vpc, "VPCRegion": "us-east-1"}
    route53.create_vpc_association_authorization(HostedZoneId=zone, VPC=place)  # type: ignore[arg-type]  # plain dicts, as readers write them
    consumer_client("route53").associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=place)
    eventually(lambda: query_dns(name, "A", vpc=vpc, account=consumer_account).answer, within=60)


@proves("cross-account.lost-access-loses-services")
def test_withdrawn_share_takes_the_consumers_services(
    make_namespace: MakeNamespace,
    share_namespace: ShareNamespace,
    client: ClientFactory,
    theirs: ServiceDiscoveryClient,
    cloudmap: ServiceDiscoveryClient,
    account: str,
    unique_name: UniqueName,
    eventually: Eventually,
) -> None:
    """After DisassociateResourceShare the consumer reaches its own service no more; the owner still discovers it."""
    namespace = make_namespace("http")
    arn = share_namespace(namespace)
    service = theirs.create_service(Name=unique_name("svc"), NamespaceId=namespace["Arn"])["Service"]
    names: Any = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    theirs.discover_instances(**names, OwnerAccount=account)
    client("ram").disassociate_resource_share(resourceShareArn=arn, resourceArns=[namespace["Arn"]])
    eventually(lambda: refused(lambda: theirs.get_service(Id=service["Arn"])), within=60)
    eventually(lambda: refused(lambda: theirs.discover_instances(**names, OwnerAccount=account)), within=60)
    assert cloudmap.discover_instances(**names)["Instances"] == []


@proves("cross-account.sharing-needs-permissions")
@pytest.mark.parametrize("missing", ["PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"])
def test_sharing_needs_permission_on_the_namespace(
    client_limited_to: ClientLimitedTo,
    make_namespace: MakeNamespace,
    consumer_account: str,
    unique_name: UniqueName,
    missing: str,
) -> None:
    """Without any one of the three a role that may do all of RAM cannot share a namespace; with them it can."""
    arn = make_namespace("http")["Arn"]
    everything = {"Effect": "Allow", "Action": ["ram:*", "servicediscovery:*"], "Resource": "*"}
    denied = {"Effect": "Deny", "Action": f"servicediscovery:{missing}", "Resource": "*"}

    def shared_resources(*statements: dict[str, Any]) -> dict[str, Any]:
        ram = client_limited_to(*statements)("ram")
        asked: Any = {"resourceArns": [arn], "principals": [consumer_account], "allowExternalPrincipals": True}
        made: dict[str, Any] = ram.create_resource_share(name=unique_name("share"), **asked)["resourceShare"]
        return made

    assert refused(lambda: shared_resources(everything, denied)), json.dumps(denied)
    assert shared_resources(everything)["resourceShareArn"]
