"""Situations of Cloud Map: namespaces, services, instances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from surveyor import timeouts
from surveyor.clock import Clock
from surveyor.conformance.replay.situations import situation
from surveyor.fixtures.namespaces import CreatedNamespaces

__all__: list[str] = []

INSTANCE = "i-1"
A_RECORD = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]}
_IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def namespace_variables(namespace: Mapping[str, Any], vpc: str | None = None) -> dict[str, str]:
    """Return the variables that requests use for a namespace."""
    found = {"namespace": namespace["Id"], "namespace_arn": namespace["Arn"], "namespace_name": namespace["Name"]}
    return found | ({"vpc": vpc} if vpc else {})


def service_variables(service: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that requests use for a Cloud Map service."""
    return {"service": service["Id"], "service_arn": service["Arn"], "service_name": service["Name"]}


@situation("nothing")
def nothing() -> dict[str, str]:
    """Leave the account as it is."""
    return {}


@situation("vpc", "ec2")
def in_vpc(vpc: str) -> dict[str, str]:
    """Provide a VPC."""
    return {"vpc": vpc}


@situation("http-namespace")
def in_http_namespace(http_namespace: dict[str, Any]) -> dict[str, str]:
    """Provide an HTTP namespace."""
    return namespace_variables(http_namespace)


@situation("private-namespace", "route53", "ec2")
def in_private_namespace(private_namespace: dict[str, Any], created_namespaces: CreatedNamespaces) -> dict[str, str]:
    """Provide a private DNS namespace that was created without Properties."""
    return namespace_variables(private_namespace, created_namespaces.vpcs[private_namespace["Id"]])


@situation("public-namespace", "route53")
def in_public_namespace(public_namespace: dict[str, Any]) -> dict[str, str]:
    """Provide a public DNS namespace that was created without Properties."""
    return namespace_variables(public_namespace)


@situation("http-service")
def with_http_service(http_namespace: dict[str, Any], make_service: Callable[..., dict[str, Any]]) -> dict[str, str]:
    """Provide a service in an HTTP namespace, without a health check."""
    return namespace_variables(http_namespace) | service_variables(make_service(http_namespace))


@situation("http-instance")
def with_http_instance(
    http_namespace: dict[str, Any],
    make_service: Callable[..., dict[str, Any]],
    register: Callable[..., dict[str, Any]],
) -> dict[str, str]:
    """Provide such a service with one instance, i-1, which has an IPv4 address."""
    service = make_service(http_namespace)
    register(service, INSTANCE, {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    return namespace_variables(http_namespace) | service_variables(service)


@situation("custom-health-service", "custom-health")
def with_custom_health_service(
    http_namespace: dict[str, Any], make_service: Callable[..., dict[str, Any]]
) -> dict[str, str]:
    """Provide a service with a custom health check in an HTTP namespace."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    return namespace_variables(http_namespace) | service_variables(service)


@situation("private-service", "route53", "ec2")
def with_private_service(
    private_namespace: dict[str, Any], make_service: Callable[..., dict[str, Any]]
) -> dict[str, str]:
    """Provide a service with A records in a private DNS namespace."""
    service = make_service(private_namespace, DnsConfig=A_RECORD)
    return namespace_variables(private_namespace) | service_variables(service)


@situation("public-checked-service", "route53")
def with_public_checked_service(
    public_namespace: dict[str, Any], make_service: Callable[..., dict[str, Any]]
) -> dict[str, str]:
    """Provide a service with A records and an HTTP health check in a public DNS namespace."""
    check = {"Type": "HTTP", "ResourcePath": "/health", "FailureThreshold": 3}
    service = make_service(public_namespace, Description="checked", DnsConfig=A_RECORD, HealthCheckConfig=check)
    return namespace_variables(public_namespace) | service_variables(service)


@situation("ec2-instance", "ec2")
def with_ec2_instance(
    ec2: Any,
    vpc: str,
    clock: Clock,
    http_namespace: dict[str, Any],
    make_service: Callable[..., dict[str, Any]],
) -> Iterator[dict[str, str]]:
    """Provide a service in an HTTP namespace, and an EC2 instance that runs until the end of the test."""
    [described] = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=described["CidrBlock"])["Subnet"]["SubnetId"]
    started = ec2.run_instances(ImageId=_IMAGE, InstanceType="t3.nano", SubnetId=subnet, MinCount=1, MaxCount=1)
    identifier = started["Instances"][0]["InstanceId"]

    def running() -> dict[str, Any] | None:
        [reservation] = ec2.describe_instances(InstanceIds=[identifier])["Reservations"]
        instance: dict[str, Any] = reservation["Instances"][0]
        return instance if instance["State"]["Name"] == "running" else None

    try:
        instance = clock.eventually(running, within=timeouts.TASK)
        found = {"ec2_instance": identifier, "ec2_address": instance["PrivateIpAddress"]}
        yield found | namespace_variables(http_namespace) | service_variables(make_service(http_namespace))
    finally:
        ec2.terminate_instances(InstanceIds=[identifier])


@situation("shared-namespace", "sharing")
def in_shared_namespace(
    http_namespace: dict[str, Any], share_namespace: Callable[..., str], request: pytest.FixtureRequest
) -> dict[str, str]:
    """Provide an HTTP namespace that is shared with the consumer, who has accepted."""
    share_namespace(http_namespace)
    return namespace_variables(http_namespace) | {"consumer": request.getfixturevalue("consumer_account")}
