"""Makes a history that shows something as short as it gets: what remains cannot lose a step.

A history is a value and not only the choices that led to it, so steps are left out and made plainer as such: some
twenty runs, where shrinking the choices takes two hundred (docs/decisions/0008-histories-as-values.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import replace

from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.registry import MANY, Registry, after, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    Ask,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    Discover,
    History,
    Look,
    Register,
    RegisterMany,
    Step,
)

__all__ = ["is_possible", "shortened"]


def shortened(history: History, shows: Callable[[History], bool]) -> History:
    """The shortest history that can be reached from this one, step by step, and still `shows` it."""
    found = history
    while (better := next((one for one in _shorter(found) if is_possible(one) and shows(one)), None)) is not None:
        found = better
    return found


def is_possible(history: History) -> bool:
    """Whether each step is about something that was made by then."""
    registry = Registry()
    for step in history:
        if not _has(registry, step):
            return False
        registry = after(registry, step, Moment(0.0, 0.0))
    return True


def _has(registry: Registry, step: Step) -> bool:
    match step:
        case CreateService(name, records):
            namespace = registry.namespaces.get(namespace_of(name))
            return namespace is not None and (records == "none" or namespace.kind != "http")
        case DeleteNamespace(name):
            return name in registry.namespaces
        case CreateNamespace() | Advance():
            return True
        case Ask(name):
            return name in registry.services and registry.services[name].records != "none"
    return step.service in registry.services


def _shorter(history: History) -> Iterator[History]:
    """Without some steps, many before few and late before early; then with one step plainer; then with first names.

    The last step stays: it is what shows it.
    """
    size = len(history) // 2
    while size:
        for end in range(len(history) - 1, size - 1, -size):
            yield history[: end - size] + history[end:]
        size //= 2
    for number, step in reversed(list(enumerate(history))):
        for plainer in _plainer(step):
            yield (*history[:number], plainer, *history[number + 1 :])
    plain = tuple(_with_first_names(history))
    if plain != history:
        yield plain


def _plainer(step: Step) -> Iterator[Step]:
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
        yield Register(step.service, "i-1", MANY[0][1])
    elif isinstance(step, Register):
        for pair in step.attributes if len(step.attributes) > 1 else ():
            yield replace(step, attributes=tuple(one for one in step.attributes if one != pair))
    elif isinstance(step, Look):
        if isinstance(step, Discover):
            yield from (one for one in (replace(step, health=None), replace(step, query=()), replace(step, optional=()))
                        if one != step)  # fmt: skip
        # What is looked for as long as it may take comes again, however long the target happens to take.
        if not step.settle:
            yield replace(step, settle=True)


def _with_first_names(history: History) -> Iterator[Step]:
    """The same with names given in the order in which they come: n1, n1/a, i-1."""
    spaces: dict[str, str] = {}
    labels: dict[str, str] = {}
    instances: dict[str, str] = {}
    for step in history:
        given: dict[str, str] = {}
        for field in dataclasses.fields(step):
            old = getattr(step, field.name)
            if field.name == "namespace":
                given["namespace"] = spaces.setdefault(old, f"n{len(spaces) + 1}")
            elif field.name == "service":
                namespace, _, label = old.partition("/")
                space = spaces.setdefault(namespace, f"n{len(spaces) + 1}")
                given["service"] = f"{space}/{labels.setdefault(label, 'abcdefgh'[len(labels)])}"
            elif field.name == "instance" and old.startswith("i-"):
                given["instance"] = instances.setdefault(old, f"i-{len(instances) + 1}")
        yield replace(step, **given)  # type: ignore[arg-type]  # only fields that the step has
