"""The rules that generate histories: a hypothesis state machine over the model alone.

No target is called while a history is generated, so it is a value: it can be run, repeated, shortened and stored, and
equal histories need to run only once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import MANY_INSTANCES, ModelRegistry, ModelService, apply_step, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    DeregisterInstance,
    DiscoverInstances,
    Filter,
    GetHealth,
    GetInstance,
    History,
    Kind,
    ListInstances,
    Pairs,
    QueryRecords,
    Records,
    RegisterInstance,
    RegisterMany,
    ReportHealth,
    Routing,
    Status,
    Step,
)

__all__ = ["KINDS", "OPTIONAL_FEATURES", "RegistryMachine", "machine_for"]

KINDS: dict[Kind, frozenset[str]] = {
    "private": frozenset({"cloudmap", "ec2"}),
    "public": frozenset({"cloudmap", "route53"}),
    "http": frozenset({"cloudmap"}),
}
"""Kinds of namespaces, and the features that a target needs for them."""

OPTIONAL_FEATURES = ("ec2", "route53", "dns", "public-dns", "custom-health", "clock-control")
"""Features without which some rules are omitted."""

_NAMESPACES = ("n1", "n2")
_LABELS = ("a", "b")
_INSTANCES = ("i-1", "i-2", "i-3")
_ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
_PORT = ("AWS_INSTANCE_PORT", "8080")
_COLOURS = ("red", "blue")
# Values around the 30 seconds of a custom status and the 60 seconds of everything else.
_SECONDS = (1.0, 14.0, 28.0, 32.0, 61.0, 95.0)
_seconds = st.sampled_from(_SECONDS)
_OPPOSITE: dict[Status, Status] = {"HEALTHY": "UNHEALTHY", "UNHEALTHY": "HEALTHY"}
_AT_ONCE = Moment(0.0, 0.0)  # the time does not matter here, only what finally exists


class _Machine(RuleBasedStateMachine):
    """Generates one history and passes it to `run` when it is complete."""

    features: frozenset[str] = frozenset()
    run: Callable[[History], None]

    def __init__(self) -> None:
        super().__init__()
        self.registry = ModelRegistry()
        self.steps: list[Step] = []

    def teardown(self) -> None:
        """Complete the history with every read step for every service, and pass it to `run`."""
        last: list[Step] = []
        for name in self.registry.services:
            last += [
                GetHealth(name, settle=True),
                ListInstances(name, settle=True),
                DiscoverInstances(name, settle=True),
            ]
            last += [QueryRecords(name, settle=True)] if name in self.resolvable() else []
        type(self).run((*self.steps, *last))

    def has(self, *features: str) -> bool:
        """Return whether the target has all of these features."""
        return self.features.issuperset(features)

    def add(self, step: Step) -> None:
        """Add a step, and apply it to the model as documented."""
        self.steps.append(step)
        self.registry = apply_step(self.registry, step, _AT_ONCE)

    def services(self, fits: Callable[[ModelService], bool] = lambda _: True) -> list[str]:
        """Return the names of the services for which `fits` is true."""
        return [name for name, service in self.registry.services.items() if fits(service)]

    def members(self, fits: Callable[[ModelService], bool] = lambda _: True) -> list[tuple[str, str]]:
        """Return pairs of service and instance, with an instance that may not exist, for services that fit."""
        registered = {name: self.registry.services[name].registered for name in self.services(fits)}
        return [(name, instance) for name, ids in registered.items() for instance in (*ids[:3], _INSTANCES[0])]

    def resolvable(self) -> list[str]:
        """Return the services whose records can be queried."""
        needs = {"private": ("dns",), "public": ("dns", "public-dns"), "http": ("never",)}
        return [
            name for name in self.services(lambda service: service.records != "none")
            if self.has(*needs[self.registry.namespaces[namespace_of(name)].kind])
        ]  # fmt: skip

    def registered(self) -> list[tuple[str, str]]:
        """Return pairs of service and registered instance."""
        services = self.registry.services.items()
        return [(name, instance) for name, service in services for instance in service.registered]


def _choose(values: Callable[[Any], Any]) -> Any:
    """Return a strategy that draws one of the values that the machine has at that moment.

    The drawn number does not depend on how many values there are, so omitting an earlier step changes no later choice.
    """

    def select(pair: tuple[Any, int]) -> Any:
        available = list(values(pair[0]))
        return available[pair[1] % len(available)]

    return st.tuples(st.runner(), st.integers(0, 3)).map(select)


_kinds = _choose(lambda machine: [kind for kind, needs in KINDS.items() if machine.has(*needs)])
_services = _choose(lambda machine: machine.services())


def _address_of(instance: str, address: str) -> str:
    """Return an address that no other instance has: AWS was seen to refuse two instances with one address in DNS."""
    kind, _, number = instance.rpartition("-")
    prefix, _, host = address.rpartition(".")
    return f"{prefix}.{10 * int(number) + int(host) + (110 if kind == 'many' else 0)}"


_instances = st.sampled_from(_INSTANCES)
# Mostly registered instances, and of services mostly those with a custom check.
_members = _choose(lambda machine: machine.members())
_custom_members = _choose(lambda machine: machine.members(lambda service: service.custom) + machine.members()[:1])
_records: st.SearchStrategy[Records] = st.sampled_from(("A", "SRV", "none"))
_routing: st.SearchStrategy[Routing] = st.sampled_from(("MULTIVALUE", "WEIGHTED"))
_filters: st.SearchStrategy[Filter | None] = st.sampled_from(
    (None, "ALL", "HEALTHY", "UNHEALTHY", "HEALTHY_OR_ELSE_ALL")
)
_statuses: st.SearchStrategy[Status] = st.sampled_from(("UNHEALTHY", "HEALTHY"))
_initial: st.SearchStrategy[Status | None] = st.sampled_from((None, "UNHEALTHY", "HEALTHY"))
_colours = st.sampled_from((None, *_COLOURS))
_attribute_filters: st.SearchStrategy[Pairs] = st.sampled_from(
    ((), (), (), *((("colour", colour),) for colour in _COLOURS))
)
_settle = st.sampled_from((True, True, False))
_new = {
    "kind": _kinds, "records": _records, "routing": _routing, "custom": st.sampled_from((False, True)),
    "label": st.sampled_from(_LABELS),
}  # fmt: skip


class RegistryMachine(_Machine):
    """The rules of the state machine. Hypothesis orders them by name, so a seed depends on their names."""

    @initialize(**_new, count=st.sampled_from((2, 1, 0)))
    def begin(self, kind: Kind, records: Records, routing: Routing, custom: bool, label: str, count: int) -> None:
        """Create a service, mostly with instances: few rules apply without them."""
        self.add(CreateNamespace(_NAMESPACES[0], kind))
        self._create(f"{_NAMESPACES[0]}/{label}", records, routing, custom)
        for instance, address, colour in list(zip(_INSTANCES, _ADDRESSES, _COLOURS, strict=False))[:count]:
            self.register(f"{_NAMESPACES[0]}/{label}", instance, address, colour, None, True)

    @rule(**_new, space=st.sampled_from((False, False, True)))
    def create(self, kind: Kind, records: Records, routing: Routing, custom: bool, label: str, space: bool) -> None:
        """Create another service, or one whose name is taken; first a namespace if there is none, or a further one."""
        fresh = self._next_namespace()
        if fresh is not None and (space or not self.registry.namespaces):
            self.add(CreateNamespace(fresh, kind))
        self._create(f"{list(self.registry.namespaces)[-1]}/{label}", records, routing, custom)

    @precondition(lambda self: self.services())
    @rule(
        service=_services, instance=_instances, address=st.sampled_from(_ADDRESSES), colour=_colours,
        initial=_initial, complete=st.sampled_from((True, True, True, False)),
    )  # fmt: skip
    def register(
        self, service: str, instance: str, address: str, colour: str | None, initial: Status | None, complete: bool
    ) -> None:
        """Register an instance, again if it is registered; not `complete`: without what the records need."""
        found = self.registry.services[service]
        attributes = {"colour": colour} if colour or not complete else {}
        if complete:
            attributes |= {"AWS_INSTANCE_IPV4": _address_of(instance, address)}
            attributes |= dict([_PORT]) if found.records == "SRV" else {}
        if initial and found.custom:
            attributes |= {"AWS_INIT_HEALTH_STATUS": initial}
        pairs = tuple(sorted((key, value or "red") for key, value in attributes.items()))
        self.add(RegisterInstance(service, instance, pairs))

    @precondition(lambda self: self.registered())
    @rule(
        member=_choose(lambda machine: machine.registered()), address=st.sampled_from(_ADDRESSES), colour=_colours,
        initial=_initial,
    )  # fmt: skip
    def register_again(self, member: tuple[str, str], address: str, colour: str | None, initial: Status | None) -> None:
        """Register an instance that is registered already."""
        self.register(*member, address, colour, initial, True)

    @precondition(lambda self: self.without_many())
    @rule(service=_choose(lambda machine: machine.without_many()))
    def register_many(self, service: str) -> None:
        """Register more instances than one DNS answer contains."""
        self.add(RegisterMany(service))

    @precondition(lambda self: self.services())
    @rule(member=_members)
    def deregister(self, member: tuple[str, str]) -> None:
        """Deregister an instance, whether it is registered or not."""
        self.add(DeregisterInstance(*member))

    @precondition(lambda self: self.services() and self.has("custom-health"))
    @rule(
        member=_custom_members, status=_statuses, again=st.sampled_from((False, False, True)), wait=_seconds,
        look=st.booleans(),
    )  # fmt: skip
    def report(self, member: tuple[str, str], status: Status, again: bool, wait: float, look: bool) -> None:
        """Report a custom status, whether the service accepts it or not; sometimes again; and read the health."""
        self.add(ReportHealth(*member, status))
        if again and self.has("clock-control"):
            self.add(Advance(wait))
            self.add(ReportHealth(*member, status if wait < _SECONDS[1] else _OPPOSITE[status]))
        if look:
            self.add(GetHealth(member[0], settle=True))

    @precondition(lambda self: self.has("clock-control"))
    @rule(seconds=_seconds)
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.add(Advance(seconds))

    # One namespace always exists or can be created: a history without any could not continue.
    @rule(service=st.booleans(), number=st.integers(0, 3))
    def delete(self, service: bool, number: int) -> None:
        """Delete a service or a namespace, whether it is empty or not."""
        names = self.services() if service else list(self.registry.namespaces)
        if service and names:
            self.add(DeleteService(names[number % len(names)]))
        elif len(names) > (self._next_namespace() is None):
            self.add(DeleteNamespace(names[number % len(names)]))

    @precondition(lambda self: self.services())
    @rule(service=_services, settle=_settle)
    def list_instances(self, service: str, settle: bool) -> None:
        """List all instances."""
        self.add(ListInstances(service, settle))

    @precondition(lambda self: self.services())
    @rule(member=_members, settle=_settle)
    def get_instance(self, member: tuple[str, str], settle: bool) -> None:
        """Get one instance, whether it is registered or not."""
        self.add(GetInstance(*member, settle))

    @precondition(lambda self: self.services())
    @rule(service=_services, settle=_settle)
    def health_of(self, service: str, settle: bool) -> None:
        """Get the health of all instances."""
        self.add(GetHealth(service, settle))

    @precondition(lambda self: self.services())
    @rule(service=_services, health=_filters, query=_attribute_filters, optional=_attribute_filters, settle=_settle)
    def discover(self, service: str, health: Filter | None, query: Pairs, optional: Pairs, settle: bool) -> None:
        """Discover with filters: OptionalParameters or health, since their combination is not documented."""
        if self.registry.services[service].custom:
            optional = ()
        self.add(DiscoverInstances(service, health, query, optional, settle))

    @precondition(lambda self: self.resolvable())
    @rule(service=_choose(lambda machine: machine.resolvable()), settle=_settle)
    def ask_dns(self, service: str, settle: bool) -> None:
        """Query the records of a service."""
        self.add(QueryRecords(service, settle))

    def _create(self, service: str, records: Records, routing: Routing, custom: bool) -> None:
        if self.registry.namespaces[namespace_of(service)].kind == "http":
            records = "none"
        custom = custom and self.has("custom-health")
        self.add(CreateService(service, records, routing if records != "none" else "MULTIVALUE", custom))

    def _next_namespace(self) -> str | None:
        known = self.registry.namespaces.keys() | self.registry.deleted
        return next((name for name in _NAMESPACES if name not in known), None)

    def without_many(self) -> list[str]:
        """Return the services without an earlier RegisterMany."""
        return self.services(lambda service: MANY_INSTANCES[0][0] not in service.instances)


def machine_for(features: frozenset[str], run: Callable[[History], None]) -> type[RegistryMachine]:
    """Return the machine for a target with these features; it passes complete histories to `run`."""
    return type("Machine", (RegistryMachine,), {"features": features, "run": staticmethod(run)})
