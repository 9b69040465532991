"""Calls by which an account shows whether it permits what a run needs. None of them changes anything.

Reads are made as they are. Changes are refused for another reason when they are permitted: they name what cannot exist,
or break a documented rule that a service checks after permissions. EC2 has DryRun. What a policy limits by name has the
name of the run; what it limits by tag, the ids of `NO_ID`, which the printed policies allow beside the tag: a resource
that does not exist has no tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from surveyor.account.naming import NO_ID
from surveyor.account.tags import add_run_tag, add_tags, run_prefix
from surveyor.targets.retries import NO_CHECK, NO_RESOURCE, PREFLIGHT

__all__ = ["Probe", "probes_of"]

_NO_VPC, _NO_SUBNET, _NO_GATEWAY = (f"{kind}-{NO_RESOURCE}" for kind in ("vpc", "subnet", "igw"))
_NO_GROUP, _NO_INSTANCE = f"sg-{NO_RESOURCE}", f"i-{NO_RESOURCE}"
_NO_ZONE = "Z00000000000000000000"
_TOO_MANY = 51
"""Tags: a resource of Cloud Map has at most 50 (TooManyTagsException)."""


@dataclass(frozen=True)
class Probe:
    """One call: the method of boto3's client and its parameters."""

    service: str
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """The action of IAM: none of these operations has an abbreviation in its name."""
        name = "".join(word.capitalize() for word in self.method.split("_"))
        return f"{self.service}:{name}"


def probes_of(run: str, account: str, region: str, tags: Mapping[str, str] | None = None) -> list[Probe]:
    """Return the calls that show whether a run may create and delete. `tags`: those of the user."""
    name = f"{run_prefix(run)}{PREFLIGHT}"
    arn = f"arn:aws:servicediscovery:{region}:{account}"
    return [*_cloudmap(name, run, arn, tags or {}), *_route53(name, region), *_ec2(name, run), *_ecs(name), *_iam()]


def _cloudmap(name: str, run: str, arn: str, tags: Mapping[str, str]) -> list[Probe]:
    service, no_service, no_namespace = "servicediscovery", f"srv-{NO_ID}", f"ns-{NO_ID}"
    tagged = add_tags(service, "CreateService", add_run_tag(service, "CreateService", {}, run) or {}, tags)
    more = [{"Key": f"surveyor:{number}", "Value": ""} for number in range(_TOO_MANY - len(tagged["Tags"]))]
    too_many = [*tagged["Tags"], *more]
    instance = {"ServiceId": no_service, "InstanceId": name}
    return [
        Probe(service, "list_namespaces"),
        Probe(service, "list_services"),
        Probe(service, "list_operations"),
        Probe(service, "list_instances", {"ServiceId": no_service}),
        # What clients are denied shows only as calls that fail.
        Probe(service, "discover_instances", {"NamespaceName": name, "ServiceName": name}),
        Probe(service, "discover_instances_revision", {"NamespaceName": name, "ServiceName": name}),
        Probe(service, "create_http_namespace", {"Name": name, "Tags": too_many}),
        Probe(service, "create_private_dns_namespace", {"Name": f"{name}.test", "Vpc": _NO_VPC, "Tags": too_many}),
        Probe(service, "create_public_dns_namespace", {"Name": f"{name}.test", "Tags": too_many}),
        Probe(service, "create_service", {"Name": name, "NamespaceId": no_namespace, **tagged}),
        Probe(service, "tag_resource", {"ResourceARN": f"{arn}:namespace/{no_namespace}", **tagged}),
        Probe(service, "register_instance", {**instance, "Attributes": {"AWS_INSTANCE_IPV4": "192.0.2.1"}}),
        Probe(service, "deregister_instance", instance),
        Probe(service, "delete_service", {"Id": no_service}),
        Probe(service, "delete_namespace", {"Id": no_namespace}),
    ]


