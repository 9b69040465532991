"""What a service may be: its network, its registry, and what goes with neither.

ecs ServiceRegistry, CreateServiceRequest; ECS Developer Guide, service discovery considerations. Errors are
InvalidParameterException unless another is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapService as Discovery
from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.connect.rules import connect
from surveyor_emulator.aws.ecs.lookup import find_task_definition, invalid_parameter
from surveyor_emulator.aws.ecs.state import (
    Cluster,
    NetworkConfiguration,
    ServiceLoadBalancer,
    ServiceRegistry,
    TaskDefinition,
    TaskTemplate,
)
from surveyor_emulator.aws.elb.find import group
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["MAX_DISCOVERED_TASKS", "parse_percentages", "template"]

MAX_DISCOVERED_TASKS = 1_000
LATEST = "1.4.0"
PLATFORMS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", LATEST)
MOST_SUBNETS, MOST_GROUPS = 16, 5


def template(call: Call, within: Cluster, request: Mapping[str, Any], *, for_service: bool = True) -> TaskTemplate:
    """What tasks of this request have in common."""
    found = find_task_definition(call, request["taskDefinition"])
    if found.status != "ACTIVE":
        raise ServiceError("ClientException", "TaskDefinition is inactive")
    strategy = tuple(request.get("capacityProviderStrategy") or ())
    launch = request.get("launchType")
    if strategy and launch:
        raise invalid_parameter("a launch type and a capacity provider strategy do not go together")
    if not launch:
        given = strategy or tuple(within.capacity_provider_strategy)
        launch = (
            "FARGATE" if given and all(str(one["capacityProvider"]).startswith("FARGATE") for one in given) else "EC2"
        )
    if launch == "FARGATE" and "FARGATE" not in found.document["compatibilities"]:
        raise invalid_parameter("Task definition does not support launch_type FARGATE.")
    platform = _platform(request.get("platformVersion")) if launch == "FARGATE" else None
    network = _network(call, found, request.get("networkConfiguration"))
    registries = request.get("serviceRegistries") or [] if for_service else []
    registry = _registry(call, found, registries, launch, platform) if registries else None
    connected = connect(call, within, found, request, launch) if for_service else None
    fronts = _balancers(call, found, request.get("loadBalancers") or []) if for_service else ()
    return TaskTemplate(found, launch, platform, network, registry, strategy, connected, fronts)


def parse_percentages(given: Mapping[str, Any] | None) -> tuple[int, int]:
    """minimumHealthyPercent and maximumPercent: 100 and 200 by default."""
    told = given or {}
    least = told.get("minimumHealthyPercent")
    most = told.get("maximumPercent")
    least, most = 100 if least is None else least, 200 if most is None else most
    if not 0 <= least <= 100 or most < 100:
        raise invalid_parameter("minimumHealthyPercent is to be from 0 to 100, and maximumPercent at least 100")
    if least == most:
        raise invalid_parameter(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        )
    return least, most


def _platform(given: str | None) -> str:
    if given in (None, "", "LATEST"):
        return LATEST
    if given not in PLATFORMS:
        raise ServiceError("PlatformUnknownException", "The specified platform version does not exist.")
    return given


def _network(call: Call, found: TaskDefinition, given: Mapping[str, Any] | None) -> NetworkConfiguration | None:
    inner = (given or {}).get("awsvpcConfiguration")
    if found.network_mode != "awsvpc":
        if inner:
            raise invalid_parameter(
                "Network Configuration is not valid for the given networkMode of this task definition."
            )
        return None
    if not inner:
        raise invalid_parameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    subnets, groups = tuple(inner.get("subnets") or ()), tuple(inner.get("securityGroups") or ())
    if not 0 < len(subnets) <= MOST_SUBNETS:
        raise invalid_parameter(f"subnets can have 1 to {MOST_SUBNETS} items.")
    if len(groups) > MOST_GROUPS:
        raise invalid_parameter(f"securityGroups can have at most {MOST_GROUPS} items.")
    known = ec2_state(call.world, call.account, call.region).subnets
    for one in subnets:
        if one not in known:
            raise invalid_parameter(
                f"Error retrieving subnet information for [{one}]: The subnet ID '{one}' does not exist"
            )
    if len({known[one].vpc for one in subnets}) > 1:
        raise invalid_parameter("subnets are to be in one VPC")
    return NetworkConfiguration(subnets, groups, inner.get("assignPublicIp") == "ENABLED")


def _registry(
    call: Call, found: TaskDefinition, given: list[Mapping[str, Any]], launch: str, platform: str | None
) -> ServiceRegistry:
    if len(given) > 1:
        raise invalid_parameter("each service may be associated with one service registry")
    if found.network_mode == "none":
        raise invalid_parameter("service discovery does not support the network mode none")
    if launch == "EXTERNAL":
        raise ServiceError("UnsupportedFeatureException", "external instances do not support service discovery")
    if platform is not None and platform < "1.1.0":
        raise invalid_parameter("service discovery needs Fargate platform version 1.1.0 or later")
    one = given[0]
    registry = ServiceRegistry(
        one.get("registryArn") or "", one.get("port"), one.get("containerName"), one.get("containerPort")
    )
    discovery = _discovery(call, registry)
    named = registry.container is not None or registry.container_port is not None
    if named and registry.port is not None:
        raise invalid_parameter("either containerName and containerPort or port is to be given, not both")
    if named:
        _named_port(found, registry)
    records = set(discovery.dns.ttls) if discovery.dns is not None else set()
    if found.network_mode in ("bridge", "host"):
        if not named:
            raise invalid_parameter("in the network modes bridge and host containerName and containerPort are needed")
        if records - {"SRV"}:
            raise invalid_parameter("in the network modes bridge and host only SRV records are supported")
    elif "SRV" in records and not named and registry.port is None:
        raise invalid_parameter("SRV records need a port, or a containerName and containerPort")
    if "CNAME" in records:
        raise invalid_parameter("ECS registers addresses, which CNAME records do not have")
    return registry


def _discovery(call: Call, registry: ServiceRegistry) -> Discovery:
    """The Cloud Map service, of this account and region."""
    prefix = f"arn:aws:servicediscovery:{call.region}:{call.account}:service/"
    if not registry.arn.startswith("arn:aws:servicediscovery:") or ":service/" not in registry.arn:
        raise invalid_parameter(f"{registry.arn!r} is not the ARN of a Cloud Map service")
    found = call.world.regional(CloudMapState, call.account, call.region).services.get(registry.service_id)
    if not registry.arn.startswith(prefix) or found is None:
        raise invalid_parameter(f"there is no service registry {registry.arn} in this account and region")
    return found


def _named_port(found: TaskDefinition, registry: ServiceRegistry) -> None:
    if registry.container is None or registry.container_port is None:
        raise invalid_parameter("containerName and containerPort go together")
    container = found.container(registry.container)
    if container is None:
        raise invalid_parameter(f"The container {registry.container} does not exist in the task definition.")
    if registry.container_port not in {one.container for one in container.ports}:
        raise invalid_parameter(
            f"The container {registry.container} did not have a container port {registry.container_port}."
        )


def _balancers(
    call: Call, definition: TaskDefinition, given: list[Mapping[str, Any]]
) -> tuple[ServiceLoadBalancer, ...]:
    """What a request's loadBalancers say. Raises InvalidParameterException."""
    found: list[ServiceLoadBalancer] = []
    for one in given:
        arn, name, port = one.get("targetGroupArn"), one.get("containerName"), one.get("containerPort")
        if not arn:
            raise ServiceError("UnsupportedFeatureException", "this target offers no Classic Load Balancers")
        container = definition.container(name or "")
        if container is None or port not in {each.container for each in container.ports}:
            raise invalid_parameter(f"The container {name} did not have a container port {port}.")
        if definition.network_mode != "awsvpc":
            raise invalid_parameter("target groups of the type ip need the network mode awsvpc")
        try:
            group(call, arn)
        except ServiceError:
            raise invalid_parameter(f"The specified target group {arn} does not exist.") from None
        found.append(ServiceLoadBalancer(arn, str(name), int(port or 0)))
    return tuple(found)
