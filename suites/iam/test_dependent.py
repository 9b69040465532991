"""Permissions that a call needs besides its own action: Cloud Map calls Route 53 and EC2 as the caller."""

from functools import partial

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, for_each, proves

ZONES = ["route53:CreateHostedZone", "route53:GetHostedZone", "route53:ListHostedZonesByName"]
VPCS = ["ec2:DescribeVpcs", "ec2:DescribeRegions"]
REGISTERING = ["route53:GetHealthCheck", "route53:CreateHealthCheck", "route53:UpdateHealthCheck",
               "route53:ChangeResourceRecordSets", "ec2:DescribeInstances"]  # fmt: skip
DEREGISTERING = ["route53:GetHealthCheck", "route53:DeleteHealthCheck", "route53:UpdateHealthCheck",
                 "route53:ChangeResourceRecordSets"]  # fmt: skip
A = dns_config("A", policy=None)
ADDRESS = {"AWS_INSTANCE_IPV4": "192.0.2.1"}


def allow(*actions):
    """Return a statement that allows these actions, reading the operation, and tagging."""
    also = ["servicediscovery:GetOperation", "servicediscovery:TagResource"]
    return {"Effect": "Allow", "Action": [*actions, *also], "Resource": "*"}


def lacks_permission(wait_for_operation, call):
    """Return whether a call, or the operation that it starts, fails for lack of permission; either may happen."""
    try:
        answer = call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDeniedException", "AccessDenied"):
            raise
        return True
    operation = wait_for_operation(answer)
    return (operation["Status"], operation.get("ErrorCode")) == ("FAIL", "ACCESS_DENIED")


@proves("iam.dns-namespaces-need-route53-and-ec2")
@pytest.mark.parametrize("missing", ZONES)
def test_public_namespace_needs_route53(client_limited_to, wait_for_operation, unique_name, missing):
    """A public namespace is created with all Route 53 actions, and not if any of them is missing."""
    own = "servicediscovery:CreatePublicDnsNamespace"
    for is_denied, actions in ((True, [action for action in ZONES if action != missing]), (False, ZONES)):
        caller, name = client_limited_to(allow(own, *actions))("servicediscovery"), f"{unique_name('ns')}.surveyor.test"
        assert lacks_permission(wait_for_operation, lambda: caller.create_public_dns_namespace(Name=name)) is is_denied  # noqa: B023  # called at once


@proves("iam.dns-namespaces-need-route53-and-ec2", "operations.act-with-forwarded-credentials")
@pytest.mark.parametrize("missing", [*ZONES, *VPCS])
def test_private_namespace_needs_route53_and_ec2(client_limited_to, wait_for_operation, unique_name, vpc, missing):
    """A private namespace is created with all Route 53 and EC2 actions, and not if any of them is missing."""
    own, needed = "servicediscovery:CreatePrivateDnsNamespace", [*ZONES, *VPCS]
    for is_denied, actions in ((True, [action for action in needed if action != missing]), (False, needed)):
        caller, name = client_limited_to(allow(own, *actions))("servicediscovery"), f"{unique_name('ns')}.surveyor.test"
        create = partial(caller.create_private_dns_namespace, Name=name, Vpc=vpc)
        assert lacks_permission(wait_for_operation, create) is is_denied


@proves("operations.act-with-forwarded-credentials")
@for_each("value", ["true", "false"])
def test_forwarded_calls_are_made_by_a_service(client_limited_to, wait_for_operation, unique_name, value):
    """The calls to Route 53 meet the condition that a service makes them for the caller, and not its opposite."""
    # IAM User Guide, aws:ViaAWSService: "The request context key returns true when a service uses forward access
    # sessions to make a request on behalf of the original IAM principal."
    by_service = {**allow(*ZONES), "Condition": {"Bool": {"aws:ViaAWSService": value}}}
    caller = client_limited_to(allow("servicediscovery:CreatePublicDnsNamespace"), by_service)("servicediscovery")
    create = partial(caller.create_public_dns_namespace, Name=f"{unique_name('ns')}.surveyor.test")
    assert lacks_permission(wait_for_operation, create) is (value == "false")


