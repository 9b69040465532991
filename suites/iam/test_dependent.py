"""What a call needs beside its own action: Cloud Map goes to Route 53 and EC2 as its caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import ClientLimitedTo, MakeService, RecordSets, Register, UniqueName, WaitForOperation, proves

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


ZONES = ["route53:CreateHostedZone", "route53:GetHostedZone", "route53:ListHostedZonesByName"]
PLACES = ["ec2:DescribeVpcs", "ec2:DescribeRegions"]
REGISTERING = ["route53:GetHealthCheck", "route53:CreateHealthCheck", "route53:UpdateHealthCheck",
               "route53:ChangeResourceRecordSets", "ec2:DescribeInstances"]  # fmt: skip
DEREGISTERING = ["route53:GetHealthCheck", "route53:DeleteHealthCheck", "route53:UpdateHealthCheck",
                 "route53:ChangeResourceRecordSets"]  # fmt: skip
A: Any = {"DnsRecords": [{"Type": "A", "TTL": 60}]}
ADDRESS = {"AWS_INSTANCE_IPV4": "192.0.2.1"}


def allow(*actions: str) -> dict[str, Any]:
    """A statement that allows these, and to follow an operation and tag what is made."""
    also = ["servicediscovery:GetOperation", "servicediscovery:TagResource"]
    return {"Effect": "Allow", "Action": [*actions, *also], "Resource": "*"}


def lacks_permission(wait_for_operation: WaitForOperation, call: Callable[[], Mapping[str, Any]]) -> bool:
    """Whether a call is refused, or ends as an operation that failed, for lack of permission; it may be either."""
    try:
        answer = call()
    except ClientError as refusal:
        if refusal.response["Error"]["Code"] not in ("AccessDeniedException", "AccessDenied"):
            raise
        return True
    operation = wait_for_operation(answer)
    return (operation["Status"], operation.get("ErrorCode")) == ("FAIL", "ACCESS_DENIED")


@proves("iam.dns-namespaces-need-route53-and-ec2")
@pytest.mark.parametrize("missing", ZONES)
def test_public_namespace_needs_route53(
    client_limited_to: ClientLimitedTo, wait_for_operation: WaitForOperation, unique_name: UniqueName, missing: str
) -> None:
    """With all of Route 53's actions a public namespace is made, without any one of them it is not."""
    own = "servicediscovery:CreatePublicDnsNamespace"
    for wanted, actions in ((True, [one for one in ZONES if one != missing]), (False, ZONES)):
        caller, name = client_limited_to(allow(own, *actions))("servicediscovery"), f"{unique_name('ns')}.surveyor.test"
        assert lacks_permission(wait_for_operation, lambda: caller.create_public_dns_namespace(Name=name)) is wanted  # noqa: B023  # called at once


@proves("iam.dns-namespaces-need-route53-and-ec2", "operations.act-with-forwarded-credentials")
@pytest.mark.parametrize("missing", [*ZONES, *PLACES])
def test_private_namespace_needs_route53_and_ec2(
    client_limited_to: ClientLimitedTo,
    wait_for_operation: WaitForOperation,
    unique_name: UniqueName,
    vpc: str,
    missing: str,
) -> None:
    """With all of Route 53's and EC2's actions a private namespace is made, without any one of them it is not."""
    own, needed = "servicediscovery:CreatePrivateDnsNamespace", [*ZONES, *PLACES]
    for wanted, actions in ((True, [one for one in needed if one != missing]), (False, needed)):
        caller, name = client_limited_to(allow(own, *actions))("servicediscovery"), f"{unique_name('ns')}.surveyor.test"
        create = partial(caller.create_private_dns_namespace, Name=name, Vpc=vpc)
        assert lacks_permission(wait_for_operation, create) is wanted


@proves("iam.register-needs-route53")
def test_registration_needs_route53(
    client_limited_to: ClientLimitedTo,
    wait_for_operation: WaitForOperation,
    make_service: MakeService,
    private_namespace: dict[str, Any],
    cloudmap: ServiceDiscoveryClient,
    record_sets: RecordSets,
) -> None:
    """With its own action alone RegisterInstance leaves neither instance nor record; with those listed it succeeds."""
    service = make_service(private_namespace, DnsConfig=A)
    own, asked = "servicediscovery:RegisterInstance", {"ServiceId": service["Id"], "InstanceId": "i-1"}
    poor = client_limited_to(allow(own))("servicediscovery")
    assert lacks_permission(wait_for_operation, lambda: poor.register_instance(**asked, Attributes=ADDRESS))
    assert cloudmap.list_instances(ServiceId=service["Id"])["Instances"] == []
    assert record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}") == []
    rich = client_limited_to(allow(own, *REGISTERING))("servicediscovery")
    assert not lacks_permission(wait_for_operation, lambda: rich.register_instance(**asked, Attributes=ADDRESS))
    assert [one["Id"] for one in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-1"]


@proves("iam.deregister-needs-route53")
def test_deregistration_needs_route53(
    client_limited_to: ClientLimitedTo,
    wait_for_operation: WaitForOperation,
    make_service: MakeService,
    register: Register,
    private_namespace: dict[str, Any],
    cloudmap: ServiceDiscoveryClient,
    record_sets: RecordSets,
) -> None:
    """With its own action alone DeregisterInstance leaves all as it was; with those listed it succeeds."""
    service = make_service(private_namespace, DnsConfig=A)
    register(service, "i-1", ADDRESS)
    own, asked = "servicediscovery:DeregisterInstance", {"ServiceId": service["Id"], "InstanceId": "i-1"}
    name = f"{service['Name']}.{private_namespace['Name']}"
    poor = client_limited_to(allow(own))("servicediscovery")
    assert lacks_permission(wait_for_operation, lambda: poor.deregister_instance(**asked))
    assert [one["Id"] for one in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-1"]
    assert len(record_sets(private_namespace, name)) == 1
    rich = client_limited_to(allow(own, *DEREGISTERING))("servicediscovery")
    assert not lacks_permission(wait_for_operation, lambda: rich.deregister_instance(**asked))
    assert record_sets(private_namespace, name) == []
