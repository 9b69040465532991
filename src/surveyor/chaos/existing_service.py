"""A service that is there already, as an experiment sees it: found by its name, with the registry that it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveyor.chaos.service_under_test import ServiceUnderTest
from surveyor.errors import UsageError
from surveyor_agents import workload

__all__ = ["find_scene"]


def find_scene(
    client: Callable[[str], Any], account: str, region: str, wanted: str, path: str = "/"
) -> ServiceUnderTest:
    """The scene of CLUSTER/SERVICE. Raises UsageError for a service that is not there or cannot be looked at."""
    cluster, _, name = wanted.partition("/")
    ecs, cloudmap = client("ecs"), client("servicediscovery")
    found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found or found[0].get("status") == "INACTIVE":
        raise UsageError(f"there is no service {name} in the cluster {cluster}")
    service = found[0]
    if not service["desiredCount"]:
        raise UsageError(f"{wanted} has no tasks: there is nobody to do anything to")
    registries = service.get("serviceRegistries") or ()
    if not registries:
        raise UsageError(f"{wanted} is in no registry: experiments are about services with service discovery")
    known = cloudmap.get_service(Id=str(registries[0]["registryArn"]).rpartition("/")[2])["Service"]
    namespace = cloudmap.get_namespace(Id=known["NamespaceId"])["Namespace"]
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    container = _container(definition, registries[0])
    ports = [one["containerPort"] for one in container.get("portMappings") or ()]
    records = (known.get("DnsConfig") or {}).get("DnsRecords") or ()
    return ServiceUnderTest(
        account=account,
        region=region,
        cluster=cluster,
        service=name,
        registry=known["Id"],
        namespace=namespace["Name"],
        name=known["Name"],
        alias=f"{known['Name']}.{namespace['Name']}" if any(one["Type"] == "A" for one in records) else "",
        vpc=_vpc(client("ec2"), service) if namespace["Type"] == "DNS_PRIVATE" else "",
        port=int(registries[0].get("containerPort") or (ports or [80])[0]),
        path=path,
        health="HealthCheckCustomConfig" in known,
        workload=workload.source() in (container.get("command") or ()),
        own=False,
    )


def _container(definition: Mapping[str, Any], registry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one that is registered."""
    all_ = definition["containerDefinitions"]
    return next((one for one in all_ if one["name"] == registry.get("containerName")), all_[0])


def _vpc(ec2: Any, service: Mapping[str, Any]) -> str:
    network = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    subnets = network.get("subnets") or []
    found = ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"] if subnets else []
    return str(found[0]["VpcId"]) if found else ""
