"""Rules for a service: its network, its registry, its load balancers, and combinations that are not allowed.

ecs ServiceRegistry, CreateServiceRequest; ECS Developer Guide, service discovery considerations. Errors are
InvalidParameterException unless another is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapService, CloudMapState
from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.ecs.connect.rules import parse_configuration
from surveyor_emulator.aws.ecs.lookup import find_task_definition, invalid_parameter
from surveyor_emulator.aws.ecs.service_principal import call_other_service
from surveyor_emulator.aws.ecs.state import (
    Cluster,
    ContainerDefinition,
    NetworkConfiguration,
    ServiceLoadBalancer,
    ServiceRegistry,
    TaskDefinition,
    TaskTemplate,
)
from surveyor_emulator.aws.ecs.tasks.capacity_providers import Strategy, parse_strategy
from surveyor_emulator.aws.elb.lookup import find_rule, find_target_group, load_balancers_of
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["MAX_DISCOVERED_TASKS", "build_template", "parse_percentages", "refuse_not_offered"]

MAX_DISCOVERED_TASKS = 1_000
LATEST = "1.4.0"
PLATFORM_VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", LATEST)
MAX_SUBNETS, MAX_GROUPS = 16, 5
_NOT_OFFERED = {"vpcLatticeConfigurations": "VPC Lattice", "gatewayConnectors": "ECS gateways"}


def build_template(
    call: Call, cluster: Cluster, request: Mapping[str, Any], *, for_service: bool = True
) -> TaskTemplate:
    """Return the template of the tasks of a request."""
    definition = find_task_definition(call, request["taskDefinition"])
    if definition.status != "ACTIVE":
        raise ServiceError("ClientException", "TaskDefinition is inactive")
    refuse_not_offered(request)
    given = request.get("capacityProviderStrategy") or ()
    launch_type = request.get("launchType")
    if given and launch_type:
        raise invalid_parameter(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    strategy: Strategy = ()
    if not launch_type:
        strategy = parse_strategy(given or cluster.capacity_provider_strategy, cluster.capacity_providers)
        launch_type = "FARGATE" if strategy else "EC2"  # there are providers of Fargate only
    if launch_type == "FARGATE" and "FARGATE" not in definition.document["compatibilities"]:
        raise invalid_parameter("Task definition does not support launch_type FARGATE.")
    requested = (request.get("platformVersion") or "LATEST") if launch_type == "FARGATE" else None
    platform_version = _parse_platform_version(requested) if requested is not None else None
    network = _parse_network(call, definition, request.get("networkConfiguration"))
    registries = request.get("serviceRegistries") or [] if for_service else []
    registry = _parse_registry(call, definition, registries, launch_type, platform_version) if registries else None
    connect = parse_configuration(call, cluster, definition, request, launch_type) if for_service else None
    load_balancers = _parse_load_balancers(call, definition, request.get("loadBalancers") or []) if for_service else ()
    return TaskTemplate(
        definition, launch_type, platform_version, requested, network, registry, strategy, connect, load_balancers
    )


def refuse_not_offered(request: Mapping[str, Any]) -> None:
    """Refuse what ECS has and this target does not, so that no test takes silence for support."""
    found = [what for member, what in _NOT_OFFERED.items() if request.get(member)]
    if request.get("launchType") == "MANAGED_INSTANCES":
        found.append("managed instances")
    if found:
        raise ServiceError("UnsupportedFeatureException", f"this target does not offer {' and '.join(found)}")


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


def _parse_platform_version(version: str) -> str:
    if version == "LATEST":
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
    if not subnets:
        raise invalid_parameter("subnets can not be empty.")
    if len(subnets) > MAX_SUBNETS:
        raise invalid_parameter(f"subnets can have 1 to {MAX_SUBNETS} items.")
    if len(groups) > MAX_GROUPS:
        raise invalid_parameter(f"securityGroups can have at most {MAX_GROUPS} items.")
    state = ec2_state(call.world, call.account, call.region)
    known = state.subnets
    for subnet in subnets:
        if subnet not in known:
            raise invalid_parameter(
                f"Error retrieving subnet information for [{', '.join(subnets)}]: "
                f"The subnet ID '{subnet}' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
            )
    for group in groups:
        if group not in state.groups:
            raise invalid_parameter(
                f"Error retrieving security group information for [{', '.join(groups)}]: "
                f"The security group '{group}' does not exist (ErrorCode: InvalidGroup.NotFound)"
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
    records = set(cloudmap_service.dns.ttls) if cloudmap_service.dns is not None else set()
    has_pair = registry.container is not None and registry.container_port is not None
    if registry.port is not None and (registry.container is not None or registry.container_port is not None):
        raise invalid_parameter(
            "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both. "
            "Remove one and retry."
        )
    if definition.network_mode in ("bridge", "host"):
        if not has_pair:
            raise invalid_parameter(
                "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' "
                f"must be specified from the task definition. Registry: {registry.arn}"
            )
        if records - {"SRV"}:
            raise invalid_parameter("in the network modes bridge and host only SRV records are supported")
    elif "SRV" in records and not has_pair and registry.port is None:
        raise invalid_parameter("SRV records need a port, or a containerName and containerPort")
    elif records and "SRV" not in records:
        _refuse_port(registry)
    if "CNAME" in records:
        raise invalid_parameter("ECS registers addresses, which CNAME records do not have")
    _check_container(definition, registry)
    return registry


def _refuse_port(registry: ServiceRegistry) -> None:
    """Refuse the port of a registry whose records have none; the name of a container alone is accepted."""
    for name, value in (("Port", registry.port), ("containerPort", registry.container_port)):
        if value is not None:
            raise invalid_parameter(
                f"The values specified for serviceRegistries do not require a value for '{name}'. "
                f"Remove the value and retry. Registry: {registry.arn}"
            )


def _find_cloudmap_service(call: Call, registry: ServiceRegistry) -> CloudMapService:
    """Return the Cloud Map service, which must be of this account and region."""
    prefix = f"arn:aws:servicediscovery:{call.region}:{call.account}:service/"
    if not registry.arn.startswith("arn:aws:servicediscovery:") or ":service/" not in registry.arn:
        raise invalid_parameter(f"{registry.arn!r} is not the ARN of a Cloud Map service")
    service = call.world.regional(CloudMapState, call.account, call.region).services.get(registry.service_id)
    if not registry.arn.startswith(prefix) or service is None:
        raise invalid_parameter(f"there is no service registry {registry.arn} in this account and region")
    return service


def _check_container(definition: TaskDefinition, registry: ServiceRegistry) -> None:
    if registry.container is None:
        if registry.container_port is not None:
            raise invalid_parameter("containerPort needs a containerName")
        return
    container = _find_container(definition, registry.container)
    if registry.container_port is not None:
        _check_port(container, registry.container_port)


def _find_container(definition: TaskDefinition, name: str) -> ContainerDefinition:
    container = definition.container(name)
    if container is None:
        raise invalid_parameter(f"The container {name} does not exist in the task definition.")
    return container


def _check_port(container: ContainerDefinition, port: int | None) -> None:
    if port not in {mapping.container for mapping in container.ports}:
        raise invalid_parameter(f"The container {container.name} did not have a container port {port} defined.")


def _parse_load_balancers(
    call: Call, definition: TaskDefinition, entries: list[Mapping[str, Any]]
) -> tuple[ServiceLoadBalancer, ...]:
    load_balancers: list[ServiceLoadBalancer] = []
    for entry in entries:
        arn, name, port = entry.get("targetGroupArn"), entry.get("containerName"), entry.get("containerPort")
        if not arn:
            raise ServiceError("UnsupportedFeatureException", "this target offers no Classic Load Balancers")
        _check_port(_find_container(definition, name or ""), port)
        if definition.network_mode != "awsvpc":
            raise invalid_parameter("target groups of the type ip need the network mode awsvpc")
        group = call_other_service(partial(find_target_group, call, arn))
        if not load_balancers_of(call, group):  # ECS lets the production rule forward to the alternate one itself
            raise invalid_parameter(
                f"The target group with targetGroupArn {arn} does not have an associated load balancer."
            )
        advanced = entry.get("advancedConfiguration") or {}
        alternate = advanced.get("alternateTargetGroupArn") or ""
        production, test = advanced.get("productionListenerRule") or "", advanced.get("testListenerRule") or ""
        if advanced:
            if not alternate or not production or not advanced.get("roleArn"):
                raise invalid_parameter(
                    "advancedConfiguration needs alternateTargetGroupArn, productionListenerRule and roleArn."
                )
            call_other_service(partial(find_target_group, call, alternate))
            for rule in filter(None, (production, test)):
                call_other_service(partial(find_rule, call, rule))
        load_balancers.append(
            ServiceLoadBalancer(
                arn, str(name), int(port or 0), arn, alternate, production, test, advanced.get("roleArn") or ""
            )
        )
    return tuple(load_balancers)
