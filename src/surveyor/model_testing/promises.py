"""What the documents promise of one answer: claims with checks of the answer.

Pure functions: the promises follow from a step, the registry before it and the time of the call. The first promise
that does not hold is the divergence, so more specific promises are listed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from surveyor.model_testing import views
from surveyor.model_testing.checks import (
    ANSWERED,
    Check,
    HasRevision,
    Observation,
    ObservedAnswer,
    PermittedOutcome,
    Revision,
    Unique,
)
from surveyor.model_testing.claim_ids import ClaimId
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import ModelRegistry, ModelService, ObservedRevision, accepts_attributes
from surveyor.model_testing.steps import (
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    DeregisterInstance,
    DiscoverInstances,
    GetInstance,
    ReadStep,
    RegisterInstance,
    RegisterMany,
    ReportHealth,
    Step,
)

__all__ = ["Divergence", "Promise", "find_divergence", "promises_for", "record_revision", "settles_at"]


@dataclass(frozen=True)
class Promise:
    """The claim with this id promises that `check` holds."""

    claim: str
    check: Check


@dataclass(frozen=True)
class Divergence:
    """A promise that an answer broke, with the operation and what was observed."""

    operation: str
    promise: Promise
    actual: str

    @property
    def symptom(self) -> str:
        """Describe the violation in words that do not change from run to run."""
        return f"{self.operation}: {self.promise.check.symptom}"

    @property
    def key(self) -> tuple[str, str]:
        """The claim and symptom, equal for two occurrences of the same divergence."""
        return self.promise.claim, self.symptom


OPERATIONS = {
    "CreateNamespace": "Create…Namespace",
    "RegisterMany": "RegisterInstance",
    "ReportHealth": "UpdateInstanceCustomHealthStatus",
    "GetHealth": "GetInstancesHealthStatus",
    "QueryRecords": "DNS",
}
"""Step -> operation, where the names differ."""


def find_divergence(
    registry: ModelRegistry,
    step: Step,
    observed: Observation,
    at: Moment,
    known: Callable[[Divergence], bool] = lambda _: False,
) -> Divergence | None:
    """Return the first promise that the answer breaks, without those that are `known` to be broken."""
    operation = OPERATIONS.get(type(step).__name__, type(step).__name__)
    for promise in promises_for(registry, step, at):
        actual = promise.check.violation(observed)
        if actual is not None and not known(divergence := Divergence(operation, promise, actual)):
            return divergence
    return None


def promises_for(registry: ModelRegistry, step: Step, at: Moment) -> Iterator[Promise]:
    """Yield everything that is promised of the answer to `step`."""
    if not isinstance(step, ReadStep):
        claim, permitted = _permitted_outcomes(registry, step)
        yield Promise(claim, PermittedOutcome(frozenset(permitted)))
        return
    service = registry.services[step.service]
    if isinstance(step, GetInstance):
        yield from (Promise(*pair) for pair in views.checks_of_instance(service, step.instance, at))
        return
    yield Promise(ClaimId.ANSWERS, PermittedOutcome(frozenset({ANSWERED})))
    yield Promise(ClaimId.AGAIN_UPDATES, Unique())
    yield from (Promise(*pair) for pair in views.checks_of_view(service, step, at))
    if isinstance(step, DiscoverInstances):
        yield from _revision(service, step)


def settles_at(registry: ModelRegistry, step: ReadStep) -> float:
    """Return the time from which only final values may be observed, in service seconds."""
    return registry.services[step.service].settles_at


def _permitted_outcomes(registry: ModelRegistry, step: Step) -> tuple[str, set[str]]:
    """Return the claim about the outcome of a call that is not a read step, and the permitted outcomes."""
    match step:
        case CreateNamespace():
            return ClaimId.NAMESPACE_CREATED, {ANSWERED}
        case CreateService(name) if name in registry.services:
            return ClaimId.NAME_TAKEN, {"ServiceAlreadyExists"}
        case CreateService():
            return ClaimId.SERVICE_CREATED, {ANSWERED}
        case RegisterInstance() | RegisterMany() | DeregisterInstance() | ReportHealth():
            return _permitted_instance_outcomes(registry.services[step.service], step)
        case DeleteService(name):
            full = bool(registry.services[name].registered)
            return ClaimId.SERVICE_DELETED, {"ResourceInUse" if full else ANSWERED}
        case DeleteNamespace(name):
            full = bool(registry.services_of(name))
            return ClaimId.NAMESPACE_DELETED, {"ResourceInUse" if full else ANSWERED}
    return ClaimId.OPERATION, {ANSWERED}


def _permitted_instance_outcomes(
    service: ModelService, step: RegisterInstance | RegisterMany | DeregisterInstance | ReportHealth
) -> tuple[str, set[str]]:
    match step:
        case RegisterInstance(_, instance, attributes):
            if not accepts_attributes(service, attributes):
                srv = service.records == "SRV"
                claim = ClaimId.SRV_NEEDS if srv else ClaimId.ADDRESS_NEEDED
                return claim, {"InvalidInput"}
            again = instance in service.registered
            return ClaimId.AGAIN_UPDATES if again else ClaimId.REGISTERED, {ANSWERED}
        case RegisterMany():
            return ClaimId.REGISTERED, {ANSWERED}
        case DeregisterInstance(_, instance):
            if instance in service.registered:
                return ClaimId.DEREGISTERED, {ANSWERED}
            return ClaimId.DEREGISTERED_TWICE, {"InstanceNotFound"}
        case ReportHealth(_, instance):
            if instance not in service.registered:
                # If both errors apply, no document says which of them is returned.
                alternative = set() if service.custom else {"CustomHealthNotFound"}
                return ClaimId.NOT_FOUND, {"InstanceNotFound"} | alternative
            if not service.custom:
                return ClaimId.CUSTOM_ONLY, {"CustomHealthNotFound"}
            return ClaimId.REPORT, {ANSWERED}


def _revision(service: ModelService, step: DiscoverInstances) -> Iterator[Promise]:
    claim, before = ClaimId.REVISION, service.last_revision
    yield Promise(claim, HasRevision())
    if before is None:
        return
    if before.settled and service.changes == before.changes:
        yield Promise(claim, Revision("==", before.revision))
    yield Promise(claim, Revision(">=", before.revision))
    if before.members is not None and returns_all(service, step):
        yield Promise(claim, Revision(">", before.revision, unless=before.members))


def record_revision(registry: ModelRegistry, step: Step, observed: Observation, at: Moment) -> ModelRegistry:
    """Return the registry with the revision in an answer of DiscoverInstances."""
    if not isinstance(step, DiscoverInstances) or not isinstance(observed, ObservedAnswer):
        return registry
    if observed.revision is None:
        return registry
    service = registry.services[step.service]
    members = observed.names if returns_all(service, step) else None
    settled = at.start >= service.settles_at
    revision = ObservedRevision(observed.revision, members, service.changes, settled=settled)
    return registry.with_revision(step.service, revision)


def returns_all(service: ModelService, step: DiscoverInstances) -> bool:
    """Return whether the answer contains every member, whatever its health and attributes."""
    any_health = step.health == "ALL" or (step.health is None and not service.custom)
    return any_health and not step.query and not step.optional
