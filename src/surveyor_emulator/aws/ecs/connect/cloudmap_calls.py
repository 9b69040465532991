"""Calls of ECS to Cloud Map for Service Connect, in the account that has the namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from surveyor_emulator.aws.cloudmap import instances, services
from surveyor_emulator.aws.cloudmap.operations import when_finished
from surveyor_emulator.aws.cloudmap.state import CloudMapService, CloudMapState
from surveyor_emulator.aws.ecs.service_principal import MANAGED, call_other_service
from surveyor_emulator.aws.ecs.state import ConnectConfiguration, Service
from surveyor_emulator.aws.resource_shares import is_shared
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["RETRY_AFTER", "Done", "cloudmap_call", "deregister", "ensure_services", "has_access", "register"]

RETRY_AFTER = 2.0
RETRY_WITHOUT_ACCESS = 10.0

Done = Callable[[str | None], object]
"""Called with None after success, else with the reason of the failure."""


def has_access(call: Call, connect: ConnectConfiguration) -> bool:
    """Return whether the namespace belongs to the account, or is shared with it for Service Connect."""
    return connect.owner == call.account or is_shared(call.world, connect.namespace_arn, call.account, for_ecs=True)


def ensure_services(
    call: Call, connect: ConnectConfiguration, service: Service, keys: Mapping[str, str | None]
) -> dict[str, CloudMapService]:
    """Return the Cloud Map service for each name, by its id or else a new one; if one is refused none is created."""
    state = call.world.regional(CloudMapState, connect.owner, call.region)
    own_call = cloudmap_call(call, connect.owner)
    known = {name: state.services[key] for name, key in keys.items() if key is not None and key in state.services}
    created: dict[str, CloudMapService] = {}
    for name in [name for name in keys if name not in known]:
        request: Any = {
            "Name": name,
            "NamespaceId": connect.namespace_id,
            "Type": "HTTP",
            "Description": f"Managed by {service.arn}",
            # The consumer of a shared namespace may not tag (Cloud Map Developer Guide, Sharing namespaces).
            **({"Tags": MANAGED} if connect.owner == call.account else {}),
        }
        try:
            answer: Any = call_other_service(partial(services.create_service, own_call, request))
        except ServiceError:
            for other in created.values():
                services.delete_service(own_call, {"Id": other.id})
            raise
        created[name] = state.services[answer["Service"]["Id"]]
    return known | created


def cloudmap_call(call: Call, owner: str, operation: str = "") -> Call:
    """Return ECS's call in the account that owns the namespace, as its consumer if it is another account's."""
    consumer = call.account if owner != call.account else None
    return replace(call, account=owner, consumer=consumer, service="servicediscovery", operation=operation)


def register(call: Call, connect: ConnectConfiguration, request: Any, done: Done) -> None:
    """Call RegisterInstance, and ``done`` once its operation has ended."""
    _submit(call, connect, "RegisterInstance", partial(instances.register_instance, request=request), done)


def deregister(call: Call, connect: ConnectConfiguration, request: Any, done: Done) -> None:
    """Call DeregisterInstance, and ``done`` once its operation has ended."""
    _submit(call, connect, "DeregisterInstance", partial(instances.deregister_instance, request=request), done)


def _submit(call: Call, connect: ConnectConfiguration, operation: str, send: Callable[[Call], Any], done: Done) -> None:
    """While the namespace is no longer shared with this account, try again until it is."""
    again = partial(_submit, call, connect, operation, send, done)
    if not has_access(call, connect):
        call.world.clock.call_later(RETRY_WITHOUT_ACCESS, again)
        return
    try:
        answer = send(cloudmap_call(call, connect.owner, operation))
    except ServiceError as error:
        if error.code in ("InstanceNotFound", "ServiceNotFound") and operation == "DeregisterInstance":
            done(None)  # already deregistered
        elif "DuplicateOperationId" in error.members:
            call.world.clock.call_later(RETRY_AFTER, again)
        else:
            done(str(error))
        return
    when_finished(call, str(answer["OperationId"]), done)
