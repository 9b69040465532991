"""Find an existing service by its name, with all by which its clients find and call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from surveyor.errors import UsageError
from surveyor.observers.load_balancer import FoundBalancer, find_balancer
from surveyor.observers.service_under_test import ConnectEndpoint, ServiceUnderTest
from surveyor.visible_text import one_line
from surveyor_agents import workload

__all__ = ["find_service", "parse_name"]

DEFAULT_STOP_TIMEOUT = 30
"""Seconds until SIGKILL if a container gives none (ecs/ContainerDefinition.stopTimeout)."""

DEFAULT_CHECK_INTERVAL = 30
"""Seconds between health checks of a container that gives none (ecs/HealthCheck.interval)."""

_NO_CLUSTER = "ClusterNotFoundException"

Client = Callable[[str], Any]


def parse_name(text: str, option: str) -> tuple[str, str]:
    """Return cluster and service of CLUSTER/SERVICE. Raises UsageError."""
    cluster, _, service = text.partition("/")
    if not cluster or not service or "/" in service:
        raise UsageError(f"{option}: expected CLUSTER/SERVICE, got {one_line(text)!r}")
    return cluster, service


def find_service(
    client: Client, account: str, region: str, full_name: str, path: str = "/", *, entry_points: bool = False
) -> ServiceUnderTest:
    """Return the service CLUSTER/SERVICE with its registry; with `entry_points` also what else clients call.

    That is a load balancer, or an endpoint of Service Connect; without `entry_points` it must have a registry. Raises
    UsageError if it does not exist or cannot be observed. `path`: what is called, "" for that of
    the health check of its target group, or `/`.
    """
    cluster, name = parse_name(full_name, "--service")
    ecs = client("ecs")
    service = _describe(ecs, cluster, name)
    if not service["desiredCount"]:
        raise UsageError(f"the service {full_name} has no tasks: its desired count is 0")
    registries = service.get("serviceRegistries") or ()
    if not registries and not entry_points:
        raise UsageError(f"{full_name} is in no registry: experiments need a service with service discovery")
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    balancer = find_balancer(client, service)
    connect = _connect_endpoint(client("servicediscovery"), service) if entry_points else None
    if not registries and not service.get("loadBalancers") and connect is None:
        raise UsageError(
            f"{full_name} has no service registry, no load balancer and no Service Connect endpoint: no client can "
            "find its tasks, so there is nothing to observe or to call"
        )
    first = registries[0] if registries else (service.get("loadBalancers") or [{}])[0]
    container = _container(definition, first)
    registry = _registry(client("servicediscovery"), registries[0]) if registries else None
    namespace, records = (registry["namespace"], registry["records"]) if registry else ({}, [])
    alias = f"{registry['Name']}.{namespace['Name']}" if registry and records else ""
    is_private = namespace.get("Type") == "DNS_PRIVATE"
    network = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return ServiceUnderTest(
        account=account,
        region=region,
        cluster=cluster,
        service=name,
        registry=registry["Id"] if registry else "",
        namespace=namespace.get("Name", ""),
        name=registry["Name"] if registry else "",
        alias=alias,
        vpc=_vpc(client("ec2"), network.get("subnets") or ()) if is_private or balancer.name[0] else "",
        port=_port(first, container, definition, connect),
        path=path or balancer.check_path or "/",
        health=bool(registry) and "HealthCheckCustomConfig" in (registry or {}),
        workload=workload.is_command(container.get("command") or ()),
        token=workload.token_of(container.get("command") or ()),
        family=str(definition["family"]),
        temporary=False,
        load_balancer=balancer.name,
        balancer_tls=balancer.tls,
        groups=balancer.groups,
        connect=connect,
        count=int(service["desiredCount"]),
        ttl=float(records[0]["TTL"]) if records else 0.0,
        is_daemon=service.get("schedulingStrategy") == "DAEMON",
        deregistration_delay=balancer.drain,
        stop_timeout=float(DEFAULT_STOP_TIMEOUT if (given := container.get("stopTimeout")) is None else given),
        grace=float(service.get("healthCheckGracePeriodSeconds") or 0),
        controller=str((service.get("deploymentController") or {}).get("type") or "ECS"),
        settings=_settings(full_name, service, container, records, alias, balancer, connect),
    )


def _describe(ecs: Any, cluster: str, name: str) -> Mapping[str, Any]:
    try:
        services = ecs.describe_services(cluster=cluster, services=[name])["services"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == _NO_CLUSTER:
            raise UsageError(f"there is no cluster {one_line(cluster)} in this account and Region") from None
        raise
    if not services or services[0].get("status") == "INACTIVE":
        raise UsageError(f"there is no service {one_line(name)} in the cluster {one_line(cluster)}")
    found: Mapping[str, Any] = services[0]
    return found


def _registry(cloudmap: Any, registered: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Cloud Map service, with its `namespace` and its A `records`."""
    found = cloudmap.get_service(Id=str(registered["registryArn"]).rpartition("/")[2])["Service"]
    namespace = cloudmap.get_namespace(Id=found["NamespaceId"])["Namespace"]
    records = [record for record in (found.get("DnsConfig") or {}).get("DnsRecords") or () if record["Type"] == "A"]
    return {**found, "namespace": dict(namespace), "records": records if namespace["Type"] != "HTTP" else []}