@proves("iam.register-needs-route53")
def test_registration_needs_route53(
    client_limited_to, wait_for_operation, make_service, private_namespace, cloudmap, record_sets
):
    """With only its own action RegisterInstance creates neither instance nor record; with all actions it succeeds."""
    service = make_service(private_namespace, DnsConfig=A)
    own, instance = "servicediscovery:RegisterInstance", {"ServiceId": service["Id"], "InstanceId": "i-1"}
    limited = client_limited_to(allow(own))("servicediscovery")
    assert lacks_permission(wait_for_operation, lambda: limited.register_instance(**instance, Attributes=ADDRESS))
    assert cloudmap.list_instances(ServiceId=service["Id"])["Instances"] == []
    assert record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}") == []
    unused = {**instance, "ServiceId": make_service(private_namespace, DnsConfig=A)["Id"]}
    assert lacks_permission(wait_for_operation, lambda: limited.register_instance(**unused, Attributes=ADDRESS))
    cloudmap.delete_service(Id=unused["ServiceId"])
    permitted = client_limited_to(allow(own, *REGISTERING))("servicediscovery")
    assert not lacks_permission(wait_for_operation, lambda: permitted.register_instance(**instance, Attributes=ADDRESS))
    assert [entry["Id"] for entry in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-1"]


@proves("iam.deregister-needs-route53")
def test_deregistration_needs_route53(
    client_limited_to, wait_for_operation, make_service, register, private_namespace, cloudmap, record_sets
):
    """With only its own action DeregisterInstance changes nothing; with all listed actions it succeeds."""
    service = make_service(private_namespace, DnsConfig=A)
    register(service, "i-1", ADDRESS)
    own, instance = "servicediscovery:DeregisterInstance", {"ServiceId": service["Id"], "InstanceId": "i-1"}
    name = f"{service['Name']}.{private_namespace['Name']}"
    limited = client_limited_to(allow(own))("servicediscovery")
    assert lacks_permission(wait_for_operation, lambda: limited.deregister_instance(**instance))
    assert [entry["Id"] for entry in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-1"]
    assert len(record_sets(private_namespace, name)) == 1
    permitted = client_limited_to(allow(own, *DEREGISTERING))("servicediscovery")
    assert not lacks_permission(wait_for_operation, lambda: permitted.deregister_instance(**instance))
    assert record_sets(private_namespace, name) == []


@proves("iam.register-needs-route53", "iam.deregister-needs-route53")
@for_each(
    "register_without, deregister_without",
    [
        ("route53:ChangeResourceRecordSets", "route53:ChangeResourceRecordSets"),
        ("route53:CreateHealthCheck", "route53:DeleteHealthCheck"),
    ],
)
def test_each_permission_is_needed(
    client_limited_to, wait_for_operation, make_service, register, public_namespace, cloudmap,
    register_without, deregister_without,
):  # fmt: skip
    """In a service with records and health checks, both fail without the permission on one of these."""
    check = {"Type": "TCP"}
    service = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckConfig=check)["Id"]
    attributes = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}  # a name server of Route 53
    register({"Id": service}, "i-1", attributes)
    own = ["servicediscovery:RegisterInstance", "servicediscovery:DeregisterInstance"]
    missing = {register_without, deregister_without}
    actions = [action for action in {*REGISTERING, *DEREGISTERING} if action not in missing]
    limited = client_limited_to(allow(*own, *actions))("servicediscovery")
    instance = {"ServiceId": service, "InstanceId": "i-2", "Attributes": attributes}
    assert lacks_permission(wait_for_operation, lambda: limited.register_instance(**instance))
    assert lacks_permission(
        wait_for_operation, lambda: limited.deregister_instance(ServiceId=service, InstanceId="i-1")
    )
    assert [entry["Id"] for entry in cloudmap.list_instances(ServiceId=service)["Instances"]] == ["i-1"]
