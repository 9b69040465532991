"""Operations on services; the scheduler carries them out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.connect import endpoints
from surveyor_emulator.aws.ecs.connect.rules import check_names_free
from surveyor_emulator.aws.ecs.deployments import alarms, rollout, stages
from surveyor_emulator.aws.ecs.deployments.settings import parse_circuit_breaker, parse_early_success
from surveyor_emulator.aws.ecs.deployments.strategies import parse_strategy, refuse_without_traffic
from surveyor_emulator.aws.ecs.lookup import (
    ecs_state,
    find_cluster,
    find_namespace,
    find_service,
    invalid_parameter,
    make_arn,
    namespace_not_found,
    paginate,
)
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs, role_arn
from surveyor_emulator.aws.ecs.services import daemons, scheduler
from surveyor_emulator.aws.ecs.services.rules import (
    MAX_DISCOVERED_TASKS,
    build_template,
    parse_percentages,
    refuse_not_offered,
)
from surveyor_emulator.aws.ecs.shapes import format_load_balancers, format_registries, format_service
from surveyor_emulator.aws.ecs.state import Deployment, Service, TaskTemplate, TrafficStrategy
from surveyor_emulator.aws.ecs.tags import parse_tags
from surveyor_emulator.aws.ecs.tasks import load_balancers
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

MAX_DESCRIBED = 10
PAGE_SIZE = 10
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_KEPT = (
    "propagateTags",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "placementConstraints",
    "placementStrategy",
)
# A change of one of these starts a new deployment (ecs UpdateService).
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
    """Create a service; its tasks are started later, by the scheduler."""
    cluster, state = find_cluster(call, request.get("cluster")), ecs_state(call)
    name = request["serviceName"]
    token = request.get("clientToken")
    if token and ("CreateService", token) in state.tokens:
        created = find_service(call, cluster, state.tokens["CreateService", token][1][0])
        tasks = scheduler.active_tasks_of(call, created)
        return {"service": format_service(call, created, tasks, with_tags=True)}
    if not _NAME.fullmatch(name):
        raise invalid_parameter("a service's name has up to 255 letters, digits, hyphens and underscores")
    existing = state.services.get((cluster.name, name))
    if existing is not None and existing.status != "INACTIVE":
        raise invalid_parameter(
            "Creation of service was not idempotent."
            if existing.status == "ACTIVE"
            else "Unable to Start a service that is still Draining."
        )
    controller = (request.get("deploymentController") or {"type": "ECS"})["type"]
    _refuse_unsupported(request, controller)
    scheduling: str = request.get("schedulingStrategy") or "REPLICA"
    refuse_not_offered(request)
    daemons.refuse_for_daemons(scheduling, request, controller)
    registries = list(request.get("serviceRegistries") or ())
    if registries and any(entry.get("loadBalancerName") for entry in request.get("loadBalancers") or ()):
        raise invalid_parameter("service discovery does not support Classic Load Balancers")
    _refuse_role(request, has_registries=bool(registries))
    desired_count = _parse_desired_count(
        call,
        request.get("desiredCount"),
        has_registries=bool(registries),
        required=controller == "ECS" and scheduling == "REPLICA",
    )
    tags = parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    configuration: Any = request.get("deploymentConfiguration") or {}
    strategy = parse_strategy(configuration)
    if registries and strategy is not None:
        name = strategy.document["strategy"]
        raise invalid_parameter(f"service discovery needs rolling updates, not {name}")
    minimum, maximum = parse_percentages(daemons.add_percentages(scheduling, configuration))
    service = Service(
        name,
        make_arn(call, "service", cluster.name, name),
        cluster,
        desired_count,
        [],
        controller,
        scheduling,
        minimum,
        maximum,
        parse_circuit_breaker(configuration, controller),
        created=call.now,
        created_by=call.principal,
        rebalancing=request.get("availabilityZoneRebalancing") or daemons.REBALANCING[scheduling],
        grace_period=request.get("healthCheckGracePeriodSeconds") or 0,
        document={key: request[key] for key in _KEPT if request.get(key)}  # type: ignore[literal-required]  # keys are in a table
        | _role(call, request),
        strategy=strategy,
        early_success=parse_early_success(configuration, minimum),
        bake_seconds=_rolling_bake(configuration),
        alarms=configuration.get("alarms") or {},
    )
    if controller == "ECS":
        if not request.get("taskDefinition"):
            raise invalid_parameter("TaskDefinition cannot be blank.")
        template = build_template(call, cluster, request)
        daemons.refuse_providers(scheduling, template)
        if template.connect is not None:
            check_names_free(call, template.connect, service.arn)
        _begin_deployment(call, service, template, strategy)
    state.services[cluster.name, name] = service
    state.tags[service.arn] = tags
    if token:
        state.tokens["CreateService", token] = ({}, [service.arn])
    call.note("ecs.service.created", name)
    scheduler.run_soon(call, service)
    return {"service": format_service(call, service, [], with_tags=True)}


def update_service(call: Call, request: UpdateServiceRequestTypeDef) -> Document:
    """Change a service; a change of what its tasks are made of starts a new deployment."""
    cluster = find_cluster(call, request.get("cluster"))
    service = find_service(call, cluster, request["service"])
    if service.status != "ACTIVE":
        raise ServiceError("ServiceNotActiveException", "Service was not ACTIVE.")
    if service.controller == "EXTERNAL" and any(key in request for key in _DEPLOYED):
        raise invalid_parameter("Cannot update these fields on a service with an EXTERNAL deployment controller.")
    current = service.primary
    registry = current.template.registry if current is not None else None
    has_registries = bool(request["serviceRegistries"]) if "serviceRegistries" in request else registry is not None
    refuse_not_offered(request)
    daemons.refuse_for_daemons(service.scheduling_strategy, request, service.controller)
    new_count = service.desired_count if request.get("desiredCount") is None else request["desiredCount"]
    desired_count = _parse_desired_count(call, new_count, has_registries=has_registries, required=True)
    configuration: Any = request.get("deploymentConfiguration") or {}
    before = {"minimumHealthyPercent": service.minimum_percent, "maximumPercent": service.maximum_percent}
    percentages = daemons.add_percentages(service.scheduling_strategy, before | configuration)
    minimum, maximum = parse_percentages(percentages)
    breaker = service.circuit_breaker
    if "deploymentCircuitBreaker" in configuration:
        breaker = parse_circuit_breaker(configuration, service.controller)
    strategy = _parse_changed_strategy(service, configuration)
    kept: Any = {"earlySuccessCriteria": service.early_success} if strategy is None else {}
    early_success = parse_early_success({**kept, **configuration}, minimum)
    service.alarms = configuration.get("alarms") or service.alarms
    if current is not None and (request.get("forceNewDeployment") or any(key in request for key in _DEPLOYED)):
        template = build_template(call, cluster, _complete(strategy, current, request))
        daemons.refuse_providers(service.scheduling_strategy, template)
        if template.connect is not None:
            check_names_free(call, template.connect, service.arn)
        _begin_deployment(call, service, template, strategy)
    service.strategy, service.circuit_breaker, service.early_success = strategy, breaker, early_success
    if "bakeTimeInMinutes" in configuration:
        service.bake_seconds = _rolling_bake(configuration)
    if current is None or desired_count != service.desired_count:
        service.steady = False
    service.desired_count, service.minimum_percent, service.maximum_percent = desired_count, minimum, maximum
    if request.get("availabilityZoneRebalancing"):
        service.rebalancing = request["availabilityZoneRebalancing"]
    if request.get("healthCheckGracePeriodSeconds") is not None:
        service.grace_period = request["healthCheckGracePeriodSeconds"]
    for key in _KEPT:
        if request.get(key) is not None:
            service.document[key] = request[key]  # type: ignore[literal-required]  # keys are in a table
    call.note("ecs.service.updated", service.name, f"{service.desired_count} tasks")
    scheduler.run_soon(call, service)
    return {"service": format_service(call, service, scheduler.active_tasks_of(call, service))}


def delete_service(call: Call, request: DeleteServiceRequestTypeDef) -> Document:
    """Delete a service that is scaled to zero or of daemons, or with `force` any: it drains until its tasks stop.

    Scaled to zero it can be deleted although its tasks still run.
    """
    service = find_service(call, find_cluster(call, request.get("cluster")), request["service"])
    if service.status != "ACTIVE":
        raise ServiceError("ServiceNotFoundException", "Service not found.")
    tasks = scheduler.active_tasks_of(call, service)
    is_scaled_up = service.scheduling_strategy == "REPLICA" and service.desired_count > 0
    if not request.get("force") and is_scaled_up:
        raise invalid_parameter("The service cannot be stopped while it is scaled above 0.")
    service.status, service.desired_count = "DRAINING", 0
    scheduler.stop_all(call, service, f"Scaling activity initiated by (service {service.name})")
    call.note("ecs.service.deleted", service.name)
    scheduler.run_soon(call, service)
    return {"service": format_service(call, service, tasks)}


def describe_services(call: Call, request: DescribeServicesRequestTypeDef) -> Document:
    """Return services by name or ARN; unknown ones are failures."""
    cluster = find_cluster(call, request.get("cluster"))
    if not request["services"]:
        raise invalid_parameter("Services cannot be empty.")
    if len(request["services"]) > MAX_DESCRIBED:
        raise invalid_parameter(f"1 to {MAX_DESCRIBED} services are described at once")
    with_tags = "TAGS" in (request.get("include") or ())
    found, failures = [], []
    for reference in request["services"]:
        try:
            service = find_service(call, cluster, reference)
        except ServiceError:
            arn = reference if reference.startswith("arn:") else make_arn(call, "service", cluster.name, reference)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            tasks = scheduler.active_tasks_of(call, service)
            found.append(format_service(call, service, tasks, with_tags=with_tags))
    return {"services": found, "failures": failures}


def list_services(call: Call, request: ListServicesRequestTypeDef) -> Document:
    """Return ARNs of active services, a page at a time, ten by default."""
    cluster = find_cluster(call, request.get("cluster"))
    launch_type, strategy = request.get("launchType"), request.get("schedulingStrategy")
    matching = [
        service.arn
        for service in ecs_state(call).services.values()
        if service.cluster is cluster
        and service.status == "ACTIVE"
        and (strategy is None or service.scheduling_strategy == strategy)
        and (
            launch_type is None or (service.primary is not None and service.primary.template.launch_type == launch_type)
        )
    ]
    arns, token = paginate(matching, {"maxResults": PAGE_SIZE, **request})
    answer: dict[str, object] = {"serviceArns": arns}
    return {**answer, "nextToken": token} if token else answer


def list_services_by_namespace(call: Call, request: ListServicesByNamespaceRequestTypeDef) -> Document:
    """Return ARNs of the services that use Service Connect in a namespace, of all clusters."""
    namespace = find_namespace(call, request["namespace"])
    if namespace is None:
        raise namespace_not_found(request["namespace"])
    connected = [
        service.arn
        for service in ecs_state(call).services.values()
        if service.status == "ACTIVE"
        and service.primary is not None
        and service.primary.template.connect is not None
        and service.primary.template.connect.namespace_id == namespace.id
    ]
    arns, token = paginate(connected, {"maxResults": PAGE_SIZE, **request})
    answer: dict[str, object] = {"serviceArns": arns}
    return {**answer, "nextToken": token} if token else answer


def _begin_deployment(call: Call, service: Service, template: TaskTemplate, strategy: TrafficStrategy | None) -> None:
    number = call.world.random.randrange(10**18, 10**19)
    refuse_without_traffic(strategy, shifts_traffic=template.connect is not None or bool(template.load_balancers))
    before = service.last_completed or service.primary
    if strategy is not None:
        template = load_balancers.resolve(template, before.template if before is not None else None)
    deployment = Deployment(f"ecs-svc/{number}", template, created=call.now, updated=call.now)
    own_call = call_as_ecs(call.world, call.account, call.region)
    endpoints.publish(own_call, service, deployment)  # the last step that may be refused
    load_balancers.attach(own_call, template)
    service.strategy, has_tasks_before = strategy, bool(service.deployments)
    rollout.begin(call, service, deployment)
    if strategy is not None and has_tasks_before:
        stages.begin(own_call, service, deployment, scheduler.run_soon)
    else:
        load_balancers.set_share(own_call, deployment, 100.0)
    alarms.watch(own_call, service, deployment, scheduler.run_soon)


def _parse_changed_strategy(service: Service, configuration: Any) -> TrafficStrategy | None:
    """Return the strategy after UpdateService, which keeps what its deploymentConfiguration leaves out."""
    current = service.strategy
    if current is None or configuration.get("strategy", current.document["strategy"]) != current.document["strategy"]:
        return parse_strategy(configuration)
    return parse_strategy({**current.document, **configuration})


def _rolling_bake(configuration: Any) -> float | None:
    minutes = configuration.get("bakeTimeInMinutes")
    return None if minutes is None else minutes * 60.0


def _complete(strategy: TrafficStrategy | None, current: Deployment, request: Any) -> dict[str, Any]:
    """Return the request with the members that it omits filled in from the current deployment."""
    before = current.template
    registry = before.registry
    complete: dict[str, Any] = {"taskDefinition": before.definition.arn}
    if before.capacity_provider_strategy:
        complete["capacityProviderStrategy"] = list(before.capacity_provider_strategy)
    else:
        complete["launchType"] = before.launch_type
    if before.requested_platform is not None:
        complete["platformVersion"] = before.requested_platform
    if before.network is not None:
        complete["networkConfiguration"] = before.network.to_document()
    if registry is not None:
        complete["serviceRegistries"] = format_registries(registry)
    if before.load_balancers:
        complete["loadBalancers"] = format_load_balancers(before.load_balancers)
    if before.connect is not None:
        complete["serviceConnectConfiguration"] = before.connect.document
    if strategy is not None:
        complete["deploymentConfiguration"] = strategy.document
    changed = {key: request[key] for key in _DEPLOYED if request.get(key) is not None}
    if "capacityProviderStrategy" in changed:
        complete.pop("launchType", None)
    return complete | changed


def _parse_desired_count(call: Call, count: int | None, *, has_registries: bool, required: bool) -> int:
    if count is None:
        if required:
            raise invalid_parameter("desiredCount is needed for the REPLICA scheduling strategy")
        return 0
    max_count = call.world.settings.quotas.tasks_per_service
    if not 0 <= count <= max_count:
        raise invalid_parameter(f"desiredCount must be from 0 to {max_count}")
    if has_registries and count > MAX_DISCOVERED_TASKS:
        raise invalid_parameter(f"a service that uses service discovery has at most {MAX_DISCOVERED_TASKS} tasks")
    return count


def _refuse_unsupported(request: CreateServiceRequestTypeDef, controller: str) -> None:
    connect: Any = request.get("serviceConnectConfiguration") or {}
    if controller != "ECS" and connect.get("enabled"):
        raise invalid_parameter(f"Service Connect is not supported with the deployment controller {controller}")
    if controller == "CODE_DEPLOY":
        raise ServiceError("UnsupportedFeatureException", "this target does not offer the CODE_DEPLOY controller")


def _role(call: Call, request: CreateServiceRequestTypeDef) -> dict[str, str]:
    """Return roleArn: the given role, else the service-linked one where ECS calls other services for the tasks."""
    uses = ("role", "networkConfiguration", "serviceRegistries", "loadBalancers", "serviceConnectConfiguration")
    return {"roleArn": role_arn(call.account, request.get("role"))} if any(request.get(use) for use in uses) else {}


def _refuse_role(request: CreateServiceRequestTypeDef, *, has_registries: bool) -> None:
    if not request.get("role"):
        return
    if has_registries or request.get("networkConfiguration"):
        raise invalid_parameter("You cannot specify an IAM role for services that require a service linked role.")
    if not request.get("loadBalancers"):
        raise invalid_parameter("You cannot specify an IAM role for services without load balancers.")
