"""Rules for a service: its network, its registry, its load balancers, and combinations that are not allowed.

ecs ServiceRegistry, CreateServiceRequest; ECS Developer Guide, service discovery considerations. Errors are
InvalidParameterException unless another is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapService, CloudMapState
from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.connect.rules import parse_configuration
from surveyor_emulator.aws.ecs.lookup import find_task_definition, invalid_parameter
from surveyor_emulator.aws.ecs.state import (
    Cluster,
    NetworkConfiguration,
    ServiceLoadBalancer,
    ServiceRegistry,
    TaskDefinition,
    TaskTemplate,
)
from surveyor_emulator.aws.elb.lookup import find_target_group
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["MAX_DISCOVERED_TASKS", "build_template", "parse_percentages"]

MAX_DISCOVERED_TASKS = 1_000
LATEST = "1.4.0"
PLATFORM_VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", LATEST)
MAX_SUBNETS, MAX_GROUPS = 16, 5


def build_template(
    call: Call, cluster: Cluster, request: Mapping[str, Any], *, for_service: bool = True
) -> TaskTemplate:
    """Return the template of the tasks of a request."""
    definition = find_task_definition(call, request["taskDefinition"])
    if definition.status != "ACTIVE":
        raise ServiceError("ClientException", "TaskDefinition is inactive")
    strategy = tuple(request.get("capacityProviderStrategy") or ())
    launch_type = request.get("launchType")
    if strategy and launch_type:
        raise invalid_parameter("a launch type and a capacity provider strategy cannot be combined")
    if not launch_type:
        effective = strategy or tuple(cluster.capacity_provider_strategy)
        is_fargate = effective and all(str(entry["capacityProvider"]).startswith("FARGATE") for entry in effective)
        launch_type = "FARGATE" if is_fargate else "EC2"
    if launch_type == "FARGATE" and "FARGATE" not in definition.document["compatibilities"]:
        raise invalid_parameter("Task definition does not support launch_type FARGATE.")
    platform_version = _parse_platform_version(request.get("platformVersion")) if launch_type == "FARGATE" else None
    network = _parse_network(call, definition, request.get("networkConfiguration"))
    registries = request.get("serviceRegistries") or [] if for_service else []
    registry = _parse_registry(call, definition, registries, launch_type, platform_version) if registries else None
    connect = parse_configuration(call, cluster, definition, request, launch_type) if for_service else None
    load_balancers = _parse_load_balancers(call, definition, request.get("loadBalancers") or []) if for_service else ()
    return TaskTemplate(definition, launch_type, platform_version, network, registry, strategy, connect, load_balancers)


def parse_percentages(configuration: Mapping[str, Any] | None) -> tuple[int, int]:
    """Return minimumHealthyPercent and maximumPercent: 100 and 200 by default."""
    minimum = (configuration or {}).get("minimumHealthyPercent")
    maximum = (configuration or {}).get("maximumPercent")
    minimum, maximum = 100 if minimum is None else minimum, 200 if maximum is None else maximum
    if not 0 <= minimum <= 100 or maximum < 100:
        raise invalid_parameter("minimumHealthyPercent must be from 0 to 100, and maximumPercent at least 100")
    if minimum == maximum:
        raise invalid_parameter(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        )
    return minimum, maximum


def _parse_platform_version(version: str | None) -> str:
    if version in (None, "", "LATEST"):
        return LATEST
    if version not in PLATFORM_VERSIONS:
        raise ServiceError("PlatformUnknownException", "The specified platform version does not exist.")
    return version


def _parse_network(
    call: Call, definition: TaskDefinition, document: Mapping[str, Any] | None
) -> NetworkConfiguration | None:
    configuration = (document or {}).get("awsvpcConfiguration")
    if definition.network_mode != "awsvpc":
        if configuration:
            raise invalid_parameter(
                "Network Configuration is not valid for the given networkMode of this task definition."
            )
        return None
    if not configuration:
        raise invalid_parameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    subnets = tuple(configuration.get("subnets") or ())
    groups = tuple(configuration.get("securityGroups") or ())
    if not 0 < len(subnets) <= MAX_SUBNETS:
        raise invalid_parameter(f"subnets can have 1 to {MAX_SUBNETS} items.")
    if len(groups) > MAX_GROUPS:
        raise invalid_parameter(f"securityGroups can have at most {MAX_GROUPS} items.")
    known = ec2_state(call.world, call.account, call.region).subnets
    for subnet in subnets:
        if subnet not in known:
            raise invalid_parameter(
                f"Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does not exist"
            )
    if len({known[subnet].vpc for subnet in subnets}) > 1:
        raise invalid_parameter("subnets must be in one VPC")
    return NetworkConfiguration(subnets, groups, configuration.get("assignPublicIp") == "ENABLED")


def _parse_registry(
    call: Call,
    definition: TaskDefinition,
    entries: list[Mapping[str, Any]],
    launch_type: str,
    platform_version: str | None,
) -> ServiceRegistry:
    if len(entries) > 1:
        raise invalid_parameter("each service may be associated with one service registry")
    if definition.network_mode == "none":
        raise invalid_parameter("service discovery does not support the network mode none")
    if launch_type == "EXTERNAL":
        raise ServiceError("UnsupportedFeatureException", "external instances do not support service discovery")
    if platform_version is not None and platform_version < "1.1.0":
        raise invalid_parameter("service discovery needs Fargate platform version 1.1.0 or later")
    entry = entries[0]
    registry = ServiceRegistry(
        entry.get("registryArn") or "", entry.get("port"), entry.get("containerName"), entry.get("containerPort")
    )
    cloudmap_service = _find_cloudmap_service(call, registry)
    names_container = registry.container is not None or registry.container_port is not None
    if names_container and registry.port is not None:
        raise invalid_parameter("specify either containerName and containerPort, or port, not both")
    if names_container:
        _check_container_port(definition, registry)
    records = set(cloudmap_service.dns.ttls) if cloudmap_service.dns is not None else set()
    if definition.network_mode in ("bridge", "host"):
        if not names_container:
            raise invalid_parameter("in the network modes bridge and host containerName and containerPort are needed")
        if records - {"SRV"}:
            raise invalid_parameter("in the network modes bridge and host only SRV records are supported")
    elif "SRV" in records and not names_container and registry.port is None:
        raise invalid_parameter("SRV records need a port, or a containerName and containerPort")
    if "CNAME" in records:
        raise invalid_parameter("ECS registers addresses, which CNAME records do not have")
    return registry


def _find_cloudmap_service(call: Call, registry: ServiceRegistry) -> CloudMapService:
    """Return the Cloud Map service, which must be of this account and region."""
    prefix = f"arn:aws:servicediscovery:{call.region}:{call.account}:service/"
    if not registry.arn.startswith("arn:aws:servicediscovery:") or ":service/" not in registry.arn:
        raise invalid_parameter(f"{registry.arn!r} is not the ARN of a Cloud Map service")
    service = call.world.regional(CloudMapState, call.account, call.region).services.get(registry.service_id)
    if not registry.arn.startswith(prefix) or service is None:
        raise invalid_parameter(f"there is no service registry {registry.arn} in this account and region")
    return service


def _check_container_port(definition: TaskDefinition, registry: ServiceRegistry) -> None:
    if registry.container is None or registry.container_port is None:
        raise invalid_parameter("containerName and containerPort must be specified together")
    container = definition.container(registry.container)
    if container is None:
        raise invalid_parameter(f"The container {registry.container} does not exist in the task definition.")
    if registry.container_port not in {port.container for port in container.ports}:
        raise invalid_parameter(
            f"The container {registry.container} did not have a container port {registry.container_port}."
        )


def _parse_load_balancers(
    call: Call, definition: TaskDefinition, entries: list[Mapping[str, Any]]
) -> tuple[ServiceLoadBalancer, ...]:
    load_balancers: list[ServiceLoadBalancer] = []
    for entry in entries:
        arn, name, port = entry.get("targetGroupArn"), entry.get("containerName"), entry.get("containerPort")
        if not arn:
            raise ServiceError("UnsupportedFeatureException", "this target offers no Classic Load Balancers")
        container = definition.container(name or "")
        if container is None or port not in {mapping.container for mapping in container.ports}:
            raise invalid_parameter(f"The container {name} did not have a container port {port}.")
        if definition.network_mode != "awsvpc":
            raise invalid_parameter("target groups of the type ip need the network mode awsvpc")
        try:
            find_target_group(call, arn)
        except ServiceError:
            raise invalid_parameter(f"The specified target group {arn} does not exist.") from None
        load_balancers.append(ServiceLoadBalancer(arn, str(name), int(port or 0)))
    return tuple(load_balancers)
