"""Services: asked for here, brought about by the scheduler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.ecs import tags
from surveyor_emulator.aws.ecs.connect import endpoints
from surveyor_emulator.aws.ecs.connect.rules import check_names_free
from surveyor_emulator.aws.ecs.deployments import circuit_breaker
from surveyor_emulator.aws.ecs.deployments.blue_green import blue_green
from surveyor_emulator.aws.ecs.lookup import (
    ecs_state,
    find_cluster,
    find_service,
    invalid_parameter,
    make_arn,
)
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.services.rules import MAX_DISCOVERED_TASKS, parse_percentages, template
from surveyor_emulator.aws.ecs.shapes import format_service
from surveyor_emulator.aws.ecs.state import Deployment, Service, TaskTemplate
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        CreateServiceRequestTypeDef,
        DeleteServiceRequestTypeDef,
        DescribeServicesRequestTypeDef,
        ListServicesByNamespaceRequestTypeDef,
        ListServicesRequestTypeDef,
        UpdateServiceRequestTypeDef,
    )

__all__ = [
    "create_service",
    "delete_service",
    "describe_services",
    "list_services",
    "list_services_by_namespace",
    "update_service",
]

DESCRIBED_AT_ONCE = 10
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_KEPT = (
    "propagateTags",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "placementConstraints",
    "placementStrategy",
    "loadBalancers",
    "deploymentController",
)
# A change of one of these is a new deployment (ecs UpdateService).
_DEPLOYED = (
    "taskDefinition",
    "networkConfiguration",
    "platformVersion",
    "capacityProviderStrategy",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "loadBalancers",
)


def create_service(call: Call, request: CreateServiceRequestTypeDef) -> Document:
    """Make a service; the answer is the service, the tasks come later."""
    within, held = find_cluster(call, request.get("cluster")), ecs_state(call)
    name = request["serviceName"]
    token = request.get("clientToken")
    if token and ("CreateService", token) in held.tokens:
        made = find_service(call, within, held.tokens["CreateService", token][1][0])
        return {"service": format_service(call, made, scheduler.active_tasks_of(call, made), with_tags=True)}
    if not _NAME.fullmatch(name):
        raise invalid_parameter("a service's name has up to 255 letters, digits, hyphens and underscores")
    other = held.services.get((within.name, name))
    if other is not None and other.status != "INACTIVE":
        raise invalid_parameter(
            "Creation of service was not idempotent." if other.status == "ACTIVE" else "The service is draining."
        )
    controller = (request.get("deploymentController") or {"type": "ECS"})["type"]
    _refuse_not_offered(request, controller)
    registries = list(request.get("serviceRegistries") or ())
    if any(one.get("loadBalancerName") for one in request.get("loadBalancers") or ()) and registries:
        raise invalid_parameter("service discovery does not support Classic Load Balancers")
    _refuse_role(request, registries=bool(registries))
    desired = _desired(call, request.get("desiredCount"), discovered=bool(registries), needed=controller == "ECS")
    given_tags = tags.parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    configuration: Any = request.get("deploymentConfiguration") or {}
    strategy = blue_green(configuration)
    if registries and strategy is not None:
        raise invalid_parameter("service discovery goes with rolling updates")
    least, most = parse_percentages(configuration)
    made = Service(
        name,
        make_arn(call, "service", within.name, name),
        within,
        desired,
        [],
        controller,
        "REPLICA",
        least,
        most,
        _breaker(configuration, controller),
        created=call.now,
        created_by=call.principal,
        rebalancing=request.get("availabilityZoneRebalancing") or "ENABLED",
        grace_period=request.get("healthCheckGracePeriodSeconds") or 0,
        document={key: request[key] for key in _KEPT if request.get(key)},  # type: ignore[literal-required]  # keys are in a table
        blue_green=strategy,
    )
    if controller == "ECS":
        if not request.get("taskDefinition"):
            raise invalid_parameter("TaskDefinition cannot be blank.")
        _begin(call, made, template(call, within, request))
    held.services[within.name, name] = made
    if given_tags:
        held.tags[made.arn] = given_tags
    if token:
        held.tokens["CreateService", token] = ({}, [made.arn])
    call.note("ecs.service.created", name)
    scheduler.run_soon(call, made)
    return {"service": format_service(call, made, [], with_tags=True)}


def update_service(call: Call, request: UpdateServiceRequestTypeDef) -> Document:
    """Change a service; what its tasks are made of is a new deployment."""
    within = find_cluster(call, request.get("cluster"))
    found = find_service(call, within, request["service"])
    if found.status != "ACTIVE":
        raise ServiceError("ServiceNotActiveException", "Service was not ACTIVE.")
    if found.controller == "EXTERNAL" and any(key in request for key in _DEPLOYED):
        raise invalid_parameter("Cannot update these fields on a service with an EXTERNAL deployment controller.")
    current = found.primary
    registry = current.template.registry if current is not None else None
    discovered = bool(request["serviceRegistries"]) if "serviceRegistries" in request else registry is not None
    desired = found.desired_count
    if request.get("desiredCount") is not None:
        desired = _desired(call, request["desiredCount"], discovered=discovered, needed=True)
    configuration: Any = request.get("deploymentConfiguration") or {}
    least, most = parse_percentages(
        {"minimumHealthyPercent": found.minimum_percent, "maximumPercent": found.maximum_percent} | configuration
    )
    if current is not None and (request.get("forceNewDeployment") or any(key in request for key in _DEPLOYED)):
        if "strategy" in configuration:
            found.blue_green = blue_green(configuration)
        _begin(call, found, template(call, within, _merged(found, current, request)))
    if current is None or desired != found.desired_count:
        found.steady = False
    found.desired_count, found.minimum_percent, found.maximum_percent = desired, least, most
    if "deploymentCircuitBreaker" in configuration:
        found.circuit_breaker = _breaker(configuration, found.controller)
    if request.get("availabilityZoneRebalancing"):
        found.rebalancing = request["availabilityZoneRebalancing"]
    if request.get("healthCheckGracePeriodSeconds") is not None:
        found.grace_period = request["healthCheckGracePeriodSeconds"]
    for key in ("propagateTags", "enableExecuteCommand", "enableECSManagedTags"):
        if request.get(key) is not None:
            found.document[key] = request[key]
    call.note("ecs.service.updated", found.name, f"{found.desired_count} tasks")
    scheduler.run_soon(call, found)
    return {"service": format_service(call, found, scheduler.active_tasks_of(call, found))}


def delete_service(call: Call, request: DeleteServiceRequestTypeDef) -> Document:
    """Delete a service that is scaled to zero, or with `force` any: it drains until its tasks are stopping."""
    found = find_service(call, find_cluster(call, request.get("cluster")), request["service"])
    if found.status != "ACTIVE":
        raise ServiceError("ServiceNotFoundException", "Service not found.")
    running = scheduler.active_tasks_of(call, found)
    if not request.get("force") and (found.desired_count > 0 or any(one.should_run for one in running)):
        raise invalid_parameter("The service cannot be stopped while it is scaled above 0.")
    found.status, found.desired_count = "DRAINING", 0
    scheduler.stop_all(call, found, f"Scaling activity initiated by (service {found.name})")
    call.note("ecs.service.deleted", found.name)
    scheduler.run_soon(call, found)
    return {"service": format_service(call, found, running)}


def describe_services(call: Call, request: DescribeServicesRequestTypeDef) -> Document:
    """Services by name or ARN; those that are not there are failures."""
    within = find_cluster(call, request.get("cluster"))
    if not 0 < len(request["services"]) <= DESCRIBED_AT_ONCE:
        raise invalid_parameter(f"1 to {DESCRIBED_AT_ONCE} services are described at once")
    with_tags = "TAGS" in (request.get("include") or ())
    found, failures = [], []
    for reference in request["services"]:
        try:
            one = find_service(call, within, reference)
        except ServiceError:
            full = reference if reference.startswith("arn:") else make_arn(call, "service", within.name, reference)
            failures.append({"arn": full, "reason": "MISSING"})
        else:
            found.append(format_service(call, one, scheduler.active_tasks_of(call, one), with_tags=with_tags))
    return {"services": found, "failures": failures}


def list_services(call: Call, request: ListServicesRequestTypeDef) -> Document:
    """ARNs of active services, a page at a time, ten unless told."""
    within = find_cluster(call, request.get("cluster"))
    launch, strategy = request.get("launchType"), request.get("schedulingStrategy")
    wanted = [
        one.arn
        for one in ecs_state(call).services.values()
        if one.cluster is within
        and one.status == "ACTIVE"
        and (strategy is None or one.scheduling_strategy == strategy)
        and (launch is None or (one.primary is not None and one.primary.template.launch_type == launch))
    ]
    shown, token = paginate(wanted, {"maxResults": 10, **request})
    answer: dict[str, object] = {"serviceArns": shown}
    return {**answer, "nextToken": token} if token else answer


def list_services_by_namespace(call: Call, request: ListServicesByNamespaceRequestTypeDef) -> Document:
    """ARNs of the services that use Service Connect in a namespace, of all clusters."""
    held = call.world.regional(CloudMapState, call.account, call.region)
    given = request["namespace"]
    known = (held.namespaces.get(given.rpartition("/")[2]), held.namespaces_by_http_name.get(given))
    if not any(known):
        raise ServiceError("NamespaceNotFoundException", f"The namespace {given} was not found.")
    wanted = next(one for one in known if one is not None)
    connected = [
        one.arn
        for one in ecs_state(call).services.values()
        if one.status == "ACTIVE"
        and one.primary is not None
        and one.primary.template.connect is not None
        and one.primary.template.connect.namespace_id == wanted.id
    ]
    shown, token = paginate(connected, {"maxResults": 10, **request})
    answer: dict[str, object] = {"serviceArns": shown}
    return {**answer, "nextToken": token} if token else answer


def _begin(call: Call, of: Service, wanted: TaskTemplate) -> None:
    """Go to a deployment that was asked for."""
    if wanted.connect is not None:
        check_names_free(call, wanted.connect, of.arn)
    number = call.world.random.randrange(10**18, 10**19)
    made = Deployment(f"ecs-svc/{number}", wanted, created=call.now, updated=call.now)
    if of.blue_green is not None and of.deployments:
        made.stage = "SCALE_UP"
    own = call_as_ecs(call.world, call.account, call.region)
    endpoints.deploy(own, of, made)
    circuit_breaker.begin(call, of, made)


def _merged(service: Service, current: Deployment, request: Any) -> dict[str, Any]:
    """The request as if it had said everything that it leaves as it is."""
    before = current.template
    registry = before.registry
    said: dict[str, Any] = {"taskDefinition": before.definition.arn}
    if before.capacity_provider_strategy:
        said["capacityProviderStrategy"] = list(before.capacity_provider_strategy)
    else:
        said["launchType"] = before.launch_type
    if before.platform_version is not None:
        said["platformVersion"] = before.platform_version
    if before.network is not None:
        said["networkConfiguration"] = before.network.to_document()
    if registry is not None:
        said["serviceRegistries"] = [
            {
                "registryArn": registry.arn,
                "port": registry.port,
                "containerName": registry.container,
                "containerPort": registry.container_port,
            }
        ]
    if before.load_balancers:
        said["loadBalancers"] = [
            {"targetGroupArn": one.group, "containerName": one.container, "containerPort": one.port}
            for one in before.load_balancers
        ]
    if before.connect is not None:
        said["serviceConnectConfiguration"] = before.connect.document
    if service.blue_green is not None:
        said["deploymentConfiguration"] = service.blue_green.document
    changed = {key: request[key] for key in _DEPLOYED if request.get(key) is not None}
    if "capacityProviderStrategy" in changed:
        said.pop("launchType", None)
    return said | changed


def _desired(call: Call, given: int | None, *, discovered: bool, needed: bool) -> int:
    if given is None:
        if needed:
            raise invalid_parameter("desiredCount is needed for the REPLICA scheduling strategy")
        return 0
    most = call.world.settings.quotas.tasks_per_service
    if not 0 <= given <= most:
        raise invalid_parameter(f"desiredCount is to be from 0 to {most}")
    if discovered and given > MAX_DISCOVERED_TASKS:
        raise invalid_parameter(f"a service that uses service discovery has at most {MAX_DISCOVERED_TASKS} tasks")
    return given


def _refuse_not_offered(request: CreateServiceRequestTypeDef, controller: str) -> None:
    if request.get("schedulingStrategy") == "DAEMON":
        raise ServiceError("UnsupportedFeatureException", "this target does not offer the DAEMON scheduling strategy")
    connect: Any = request.get("serviceConnectConfiguration") or {}
    if controller != "ECS" and connect.get("enabled"):
        raise invalid_parameter(f"Service Connect is not supported with the deployment controller {controller}")
    if controller == "CODE_DEPLOY":
        raise ServiceError("UnsupportedFeatureException", "this target does not offer the CODE_DEPLOY controller")


def _refuse_role(request: CreateServiceRequestTypeDef, *, registries: bool) -> None:
    if not request.get("role"):
        return
    if registries:
        raise invalid_parameter("You cannot specify an IAM role for services that use service discovery.")
    if not request.get("loadBalancers"):
        raise invalid_parameter("You cannot specify an IAM role for services without load balancers.")


def _breaker(configuration: Any, controller: str) -> dict[str, Any]:
    given = dict(configuration.get("deploymentCircuitBreaker") or {"enable": False, "rollback": False})
    if given.get("enable") and controller != "ECS":
        raise invalid_parameter("the deployment circuit breaker goes with rolling updates")
    return given
