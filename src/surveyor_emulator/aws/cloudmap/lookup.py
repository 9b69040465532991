"""Look up what a request names, by id or by ARN, and raise the documented error for each kind that does not exist."""

from __future__ import annotations

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import CloudMapService, CloudMapState, Namespace, RegisteredInstance

__all__ = ["build_arn", "cloudmap_state", "find_instance", "find_namespace", "find_service", "invalid_input"]


def cloudmap_state(call: Call) -> CloudMapState:
    """Return Cloud Map's state for the caller's account and region."""
    return call.world.regional(CloudMapState, call.account, call.region)


def build_arn(call: Call, kind: str, identity: str) -> str:
    """Return the ARN of a namespace or service of the caller."""
    return f"arn:aws:servicediscovery:{call.region}:{call.account}:{kind}/{identity}"


def invalid_input(message: str) -> ServiceError:
    """Return the error that Cloud Map answers to input that breaks a rule."""
    return ServiceError("InvalidInput", message)


def find_namespace(call: Call, reference: str) -> Namespace:
    """Return the namespace with that id or ARN. Raise NamespaceNotFound."""
    found = cloudmap_state(call).namespaces.get(_identity(call, "namespace", reference))
    if found is None:
        raise ServiceError("NamespaceNotFound", f"there is no namespace {reference}")
    return found


def find_service(call: Call, reference: str) -> CloudMapService:
    """Return the service with that id or ARN. Raise ServiceNotFound."""
    found = cloudmap_state(call).services.get(_identity(call, "service", reference))
    if found is None:
        raise ServiceError("ServiceNotFound", f"there is no service {reference}")
    return found


def find_instance(call: Call, service: CloudMapService, identity: str) -> RegisteredInstance:
    """Return the instance of a service. Raise InstanceNotFound."""
    found = service.instances.get(identity)
    if found is None:
        raise ServiceError("InstanceNotFound", f"service {service.id} has no instance {identity}")
    return found


def _identity(call: Call, kind: str, reference: str) -> str:
    prefix = build_arn(call, kind, "")
    return reference.removeprefix(prefix)