def _route53(name: str, region: str) -> list[Probe]:
    record = {"Name": f"{name}.surveyor.test", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    vpc = {"VPCRegion": region, "VPCId": _NO_VPC}
    # An endpoint's check needs an address or a name.
    nowhere = {"Type": "HTTP", "Port": 80, "ResourcePath": "/"}
    return [
        Probe("route53", "list_hosted_zones"),
        Probe("route53", "list_hosted_zones_by_name"),
        Probe("route53", "list_health_checks"),
        Probe("route53", "get_hosted_zone", {"Id": _NO_ZONE}),
        Probe("route53", "list_resource_record_sets", {"HostedZoneId": _NO_ZONE}),
        Probe("route53", "create_hosted_zone", {"Name": f"{name}.surveyor.test", "CallerReference": name, "VPC": vpc}),
        Probe("route53", "create_health_check", {"CallerReference": name, "HealthCheckConfig": nowhere}),
        Probe("route53", "change_resource_record_sets", {"HostedZoneId": _NO_ZONE, "ChangeBatch": batch}),
        Probe("route53", "delete_hosted_zone", {"Id": _NO_ZONE}),
        Probe("route53", "delete_health_check", {"HealthCheckId": NO_CHECK}),
    ]


def _ec2(name: str, run: str) -> list[Probe]:
    group = {"GroupName": name, "Description": name, "VpcId": _NO_VPC}
    creations: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("CreateVpc", "create_vpc", {"CidrBlock": "10.0.0.0/16"}),
        ("CreateSubnet", "create_subnet", {"CidrBlock": "10.0.0.0/24", "VpcId": _NO_VPC}),
        ("CreateInternetGateway", "create_internet_gateway", {}),
        ("CreateSecurityGroup", "create_security_group", group),
    )
    changes = (
        ("attach_internet_gateway", {"InternetGatewayId": _NO_GATEWAY, "VpcId": _NO_VPC}),
        ("detach_internet_gateway", {"InternetGatewayId": _NO_GATEWAY, "VpcId": _NO_VPC}),
        ("delete_internet_gateway", {"InternetGatewayId": _NO_GATEWAY}),
        ("delete_security_group", {"GroupId": _NO_GROUP}),
        ("delete_subnet", {"SubnetId": _NO_SUBNET}),
        ("delete_vpc", {"VpcId": _NO_VPC}),
        ("terminate_instances", {"InstanceIds": [_NO_INSTANCE]}),
    )
    described = ("vpcs", "subnets", "instances", "route_tables", "internet_gateways", "security_groups", "regions")
    return [
        *(Probe("ec2", f"describe_{kind}") for kind in described),
        *(
            Probe("ec2", method, {**(add_run_tag("ec2", operation, params, run) or params), "DryRun": True})
            for operation, method, params in creations
        ),
        *(Probe("ec2", method, {**params, "DryRun": True}) for method, params in changes),
    ]


def _ecs(name: str) -> list[Probe]:
    in_cluster = {"cluster": name, "service": name}
    definition = {"taskDefinition": f"{name}:1"}
    return [
        Probe("ecs", "list_clusters"),
        Probe("ecs", "list_task_definition_families", {"familyPrefix": name}),
        Probe("ecs", "list_services", {"cluster": name}),
        Probe("ecs", "list_tasks", {"cluster": name}),
        Probe("ecs", "describe_services", {"cluster": name, "services": [name]}),
        Probe("ecs", "describe_tasks", {"cluster": name, "tasks": ["0" * 32]}),
        # A name has letters, digits, hyphens and underscores; a definition has at least one container.
        Probe("ecs", "create_cluster", {"clusterName": f"{name}!"}),
        Probe("ecs", "register_task_definition", {"family": name, "containerDefinitions": []}),
        Probe("ecs", "create_service", {"cluster": name, "serviceName": name, "desiredCount": 0, **definition}),
        Probe("ecs", "run_task", {"cluster": name, **definition}),
        Probe("ecs", "update_service", {**in_cluster, "desiredCount": 0}),
        Probe("ecs", "stop_task", {"cluster": name, "task": "0" * 32}),
        Probe("ecs", "delete_service", in_cluster),
        Probe("ecs", "deregister_task_definition", definition),
        Probe("ecs", "delete_task_definitions", {"taskDefinitions": [f"{name}:1"]}),
        Probe("ecs", "delete_cluster", {"cluster": name}),
    ]


def _iam() -> list[Probe]:
    """Return reads only: no call of IAM that changes something is known to be refused after permissions are checked."""
    lists = [Probe("iam", f"list_{kind}") for kind in ("users", "groups", "roles")]
    return [*lists, Probe("iam", "list_policies", {"Scope": "Local"})]
