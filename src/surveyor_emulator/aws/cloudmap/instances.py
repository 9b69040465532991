"""Instances: registered and deregistered by operations, one at a time for each service and id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_policies.dependent import DEPENDENT

from . import discovery, health, operations, records
from .find import instance, invalid, service, state
from .instance_rules import EC2_INSTANCE, INITIAL_HEALTH, IPV4, check
from .paging import page
from .state import Instance, Service

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        DeregisterInstanceRequestTypeDef,
        GetInstanceRequestTypeDef,
        ListInstancesRequestTypeDef,
        RegisterInstanceRequestTypeDef,
    )

__all__ = ["deregister_instance", "get_instance", "list_instances", "register_instance"]


def register_instance(call: Call, request: RegisterInstanceRequestTypeDef) -> Document:
    """Register an instance, or replace the one of that id with everything it had."""
    of = service(call, request["ServiceId"])
    identity = request["InstanceId"]
    quotas = call.world.settings.quotas
    attributes = dict(request["Attributes"])
    check(of, attributes, quotas)
    if EC2_INSTANCE in attributes:
        attributes[IPV4] = _private_address(call, attributes[EC2_INSTANCE])
    subject = ("instance", of.id, identity)
    token = request.get("CreatorRequestId")
    running = state(call).running.get(subject)
    if running is not None and token is not None and state(call).tokens.get((of.id, token)) == running.id:
        return {"OperationId": running.id}
    operations.refuse_if_running(call, *subject)
    new = identity not in of.instances
    if new:
        _refuse_over_quota(call, of)
        of.arriving.add(identity)

    def work() -> None:
        before = of.instances.get(identity)
        made = Instance(
            before.number if before is not None else next(state(call).numbers),
            identity,
            attributes,
            token,
            registered_by=call.creator,
            status=attributes.get(INITIAL_HEALTH, "HEALTHY") if of.custom_health else "HEALTHY",
        )
        records.write(call, of, made, before)
        if before is not None:
            health.forget_change(before)
        of.instances[identity] = made
        of.arriving.discard(identity)
        discovery.membership_changed(call, of, identity, made)
        call.note("instance.registered", identity, of.name)

    def undo() -> None:
        of.arriving.discard(identity)

    targets = {"INSTANCE": identity, "SERVICE": of.id}
    beside = _beside(call, of, attributes)
    answer = operations.start(call, "REGISTER_INSTANCE", subject, targets, work, undo=undo, beside=beside)
    if token is not None:
        state(call).tokens[of.id, token] = str(answer["OperationId"])
    return answer


def _beside(call: Call, of: Service, attributes: Mapping[str, str]) -> dict[str, str]:
    """What the caller must be allowed for it, by action: for records, checks, or an EC2 instance to look up."""
    needed = DEPENDENT.get(f"servicediscovery:{call.operation}", ())
    zone = f"arn:aws:route53:::hostedzone/{of.namespace.zone_id}"
    found = {}
    for action in needed:
        if action.startswith("route53:") and (of.namespace.zone_id is not None or of.health is not None):
            found[action] = zone if action == "route53:ChangeResourceRecordSets" else "*"
        elif action.startswith("ec2:") and EC2_INSTANCE in attributes:
            found[action] = "*"
    return found


def _refuse_over_quota(call: Call, of: Service) -> None:
    quotas = call.world.settings.quotas
    if len(of.instances) + len(of.arriving) >= quotas.instances_per_service:
        raise ServiceError("ResourceLimitExceeded", f"the quota of instances of service {of.id} is reached")
    within = sum(
        len(other.instances) + len(other.arriving)
        for other in state(call).services.values()
        if other.namespace is of.namespace
    )
    if within >= quotas.instances_per_namespace:
        raise ServiceError("ResourceLimitExceeded", f"the quota of instances of namespace {of.namespace.id} is reached")


def _private_address(call: Call, identity: str) -> str:
    from surveyor_emulator.aws.ec2 import private_address  # only here: few ever name an EC2 instance

    address = private_address(call.world, call.account, call.region, identity)
    if address is None:
        raise invalid(f"there is no EC2 instance {identity}")
    return address


def deregister_instance(call: Call, request: DeregisterInstanceRequestTypeDef) -> Document:
    """Take an instance out, with its records and its health check."""
    of = service(call, request["ServiceId"])
    identity = request["InstanceId"]
    subject = ("instance", of.id, identity)
    operations.refuse_if_running(call, *subject)
    leaving = instance(call, of, identity)

    def work() -> None:
        records.remove(call, of, leaving)
        health.forget_change(leaving)
        del of.instances[identity]
        discovery.membership_changed(call, of, identity, None)
        call.note("instance.deregistered", identity, of.name)

    targets = {"INSTANCE": identity, "SERVICE": of.id}
    beside = _beside(call, of, leaving.attributes)
    return operations.start(call, "DEREGISTER_INSTANCE", subject, targets, work, beside=beside)


def get_instance(call: Call, request: GetInstanceRequestTypeDef) -> Document:
    """One instance with its attributes."""
    found = instance(call, service(call, request["ServiceId"]), request["InstanceId"])
    document = _describe(call, found)
    if found.creator_request_id is not None:
        document["CreatorRequestId"] = found.creator_request_id
    return {"ResourceOwner": call.account, "Instance": document}


def list_instances(call: Call, request: ListInstancesRequestTypeDef) -> Document:
    """All instances, healthy or not, a page at a time."""
    of = service(call, request["ServiceId"])
    entries, token = page(list(of.instances.values()), request.get("NextToken"), request.get("MaxResults"))
    answer: dict[str, object] = {
        "ResourceOwner": call.account,
        "Instances": [_describe(call, entry) for entry in entries],
    }
    return {**answer, "NextToken": token} if token else answer


def _describe(call: Call, of: Instance) -> dict[str, object]:
    return {"Id": of.id, "Attributes": of.attributes, "CreatedByAccount": of.registered_by}
