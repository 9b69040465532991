"""The rules by which histories are made: a state machine of hypothesis over the model alone.

No target is asked while a history is made, so it is a value: it can be run, run again, shrunk and written down, and two
that are equal need be run once only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import MANY, Registry, Service, after, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    Ask,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    Deregister,
    Discover,
    Filter,
    Get,
    HealthOf,
    History,
    Kind,
    List,
    Pairs,
    Records,
    Register,
    RegisterMany,
    Report,
    Routing,
    Status,
    Step,
)

__all__ = ["KINDS", "LEFT_TO_FEATURES", "RegistryMachine", "machine_for"]

KINDS: dict[Kind, frozenset[str]] = {
    "private": frozenset({"cloudmap", "ec2"}),
    "public": frozenset({"cloudmap", "route53"}),
    "http": frozenset({"cloudmap"}),
}
"""Kinds of namespaces, and what a target needs for them."""

LEFT_TO_FEATURES = ("ec2", "route53", "dns", "public-dns", "custom-health", "clock-control")
"""Features without which some rule is left out."""

_NAMESPACES = ("n1", "n2")
_LABELS = ("a", "b")
_INSTANCES = ("i-1", "i-2", "i-3")
_ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
_PORT = ("AWS_INSTANCE_PORT", "8080")
_COLOURS = ("red", "blue")
# Around the 30 seconds of a custom status and the 60 of everything else.
_SECONDS = (1.0, 14.0, 28.0, 32.0, 61.0, 95.0)
_seconds = st.sampled_from(_SECONDS)
_OPPOSITE: dict[Status, Status] = {"HEALTHY": "UNHEALTHY", "UNHEALTHY": "HEALTHY"}
_AT_ONCE = Moment(0.0, 0.0)  # when does not matter here: only what exists in the end


class _Machine(RuleBasedStateMachine):
    """Makes one history, and hands it over when it is complete."""

    features: frozenset[str] = frozenset()
    run: Callable[[History], None]

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry()
        self.steps: list[Step] = []

    def teardown(self) -> None:
        """The history is complete: what it has come to is looked at from every side, and it is handed over."""
        last: list[Step] = []
        for name in self.registry.services:
            last += [HealthOf(name, settle=True), List(name, settle=True), Discover(name, settle=True)]
            last += [Ask(name, settle=True)] if name in self.named() else []
        type(self).run((*self.steps, *last))

    def has(self, *features: str) -> bool:
        """Whether the target has all of these."""
        return self.features.issuperset(features)

    def take(self, step: Step) -> None:
        """One more step, supposed to go as documented."""
        self.steps.append(step)
        self.registry = after(self.registry, step, _AT_ONCE)

    def services(self, fits: Callable[[Service], bool] = lambda _: True) -> list[str]:
        """The services that fit."""
        return [name for name, one in self.registry.services.items() if fits(one)]

    def members(self, fits: Callable[[Service], bool] = lambda _: True) -> list[tuple[str, str]]:
        """Services that fit with their instances, and with one that may not be there."""
        found = {name: self.registry.services[name].registered for name in self.services(fits)}
        return [(name, one) for name, there in found.items() for one in (*there[:3], _INSTANCES[0])]

    def named(self) -> list[str]:
        """Services whose records can be asked for."""
        needs = {"private": ("dns",), "public": ("dns", "public-dns"), "http": ("never",)}
        return [
            name for name in self.services(lambda one: one.records != "none")
            if self.has(*needs[self.registry.namespaces[namespace_of(name)].kind])
        ]  # fmt: skip

    def registered(self) -> list[tuple[str, str]]:
        """Services with the instances that are there."""
        return [(name, one) for name, service in self.registry.services.items() for one in service.registered]


def _one_of(values: Callable[[Any], Any]) -> Any:
    """A strategy: one of the values that the machine has at that moment.

    The number drawn does not depend on how many there are, so that leaving out an earlier step changes no later choice:
    what hypothesis shrinks stays in step.
    """

    def chosen(pair: tuple[Any, int]) -> Any:
        found = list(values(pair[0]))
        return found[pair[1] % len(found)]

    return st.tuples(st.runner(), st.integers(0, 3)).map(chosen)


_kinds = _one_of(lambda machine: [kind for kind, needs in KINDS.items() if machine.has(*needs)])
_services = _one_of(lambda machine: machine.services())
_instances = st.sampled_from(_INSTANCES)
# Mostly those that are there, and of services mostly those with a custom check.
_members = _one_of(lambda machine: machine.members())
_custom_members = _one_of(lambda machine: machine.members(lambda one: one.custom) + machine.members()[:1])
_records: st.SearchStrategy[Records] = st.sampled_from(("A", "SRV", "none"))
_routing: st.SearchStrategy[Routing] = st.sampled_from(("MULTIVALUE", "WEIGHTED"))
_filters: st.SearchStrategy[Filter | None] = st.sampled_from(
    (None, "ALL", "HEALTHY", "UNHEALTHY", "HEALTHY_OR_ELSE_ALL")
)
_statuses: st.SearchStrategy[Status] = st.sampled_from(("UNHEALTHY", "HEALTHY"))
_initial: st.SearchStrategy[Status | None] = st.sampled_from((None, "UNHEALTHY", "HEALTHY"))
_colours = st.sampled_from((None, *_COLOURS))
_wanted: st.SearchStrategy[Pairs] = st.sampled_from(((), (), (), *((("colour", one),) for one in _COLOURS)))
_settle = st.sampled_from((True, True, False))
_new = {
    "kind": _kinds, "records": _records, "routing": _routing, "custom": st.sampled_from((False, True)),
    "label": st.sampled_from(_LABELS),
}  # fmt: skip


class RegistryMachine(_Machine):
    """The rules."""

    @initialize(**_new, count=st.sampled_from((2, 1, 0)))
    def begin(self, kind: Kind, records: Records, routing: Routing, custom: bool, label: str, count: int) -> None:
        """Nothing can be tried without a service, and little without instances."""
        self.take(CreateNamespace(_NAMESPACES[0], kind))
        self._create(f"{_NAMESPACES[0]}/{label}", records, routing, custom)
        for instance, address, colour in list(zip(_INSTANCES, _ADDRESSES, _COLOURS, strict=False))[:count]:
            self.register(f"{_NAMESPACES[0]}/{label}", instance, address, colour, None, True)

    @rule(**_new, space=st.sampled_from((False, False, True)))
    def create(self, kind: Kind, records: Records, routing: Routing, custom: bool, label: str, space: bool) -> None:
        """Another service, or one whose name is taken; a namespace for it where there is none, or another."""
        fresh = self._next_namespace()
        if fresh is not None and (space or not self.registry.namespaces):
            self.take(CreateNamespace(fresh, kind))
        self._create(f"{list(self.registry.namespaces)[-1]}/{label}", records, routing, custom)

    @precondition(lambda self: self.services())
    @rule(
        service=_services, instance=_instances, address=st.sampled_from(_ADDRESSES), colour=_colours,
        initial=_initial, complete=st.sampled_from((True, True, True, False)),
    )  # fmt: skip
    def register(
        self, service: str, instance: str, address: str, colour: str | None, initial: Status | None, complete: bool
    ) -> None:
        """Register an instance, again if it is there; not `complete`: without what the records need."""
        found = self.registry.services[service]
        attributes = {"colour": colour} if colour or not complete else {}
        if complete:
            attributes |= {"AWS_INSTANCE_IPV4": address}
            attributes |= dict([_PORT]) if found.records == "SRV" else {}
        if initial and found.custom:
            attributes |= {"AWS_INIT_HEALTH_STATUS": initial}
        given = tuple(sorted((key, value or "red") for key, value in attributes.items()))
        self.take(Register(service, instance, given))

    @precondition(lambda self: self.registered())
    @rule(
        member=_one_of(lambda machine: machine.registered()), address=st.sampled_from(_ADDRESSES), colour=_colours,
        initial=_initial,
    )  # fmt: skip
    def register_again(self, member: tuple[str, str], address: str, colour: str | None, initial: Status | None) -> None:
        """Register an instance that is there."""
        self.register(*member, address, colour, initial, True)

    @precondition(lambda self: self.without_many())
    @rule(service=_one_of(lambda machine: machine.without_many()))
    def register_many(self, service: str) -> None:
        """More instances than one DNS answer holds."""
        self.take(RegisterMany(service))

    @precondition(lambda self: self.services())
    @rule(member=_members)
    def deregister(self, member: tuple[str, str]) -> None:
        """Deregister an instance, whether it is there or not."""
        self.take(Deregister(*member))

    @precondition(lambda self: self.services() and self.has("custom-health"))
    @rule(
        member=_custom_members, status=_statuses, again=st.sampled_from((False, False, True)), wait=_seconds,
        look=st.booleans(),
    )  # fmt: skip
    def report(self, member: tuple[str, str], status: Status, again: bool, wait: float, look: bool) -> None:
        """Report a custom status, whether the service takes one or not, now and then once more; and see it come."""
        self.take(Report(*member, status))
        if again and self.has("clock-control"):
            self.take(Advance(wait))
            self.take(Report(*member, status if wait < _SECONDS[1] else _OPPOSITE[status]))
        if look:
            self.take(HealthOf(member[0], settle=True))

    @precondition(lambda self: self.has("clock-control"))
    @rule(seconds=_seconds)
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.take(Advance(seconds))

    # One namespace is always left or can be made: a history without any could not go on.
    @rule(service=st.booleans(), number=st.integers(0, 3))
    def delete(self, service: bool, number: int) -> None:
        """Delete a service or a namespace, whether it is empty or not."""
        names = self.services() if service else list(self.registry.namespaces)
        if service and names:
            self.take(DeleteService(names[number % len(names)]))
        elif len(names) > (self._next_namespace() is None):
            self.take(DeleteNamespace(names[number % len(names)]))

    @precondition(lambda self: self.services())
    @rule(service=_services, settle=_settle)
    def list_instances(self, service: str, settle: bool) -> None:
        """Look at all instances."""
        self.take(List(service, settle))

    @precondition(lambda self: self.services())
    @rule(member=_members, settle=_settle)
    def get_instance(self, member: tuple[str, str], settle: bool) -> None:
        """Look at one instance, whether it is there or not."""
        self.take(Get(*member, settle))

    @precondition(lambda self: self.services())
    @rule(service=_services, settle=_settle)
    def health_of(self, service: str, settle: bool) -> None:
        """Look at the health of all instances."""
        self.take(HealthOf(service, settle))

    @precondition(lambda self: self.services())
    @rule(service=_services, health=_filters, query=_wanted, optional=_wanted, settle=_settle)
    def discover(self, service: str, health: Filter | None, query: Pairs, optional: Pairs, settle: bool) -> None:
        """Discover with filters. How OptionalParameters goes together with health is not documented: either of them."""
        if self.registry.services[service].custom:
            optional = ()
        self.take(Discover(service, health, query, optional, settle))

    @precondition(lambda self: self.named())
    @rule(service=_one_of(lambda machine: machine.named()), settle=_settle)
    def ask_dns(self, service: str, settle: bool) -> None:
        """Ask for the records of a service."""
        self.take(Ask(service, settle))

    def _create(self, service: str, records: Records, routing: Routing, custom: bool) -> None:
        if self.registry.namespaces[namespace_of(service)].kind == "http":
            records = "none"
        custom = custom and self.has("custom-health")
        self.take(CreateService(service, records, routing if records != "none" else "MULTIVALUE", custom))

    def _next_namespace(self) -> str | None:
        known = self.registry.namespaces.keys() | self.registry.deleted
        return next((name for name in _NAMESPACES if name not in known), None)

    def without_many(self) -> list[str]:
        """Services in which RegisterMany was not done yet."""
        return self.services(lambda one: MANY[0][0] not in one.instances)


def machine_for(features: frozenset[str], run: Callable[[History], None]) -> type[RegistryMachine]:
    """The machine for a target with these features; complete histories go to `run`."""
    return type("Machine", (RegistryMachine,), {"features": features, "run": staticmethod(run)})
