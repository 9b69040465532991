"""Find an existing service by its name, with the registry that it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveyor.errors import UsageError
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor_agents import workload

__all__ = ["find_service"]

DEFAULT_STOP_TIMEOUT = 30
"""Seconds until SIGKILL if a container gives none (ecs/ContainerDefinition.stopTimeout)."""

DEFAULT_CHECK_INTERVAL = 30
"""Seconds between health checks of a container that gives none (ecs/HealthCheck.interval)."""


def find_service(
    client: Callable[[str], Any], account: str, region: str, full_name: str, path: str = "/"
) -> ServiceUnderTest:
    """Return the service CLUSTER/SERVICE. Raises UsageError if it does not exist or cannot be observed."""
    cluster, _, name = full_name.partition("/")
    ecs, cloudmap = client("ecs"), client("servicediscovery")
    services = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not services or services[0].get("status") == "INACTIVE":
        raise UsageError(f"there is no service {name} in the cluster {cluster}")
    service = services[0]
    if not service["desiredCount"]:
        raise UsageError(f"the service {full_name} has no tasks: its desired count is 0")
    registries = service.get("serviceRegistries") or ()
    if not registries:
        raise UsageError(f"{full_name} is in no registry: experiments need a service with service discovery")
    registry = cloudmap.get_service(Id=str(registries[0]["registryArn"]).rpartition("/")[2])["Service"]
    namespace = cloudmap.get_namespace(Id=registry["NamespaceId"])["Namespace"]
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    container = _container(definition, registries[0])
    ports = [mapping["containerPort"] for mapping in container.get("portMappings") or ()]
    records = [record for record in (registry.get("DnsConfig") or {}).get("DnsRecords") or () if record["Type"] == "A"]
    return ServiceUnderTest(
        account=account,
        region=region,
        cluster=cluster,
        service=name,
        registry=registry["Id"],
        namespace=namespace["Name"],
        name=registry["Name"],
        alias=f"{registry['Name']}.{namespace['Name']}" if records else "",
        vpc=_vpc(client("ec2"), service) if namespace["Type"] == "DNS_PRIVATE" else "",
        port=int(registries[0].get("containerPort") or (ports or [80])[0]),
        path=path,
        health="HealthCheckCustomConfig" in registry,
        workload=workload.is_command(container.get("command") or ()),
        token=workload.token_of(container.get("command") or ()),
        family=str(definition["family"]),
        temporary=False,
        settings=_settings(full_name, service, container, records),
    )


def _settings(
    full_name: str, service: Mapping[str, Any], container: Mapping[str, Any], records: list[Mapping[str, Any]]
) -> dict[str, str]:
    check = container.get("healthCheck")
    stop_timeout = container.get("stopTimeout")
    return {
        "service": full_name,
        "tasks": str(service["desiredCount"]),
        **({"TTL": f"{records[0]['TTL']} s"} if records else {}),
        "stopTimeout": f"{DEFAULT_STOP_TIMEOUT} s (default)" if stop_timeout is None else f"{stop_timeout} s",
        "container check": f"each {check.get('interval') or DEFAULT_CHECK_INTERVAL} s" if check else "none",
    }


def _container(definition: Mapping[str, Any], registry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the container that is registered, by default the first."""
    containers = definition["containerDefinitions"]
    return next((found for found in containers if found["name"] == registry.get("containerName")), containers[0])


def _vpc(ec2: Any, service: Mapping[str, Any]) -> str:
    network = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    subnet_ids = network.get("subnets") or []
    subnets = ec2.describe_subnets(SubnetIds=subnet_ids[:1])["Subnets"] if subnet_ids else []
    return str(subnets[0]["VpcId"]) if subnets else ""
