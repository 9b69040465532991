"""What the documents promise of one answer, given the registry: claims with what can be checked of the answer.

Pure: a step, the registry before it and the moment at which it was asked give the promises; the first that does not
hold is the divergence. More telling promises come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from surveyor.model_testing import views
from surveyor.model_testing.checks import ANSWERED, Answer, Check, HasRevision, Observation, Once, Outcome, Revision
from surveyor.model_testing.claim_ids import ClaimId
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import Registry, Seen, Service, takes
from surveyor.model_testing.steps import (
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    Deregister,
    Discover,
    Get,
    Look,
    Register,
    RegisterMany,
    Report,
    Step,
)

__all__ = ["Divergence", "Promise", "diverges", "promises", "revision_seen", "settles"]


@dataclass(frozen=True)
class Promise:
    """`claim` (an id of claims/) promises that `check` holds."""

    claim: str
    check: Check


@dataclass(frozen=True)
class Divergence:
    """A promise that an answer broke: in which operation, and what came."""

    operation: str
    promise: Promise
    actual: str

    @property
    def symptom(self) -> str:
        """What is wrong in words that do not change from run to run."""
        return f"{self.operation}: {self.promise.check.symptom}"

    @property
    def key(self) -> tuple[str, str]:
        """By which two divergences are the same one."""
        return self.promise.claim, self.symptom


OPERATIONS = {
    "CreateNamespace": "Create…Namespace",
    "Register": "RegisterInstance",
    "RegisterMany": "RegisterInstance",
    "Deregister": "DeregisterInstance",
    "Report": "UpdateInstanceCustomHealthStatus",
    "List": "ListInstances",
    "Get": "GetInstance",
    "HealthOf": "GetInstancesHealthStatus",
    "Discover": "DiscoverInstances",
    "Ask": "DNS",
}
"""Steps whose operation has another name."""


def diverges(
    registry: Registry, step: Step, seen: Observation, at: Moment, known: Callable[[Divergence], bool] = lambda _: False
) -> Divergence | None:
    """The first promise that the answer breaks; those that are `known` to be broken are passed over."""
    operation = OPERATIONS.get(type(step).__name__, type(step).__name__)
    for promise in promises(registry, step, at):
        actual = promise.check.fails(seen)
        if actual is not None and not known(broken := Divergence(operation, promise, actual)):
            return broken
    return None


def promises(registry: Registry, step: Step, at: Moment) -> Iterator[Promise]:
    """All that is promised of the answer to `step`."""
    if not isinstance(step, Look):
        claim, permitted = _ends(registry, step)
        yield Promise(claim, Outcome(frozenset(permitted)))
        return
    service = registry.services[step.service]
    if isinstance(step, Get):
        yield from (Promise(*pair) for pair in views.get(service, step.instance, at))
        return
    yield Promise(ClaimId.ANSWERS, Outcome(frozenset({ANSWERED})))
    yield Promise(ClaimId.AGAIN_UPDATES, Once())
    yield from (Promise(*pair) for pair in views.look(service, step, at))
    if isinstance(step, Discover):
        yield from _revision(service, step)


def settles(registry: Registry, step: Look) -> float:
    """Until when a look has to wait for what must be seen, in service seconds."""
    return registry.services[step.service].settles


def _ends(registry: Registry, step: Step) -> tuple[str, set[str]]:
    """How a call that is no look ends, and the claim that says so."""
    match step:
        case CreateNamespace():
            return ClaimId.NAMESPACE_CREATED, {ANSWERED}
        case CreateService(name) if name in registry.services:
            return ClaimId.NAME_TAKEN, {"ServiceAlreadyExists"}
        case CreateService():
            return ClaimId.SERVICE_CREATED, {ANSWERED}
        case Register() | RegisterMany() | Deregister() | Report():
            return _instance_ends(registry.services[step.service], step)
        case DeleteService(name):
            full = bool(registry.services[name].registered)
            return ClaimId.SERVICE_DELETED, {"ResourceInUse" if full else ANSWERED}
        case DeleteNamespace(name):
            full = bool(registry.services_of(name))
            return ClaimId.NAMESPACE_DELETED, {"ResourceInUse" if full else ANSWERED}
    return ClaimId.OPERATION, {ANSWERED}


def _instance_ends(service: Service, step: Register | RegisterMany | Deregister | Report) -> tuple[str, set[str]]:
    match step:
        case Register(_, instance, attributes):
            if not takes(service, attributes):
                srv = service.records == "SRV"
                claim = ClaimId.SRV_NEEDS if srv else ClaimId.ADDRESS_NEEDED
                return claim, {"InvalidInput"}
            again = instance in service.registered
            return ClaimId.AGAIN_UPDATES if again else ClaimId.REGISTERED, {ANSWERED}
        case RegisterMany():
            return ClaimId.REGISTERED, {ANSWERED}
        case Deregister(_, instance):
            if instance in service.registered:
                return ClaimId.GONE, {ANSWERED}
            return ClaimId.GONE_TWICE, {"InstanceNotFound"}
        case Report(_, instance):
            if instance not in service.registered:
                # Where both are true, no document says which error comes.
                neither = set() if service.custom else {"CustomHealthNotFound"}
                return ClaimId.NOT_FOUND, {"InstanceNotFound"} | neither
            if not service.custom:
                return ClaimId.CUSTOM_ONLY, {"CustomHealthNotFound"}
            return ClaimId.REPORT, {ANSWERED}


def _revision(service: Service, step: Discover) -> Iterator[Promise]:
    claim, before = ClaimId.REVISION, service.seen
    yield Promise(claim, HasRevision())
    if before is None:
        return
    if before.settled and service.changes == before.changes:
        yield Promise(claim, Revision("==", before.revision))
    yield Promise(claim, Revision(">=", before.revision))
    if before.members is not None and shows_all(service, step):
        yield Promise(claim, Revision(">", before.revision, unless=before.members))


def revision_seen(registry: Registry, step: Step, seen: Observation, at: Moment) -> Registry:
    """The registry with what an answer of DiscoverInstances told about the revision."""
    if not isinstance(step, Discover) or not isinstance(seen, Answer) or seen.revision is None:
        return registry
    service = registry.services[step.service]
    members = seen.names if shows_all(service, step) else None
    return registry.with_seen(
        step.service, Seen(seen.revision, members, service.changes, settled=at.start >= service.settles)
    )


def shows_all(service: Service, step: Discover) -> bool:
    """Whether the answer holds every member, whatever its health and attributes."""
    everyone = step.health == "ALL" or (step.health is None and not service.custom)
    return everyone and not step.query and not step.optional
