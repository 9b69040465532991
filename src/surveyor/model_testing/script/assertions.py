"""The last step of a history with the check that it fails, as Python."""

from __future__ import annotations

from collections.abc import Iterator

from surveyor.model_testing.checks import (
    Absent,
    Attributes,
    Check,
    Count,
    HasRevision,
    Health,
    Once,
    Only,
    Outcome,
    Present,
    Revision,
)
from surveyor.model_testing.script.calls import literal
from surveyor.model_testing.steps import Ask, Discover, Get, HealthOf, Step

__all__ = ["asserting"]


def asserting(check: Check, step: Step, call: str, earlier: str) -> Iterator[str]:
    """Lines that do the call and end in `assert`. `earlier`: the variable of the last answer that told a revision."""
    if isinstance(check, Outcome):
        yield f"came = outcome(lambda: {call})"
        yield _assert(f"came in {_names(check.permitted)}")
        return
    yield f"answer = {call}"
    match check:
        case Once():
            yield _came(step)
            yield _assert("len(set(came)) == len(came)")
        case Absent(names):
            yield _came(step)
            yield _assert(f"not set({_names(names)}) & set(came)")
        case Only(names):
            yield _came(step)
            yield _assert(f"set(came) <= set({_names(names)})")
        case Present(names):
            yield _came(step)
            yield _assert(f"set({_names(names)}) <= set(came)")
        case Count(least, most):
            yield _came(step)
            yield _assert(f"{least} <= len(came) <= {most}")
        case Attributes(name, permitted):
            yield f"came = attributes_of({_instances(step)}, {literal(name)})"
            yield _assert(f"all(one in {literal([dict(pairs) for pairs in permitted])} for one in came)")
        case Health(name, permitted):
            yield f"came = {_statuses(step, literal(name))}"
            yield _assert(f"set(came) <= set({_names(permitted)})")
        case HasRevision():
            yield "came = sorted(answer)"
            yield _assert('"InstancesRevision" in came')
        case Revision(relation):
            yield f'came = [{earlier}["InstancesRevision"], answer["InstancesRevision"]]'
            yield _assert(f"came[1] {relation} came[0]")


def _assert(condition: str) -> str:
    return f'assert {condition}, f"documented: {{DOCUMENTED}}; came {{came}}"'


def _names(names: frozenset[str]) -> str:
    return literal(sorted(names))


def _came(step: Step) -> str:
    """A line that makes the sorted list of names of what came."""
    if isinstance(step, Ask):
        return "came = answer"
    if isinstance(step, HealthOf):
        return 'came = sorted(answer["Status"])'
    return f"came = sorted(one[{_key(step)}] for one in {_instances(step)})"


def _instances(step: Step) -> str:
    return '[answer["Instance"]]' if isinstance(step, Get) else 'answer["Instances"]'


def _key(step: Step) -> str:
    return '"InstanceId"' if isinstance(step, Discover) else '"Id"'


def _statuses(step: Step, name: str) -> str:
    if isinstance(step, HealthOf):
        return f'[status for name, status in answer["Status"].items() if name == {name}]'
    return f'[one["HealthStatus"] for one in answer["Instances"] if one["InstanceId"] == {name}]'
