"""What a run has seen of its operations of Cloud Map: how long they take, and what they created.

A poll that is too early is a call in vain: an operation with a hosted zone takes most of a minute, others seconds, and
accounts differ. What a run has seen end says when the next one should have. What it has registered need not be listed
before it is deleted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.session import Session

from surveyor import timeouts

__all__ = ["CloudMapOperations"]

_KINDS = {
    "CreatePrivateDnsNamespace": "creation of a zone",
    "CreatePublicDnsNamespace": "creation of a zone",
    "RegisterInstance": "instance",
    "DeregisterInstance": "instance",
}
"""Calls whose operations take as long as those of others; the rest are kinds by themselves."""

_ZONES = ("creation of a zone", "deletion of a zone")
_FIRST_OF_ZONE = 20.0
"""Service seconds after which the first operation with a hosted zone is asked for: these take 30 to 60 s (Terraform's
acceptance test of one takes 112 s to make it and to delete it)."""

_REMEMBERED = 20


@dataclass
class CloudMapOperations:
    """The operations that this process has begun, how long those that ended took, and the instances that remain."""

    _begun: dict[str, tuple[str, float]] = field(default_factory=dict)
    _seconds: dict[str, deque[float]] = field(default_factory=dict)
    _namespaces: dict[str, str] = field(default_factory=dict)
    _with_zone: set[str] = field(default_factory=set)
    _instances: dict[str, set[str]] = field(default_factory=dict)

    def watch(self, session: Session, now: Callable[[], float]) -> None:
        """Learn from the calls of all clients that the session creates from now on."""

        def sending(**event: Any) -> None:
            event["context"]["surveyor_request"] = event["params"]

        def answered(**event: Any) -> None:
            call, params, answer = event["model"].name, event["context"].get("surveyor_request", {}), event["parsed"]
            if isinstance(begun := answer.get("OperationId"), str):
                self._begun[begun] = self._kind(call, params), now()
                self._note_instance(call, params)
            if call == "GetOperation" and isinstance(operation := answer.get("Operation"), Mapping):
                self._learn(operation)
            if call == "CreateService" and isinstance(service := answer.get("Service"), Mapping):
                self._instances[str(service.get("Id"))] = set()

        session.register("provide-client-params.servicediscovery", sending)
        session.register("after-call.servicediscovery", answered)

    def remaining(self, operation: str, now: float) -> float:
        """Return the service seconds after which an operation should have ended; 0 if it should have by now."""
        if operation not in self._begun:
            return 0.0
        kind, begun = self._begun[operation]
        return max(0.0, begun + self._expected(kind) - now)

    def namespace(self, operation: str) -> str | None:
        """Return the namespace that an operation created, if it was seen to succeed."""
        return self._namespaces.get(operation)

    def instances(self, service: str) -> list[str] | None:
        """Return the instances that were registered in a service and not deregistered; None if others may have been.

        A service that this process did not create may have others. ECS registers instances itself: see whether the
        service can be deleted.
        """
        known = self._instances.get(_id_of(service))
        return None if known is None else sorted(known)

    def _kind(self, call: str, params: Mapping[str, Any]) -> str:
        if call == "DeleteNamespace" and _id_of(params.get("Id")) in self._with_zone:
            return "deletion of a zone"
        return _KINDS.get(call, call)

    def _expected(self, kind: str) -> float:
        """Return within which time three of four operations of a kind have ended."""
        if seconds := sorted(self._seconds.get(kind, ())):
            return seconds[len(seconds) * 3 // 4]
        return _FIRST_OF_ZONE if kind in _ZONES else timeouts.OPERATION_POLL

    def _note_instance(self, call: str, params: Mapping[str, Any]) -> None:
        instances = self._instances.get(_id_of(params.get("ServiceId")), set())
        if call == "RegisterInstance":
            instances.add(str(params.get("InstanceId")))
        elif call == "DeregisterInstance":
            instances.discard(str(params.get("InstanceId")))

    def _learn(self, operation: Mapping[str, Any]) -> None:
        identifier, created, ended = (operation.get(name) for name in ("Id", "CreateDate", "UpdateDate"))
        if operation.get("Status") != "SUCCESS" or not isinstance(identifier, str) or identifier not in self._begun:
            return
        kind, _ = self._begun.pop(identifier)
        if isinstance(created, datetime) and isinstance(ended, datetime):
            seconds = min(max(0.0, (ended - created).total_seconds()), timeouts.OPERATION)
            self._seconds.setdefault(kind, deque(maxlen=_REMEMBERED)).append(seconds)
        targets = operation.get("Targets")
        namespace = targets.get("NAMESPACE") if isinstance(targets, Mapping) else None
        if namespace and isinstance(namespace, str) and kind.startswith(("Create", "creation")):
            self._namespaces[identifier] = namespace
            if kind in _ZONES:
                self._with_zone.add(namespace)


def _id_of(name: object) -> str:
    """Return the id in an id or an ARN."""
    return str(name).rpartition("/")[2]