def _connect_endpoint(cloudmap: Any, service: Mapping[str, Any]) -> ConnectEndpoint | None:
    """Return the first endpoint that the service offers by Service Connect; None if it offers none.

    Clients call it by discovery name and namespace if its alias has no name (ecs/ServiceConnectClientAlias.dnsName).
    """
    primary: Mapping[str, Any] = next((one for one in service["deployments"] if one.get("status") == "PRIMARY"), {})
    configuration = primary.get("serviceConnectConfiguration") or {}
    resources = {one["discoveryName"]: one["discoveryArn"] for one in primary.get("serviceConnectResources") or ()}
    for offered in (configuration.get("services") or ()) if configuration.get("enabled") else ():
        name = str(offered.get("discoveryName") or offered["portName"])
        alias: Mapping[str, Any] = next(iter(offered.get("clientAliases") or ()), {})
        return ConnectEndpoint(
            dns_name=str(alias.get("dnsName") or f"{name}.{_namespace_name(cloudmap, configuration)}"),
            port=int(alias.get("port") or 0),
            port_name=str(offered["portName"]),
            registry=str(resources.get(name, "")).rpartition("/")[2],
        )
    return None


def _namespace_name(cloudmap: Any, configuration: Mapping[str, Any]) -> str:
    """Return the name of the namespace that a Service Connect configuration gives by its name or its ARN."""
    given = str(configuration.get("namespace") or "")
    if not given.startswith("arn:"):
        return given
    return str(cloudmap.get_namespace(Id=given.rpartition("/")[2])["Namespace"]["Name"])


def _port(
    registered: Mapping[str, Any],
    container: Mapping[str, Any],
    definition: Mapping[str, Any],
    connect: ConnectEndpoint | None,
) -> int:
    """Return the port of the tasks: the registered one, that of Service Connect, or the first of the container."""
    mappings = [mapping for one in definition["containerDefinitions"] for mapping in one.get("portMappings") or ()]
    named = [mapping for mapping in mappings if connect and mapping.get("name") == connect.port_name]
    ports = [mapping["containerPort"] for mapping in (*named, *(container.get("portMappings") or ()), *mappings)]
    return int(registered.get("containerPort") or registered.get("port") or (ports or [80])[0])


def _settings(
    full_name: str,
    service: Mapping[str, Any],
    container: Mapping[str, Any],
    records: list[Mapping[str, Any]],
    alias: str,
    balancer: FoundBalancer,
    connect: ConnectEndpoint | None,
) -> dict[str, str]:
    check = container.get("healthCheck")
    stop_timeout = container.get("stopTimeout")
    configuration = service.get("deploymentConfiguration") or {}
    strategy = str(configuration.get("strategy") or "ROLLING").lower().replace("_", "/")
    bounds = [str(configuration[name]) for name in ("minimumHealthyPercent", "maximumPercent") if name in configuration]
    return {
        "service": full_name,
        "tasks": str(service["desiredCount"]),
        "task definition": str(service["taskDefinition"]).rpartition("/")[2],
        **({"name": alias} if alias else {}),
        **({"TTL": f"{records[0]['TTL']} s"} if records else {}),
        **({"load balancer": f"{balancer.name[0]}:{balancer.name[1]}"} if balancer.name[0] else {}),
        **({"deregistration delay": f"{balancer.drain:g} s"} if balancer.drain else {}),
        **({"Service Connect": f"{connect.dns_name}:{connect.port}"} if connect else {}),
        "stopTimeout": f"{DEFAULT_STOP_TIMEOUT} s (default)" if stop_timeout is None else f"{stop_timeout} s",
        "container check": f"each {check.get('interval') or DEFAULT_CHECK_INTERVAL} s" if check else "none",
        "deployments": f"{strategy}, {' to '.join(bounds)} %" if bounds else strategy,
    }


def _container(definition: Mapping[str, Any], registered: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the container that is registered, by default the first."""
    containers = definition["containerDefinitions"]
    return next((found for found in containers if found["name"] == registered.get("containerName")), containers[0])


def _vpc(ec2: Any, subnets: Any) -> str:
    found = ec2.describe_subnets(SubnetIds=list(subnets[:1]))["Subnets"] if subnets else []
    return str(found[0]["VpcId"]) if found else ""
