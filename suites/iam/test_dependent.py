"""What a call needs beside its own action: Cloud Map goes to Route 53 and EC2 as its caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import proves

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

    from surveyor.fixtures.account import Unique
    from surveyor.fixtures.operations import Finish
    from surveyor.fixtures.permissions import Narrowed
    from surveyor.fixtures.records import RecordSets
    from surveyor.fixtures.services import MakeService, Register

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


def lacks_permission(finish: Finish, call: Callable[[], Mapping[str, Any]]) -> bool:
    """Whether a call is refused, or ends as an operation that failed, for lack of permission; it may be either."""
    try:
        answer = call()
    except ClientError as refusal:
        if refusal.response["Error"]["Code"] not in ("AccessDeniedException", "AccessDenied"):
            raise
        return True
    operation = finish(answer)
    return (operation["Status"], operation.get("ErrorCode")) == ("FAIL", "ACCESS_DENIED")


@proves("iam.dns-namespaces-need-route53-and-ec2")
@pytest.mark.parametrize("missing", ZONES)
def test_public_namespace_needs_route53(narrowed: Narrowed, finish: Finish, unique: Unique, missing: str) -> None:
    """With all of Route 53's actions a public namespace is made, without any one of them it is not."""
    own = "servicediscovery:CreatePublicDnsNamespace"
    for wanted, actions in ((True, [one for one in ZONES if one != missing]), (False, ZONES)):
        caller, name = narrowed(allow(own, *actions))("servicediscovery"), f"{unique('ns')}.surveyor.test"
        assert lacks_permission(finish, lambda: caller.create_public_dns_namespace(Name=name)) is wanted  # noqa: B023  # called at once


@proves("iam.dns-namespaces-need-route53-and-ec2", "operations.act-with-forwarded-credentials")
@pytest.mark.parametrize("missing", [*ZONES, *PLACES])
def test_private_namespace_needs_route53_and_ec2(
    narrowed: Narrowed, finish: Finish, unique: Unique, vpc: str, missing: str
) -> None:
    """With all of Route 53's and EC2's actions a private namespace is made, without any one of them it is not."""
    own, needed = "servicediscovery:CreatePrivateDnsNamespace", [*ZONES, *PLACES]
    for wanted, actions in ((True, [one for one in needed if one != missing]), (False, needed)):
        caller, name = narrowed(allow(own, *actions))("servicediscovery"), f"{unique('ns')}.surveyor.test"
        assert lacks_permission(finish, lambda: caller.create_private_dns_namespace(Name=name, Vpc=vpc)) is wanted  # noqa: B023  # called at once


@proves("iam.register-needs-route53")
def test_registration_needs_route53(
    narrowed: Narrowed,
    finish: Finish,
    make_service: MakeService,
    private_namespace: dict[str, Any],
    cloudmap: ServiceDiscoveryClient,
    record_sets: RecordSets,
) -> None:
    """With its own action alone RegisterInstance leaves neither instance nor record; with those listed it succeeds."""
    service = make_service(private_namespace, DnsConfig=A)
    own, asked = "servicediscovery:RegisterInstance", {"ServiceId": service["Id"], "InstanceId": "i-1"}
    poor = narrowed(allow(own))("servicediscovery")
    assert lacks_permission(finish, lambda: poor.register_instance(**asked, Attributes=ADDRESS))
    assert cloudmap.list_instances(ServiceId=service["Id"])["Instances"] == []
    assert record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}") == []
    rich = narrowed(allow(own, *REGISTERING))("servicediscovery")
    assert not lacks_permission(finish, lambda: rich.register_instance(**asked, Attributes=ADDRESS))
    assert [one["Id"] for one in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-1"]


@proves("iam.deregister-needs-route53")
def test_deregistration_needs_route53(
    narrowed: Narrowed,
    finish: Finish,
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
    poor = narrowed(allow(own))("servicediscovery")
    assert lacks_permission(finish, lambda: poor.deregister_instance(**asked))
    assert [one["Id"] for one in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-1"]
    assert len(record_sets(private_namespace, name)) == 1
    rich = narrowed(allow(own, *DEREGISTERING))("servicediscovery")
    assert not lacks_permission(finish, lambda: rich.deregister_instance(**asked))
    assert record_sets(private_namespace, name) == []
