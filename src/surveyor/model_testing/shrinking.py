"""Shorten a history that shows a divergence until no further step can be removed.

A history is a value and not only the choices that led to it, so steps are removed and simplified directly: some twenty
runs, where shrinking the choices takes two hundred (docs/decisions/0008-histories-as-values.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import replace

from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import MANY_INSTANCES, ModelRegistry, apply_step, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DiscoverInstances,
    History,
    QueryRecords,
    ReadStep,
    RegisterInstance,
    RegisterMany,
    Step,
)

__all__ = ["is_possible", "shorten"]


def shorten(history: History, shows: Callable[[History], bool]) -> History:
    """Return the shortest history that can be reached from this one, step by step, and for which `shows` is true."""
    shortest = history
    while True:
        candidates = (candidate for candidate in _candidates(shortest) if is_possible(candidate) and shows(candidate))
        better = next(candidates, None)
        if better is None:
            return shortest
        shortest = better


def is_possible(history: History) -> bool:
    """Return whether each step uses only namespaces and services that exist by then."""
    registry = ModelRegistry()
    for step in history:
        if not _can_execute(registry, step):
            return False
        registry = apply_step(registry, step, Moment(0.0, 0.0))
    return True


def _can_execute(registry: ModelRegistry, step: Step) -> bool:
    match step:
        case CreateService(name, records):
            namespace = registry.namespaces.get(namespace_of(name))
            return namespace is not None and (records == "none" or namespace.kind != "http")
        case DeleteNamespace(name):
            return name in registry.namespaces
        case CreateNamespace() | Advance():
            return True
        case QueryRecords(name):
            return name in registry.services and registry.services[name].records != "none"
    return step.service in registry.services


def _candidates(history: History) -> Iterator[History]:
    """Yield simpler histories: with steps removed, then with one step simplified, then with canonical names.

    Many steps are removed before few, and late ones before early ones. The last step stays, since it shows the
    divergence.
    """
    size = len(history) // 2
    while size:
        for end in range(len(history) - 1, size - 1, -size):
            yield history[: end - size] + history[end:]
        size //= 2
    for number, step in reversed(list(enumerate(history))):
        for simpler in _simpler_steps(step):
            yield (*history[:number], simpler, *history[number + 1 :])
    renamed = tuple(_with_canonical_names(history))
    if renamed != history:
        yield renamed


def _simpler_steps(step: Step) -> Iterator[Step]:
    if isinstance(step, CreateNamespace) and step.kind != "http":
        yield replace(step, kind="http")
    elif isinstance(step, CreateService):
        if step.custom:
            yield replace(step, custom=False)
        if step.records != "none":
            yield replace(step, records="none", routing="MULTIVALUE")
        if step.routing != "MULTIVALUE":
            yield replace(step, routing="MULTIVALUE")
    elif isinstance(step, RegisterMany):
        yield RegisterInstance(step.service, "i-1", MANY_INSTANCES[0][1])
    elif isinstance(step, RegisterInstance):
        for pair in step.attributes if len(step.attributes) > 1 else ():
            yield replace(step, attributes=tuple(kept for kept in step.attributes if kept != pair))
    elif isinstance(step, ReadStep):
        if isinstance(step, DiscoverInstances):
            without = (replace(step, health=None), replace(step, query=()), replace(step, optional=()))
            yield from (simpler for simpler in without if simpler != step)
        # A step that waits for the deadline shows the divergence again, however long the target takes.
        if not step.settle:
            yield replace(step, settle=True)


def _with_canonical_names(history: History) -> Iterator[Step]:
    """Yield the steps with names in order of their first use: n1, n1/a, i-1."""
    spaces: dict[str, str] = {}
    labels: dict[str, str] = {}
    instances: dict[str, str] = {}
    for step in history:
        names: dict[str, str] = {}
        for field in dataclasses.fields(step):
            old = getattr(step, field.name)
            if field.name == "namespace":
                names["namespace"] = spaces.setdefault(old, f"n{len(spaces) + 1}")
            elif field.name == "service":
                namespace, _, label = old.partition("/")
                space = spaces.setdefault(namespace, f"n{len(spaces) + 1}")
                names["service"] = f"{space}/{labels.setdefault(label, 'abcdefgh'[len(labels)])}"
            elif field.name == "instance" and old.startswith("i-"):
                names["instance"] = instances.setdefault(old, f"i-{len(instances) + 1}")
        yield replace(step, **names)  # type: ignore[arg-type]  # only fields that the step has
