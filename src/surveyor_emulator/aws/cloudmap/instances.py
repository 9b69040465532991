"""Operations on instances. Registering and deregistering are asynchronous, one at a time for each service and id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_policies.dependent import DEPENDENT, TYPES

from . import discovery, health, operations, records
from .instance_rules import EC2_INSTANCE, INITIAL_HEALTH, IPV4, check_attributes
from .lookup import cloudmap_state, find_instance, find_service, invalid_input
from .paging import page
from .state import CloudMapService, RegisteredInstance

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        DeregisterInstanceRequestTypeDef,
        GetInstanceRequestTypeDef,
        ListInstancesRequestTypeDef,
        RegisterInstanceRequestTypeDef,
    )

__all__ = ["deregister_instance", "get_instance", "list_instances", "register_instance"]


def register_instance(call: Call, request: RegisterInstanceRequestTypeDef) -> Document:
    """Register an instance, or replace the instance with that id and all its attributes."""
    service = find_service(call, request["ServiceId"])
    instance_id = request["InstanceId"]
    quotas = call.world.settings.quotas
    attributes = dict(request["Attributes"])
    check_attributes(service, attributes, quotas)
    if EC2_INSTANCE in attributes:
        attributes[IPV4] = _private_address(call, attributes[EC2_INSTANCE])
    subject = ("instance", service.id, instance_id)
    token = request.get("CreatorRequestId")
    running = cloudmap_state(call).running.get(subject)
    if running is not None and token is not None and cloudmap_state(call).tokens.get((service.id, token)) == running.id:
        return {"OperationId": running.id}
    operations.refuse_if_running(call, *subject)
    if instance_id not in service.instances:
        _refuse_over_quota(call, service)

    def work() -> None:
        before = service.instances.get(instance_id)
        registered = RegisteredInstance(
            before.number if before is not None else next(cloudmap_state(call).numbers),
            instance_id,
            attributes,
            token,
            registered_by=call.creator,
            status=attributes.get(INITIAL_HEALTH, "HEALTHY") if service.custom_health else "HEALTHY",
        )
        records.write(call, service, registered, before)
        if before is not None:
            health.cancel_status_change(before)
        service.instances[instance_id] = registered
        discovery.publish_membership(call, service, instance_id, registered)
        call.note("instance.registered", instance_id, service.name)

    targets = {"INSTANCE": instance_id, "SERVICE": service.id}
    dependent_actions = _dependent_actions(call, service, attributes)
    answer = operations.start(call, "REGISTER_INSTANCE", subject, targets, work, dependent_actions=dependent_actions)
    if token is not None:
        cloudmap_state(call).tokens[service.id, token] = str(answer["OperationId"])
    return answer


def _dependent_actions(call: Call, service: CloudMapService, attributes: Mapping[str, str]) -> dict[str, str]:
    """Return action -> resource that the caller must also be allowed, for records, health checks or EC2 look-ups."""
    actions = DEPENDENT.get(f"servicediscovery:{call.operation}", ())
    zone = f"arn:aws:route53:::hostedzone/{service.namespace.zone_id}"
    resources = {}
    for action in actions:
        if action.startswith("route53:") and (service.namespace.zone_id is not None or service.health is not None):
            resources[action] = zone if action == "route53:ChangeResourceRecordSets" else TYPES.get(action, "*")
        elif action.startswith("ec2:") and EC2_INSTANCE in attributes:
            resources[action] = "*"
    return resources


def _refuse_over_quota(call: Call, service: CloudMapService) -> None:
    quotas = call.world.settings.quotas
    if len(service.instances) >= quotas.instances_per_service:
        raise ServiceError("ResourceLimitExceeded", f"the quota of instances of service {service.id} is exhausted")
    in_namespace = sum(
        len(other.instances) for other in cloudmap_state(call).services.values() if other.namespace is service.namespace
    )
    if in_namespace >= quotas.instances_per_namespace:
        raise ServiceError(
            "ResourceLimitExceeded", f"the quota of instances of namespace {service.namespace.id} is exhausted"
        )


def _private_address(call: Call, ec2_instance_id: str) -> str:
    from surveyor_emulator.aws.ec2 import private_address  # imported late: few requests name an EC2 instance

    address = private_address(call.world, call.account, call.region, ec2_instance_id)
    if address is None:
        raise invalid_input(f"there is no EC2 instance {ec2_instance_id}")
    return address


def deregister_instance(call: Call, request: DeregisterInstanceRequestTypeDef) -> Document:
    """Deregister an instance and delete its records and its health check."""
    service = find_service(call, request["ServiceId"])
    instance_id = request["InstanceId"]
    subject = ("instance", service.id, instance_id)
    operations.refuse_if_running(call, *subject)
    leaving = find_instance(call, service, instance_id)

    def work() -> None:
        records.remove(call, service, leaving)
        health.cancel_status_change(leaving)
        del service.instances[instance_id]
        discovery.publish_membership(call, service, instance_id, None)
        call.note("instance.deregistered", instance_id, service.name)

    targets = {"INSTANCE": instance_id, "SERVICE": service.id}
    dependent_actions = _dependent_actions(call, service, leaving.attributes)
    return operations.start(call, "DEREGISTER_INSTANCE", subject, targets, work, dependent_actions=dependent_actions)


def get_instance(call: Call, request: GetInstanceRequestTypeDef) -> Document:
    """Return one instance with its attributes."""
    instance = find_instance(call, find_service(call, request["ServiceId"]), request["InstanceId"])
    document = _describe(call, instance)
    if instance.creator_request_id is not None:
        document["CreatorRequestId"] = instance.creator_request_id
    return {"ResourceOwner": call.account, "Instance": document}


def list_instances(call: Call, request: ListInstancesRequestTypeDef) -> Document:
    """Return a page of all instances, healthy or not."""
    service = find_service(call, request["ServiceId"])
    entries, token = page(list(service.instances.values()), request.get("NextToken"), request.get("MaxResults"))
    answer: dict[str, object] = {
        "ResourceOwner": call.account,
        "Instances": [_describe(call, entry) for entry in entries],
    }
    return {**answer, "NextToken": token} if token else answer


def _describe(call: Call, instance: RegisteredInstance) -> dict[str, object]:
    return {"Id": instance.id, "Attributes": instance.attributes, "CreatedByAccount": instance.registered_by}
