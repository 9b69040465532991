"""Finding what a request names, by id or by ARN, and the error for each kind that is not there."""

from __future__ import annotations

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import CloudMapState, Instance, Namespace, Service

__all__ = ["arn", "instance", "invalid", "namespace", "service", "state"]


def state(call: Call) -> CloudMapState:
    """Cloud Map's state for the caller's account and region."""
    return call.world.regional(CloudMapState, call.account, call.region)


def arn(call: Call, kind: str, identity: str) -> str:
    """The ARN of a namespace or service of the caller."""
    return f"arn:aws:servicediscovery:{call.region}:{call.account}:{kind}/{identity}"


def invalid(message: str) -> ServiceError:
    """What Cloud Map answers to input that breaks a rule."""
    return ServiceError("InvalidInput", message)


def namespace(call: Call, reference: str) -> Namespace:
    """The namespace with that id or ARN, or NamespaceNotFound."""
    found = state(call).namespaces.get(_identity(call, "namespace", reference))
    if found is None:
        raise ServiceError("NamespaceNotFound", f"there is no namespace {reference}")
    return found


def service(call: Call, reference: str) -> Service:
    """The service with that id or ARN, or ServiceNotFound."""
    found = state(call).services.get(_identity(call, "service", reference))
    if found is None:
        raise ServiceError("ServiceNotFound", f"there is no service {reference}")
    return found


def instance(call: Call, of: Service, identity: str) -> Instance:
    """The instance of a service, or InstanceNotFound."""
    found = of.instances.get(identity)
    if found is None:
        raise ServiceError("InstanceNotFound", f"service {of.id} has no instance {identity}")
    return found


def _identity(call: Call, kind: str, reference: str) -> str:
    prefix = arn(call, kind, "")
    return reference.removeprefix(prefix)
