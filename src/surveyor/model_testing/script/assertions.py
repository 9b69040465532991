"""The last step of a history, with the check that it violates, as Python code."""

from __future__ import annotations

from collections.abc import Iterator

from surveyor.model_testing.checks import (
    Absent,
    Attributes,
    Check,
    Count,
    HasRevision,
    Health,
    Only,
    PermittedOutcome,
    Present,
    Revision,
    Unique,
)
from surveyor.model_testing.script.calls import literal
from surveyor.model_testing.steps import DiscoverInstances, GetHealth, GetInstance, QueryRecords, Step

__all__ = ["assertion_lines"]


def assertion_lines(check: Check, step: Step, call: str, earlier: str) -> Iterator[str]:
    """Yield lines with the call and an `assert`. `earlier`: the variable of the last answer with a revision."""
    if isinstance(check, PermittedOutcome):
        yield f"actual = outcome(lambda: {call})"
        yield _assert(f"actual in {_list(check.permitted)}")
        return
    yield f"answer = {call}"
    match check:
        case Unique():
            yield _actual_names(step)
            yield _assert("len(set(actual)) == len(actual)")
        case Absent(names):
            yield _actual_names(step)
            yield _assert(f"not set({_list(names)}) & set(actual)")
        case Only(names):
            yield _actual_names(step)
            yield _assert(f"set(actual) <= set({_list(names)})")
        case Present(names):
            yield _actual_names(step)
            yield _assert(f"set({_list(names)}) <= set(actual)")
        case Count(minimum, maximum):
            yield _actual_names(step)
            yield _assert(f"{minimum} <= len(actual) <= {maximum}")
        case Attributes(name, permitted):
            yield f"actual = attributes_of({_instances(step)}, {literal(name)})"
            permitted_dicts = literal([dict(pairs) for pairs in permitted])
            yield _assert(f"all(attributes in {permitted_dicts} for attributes in actual)")
        case Health(name, permitted):
            yield f"actual = {_statuses(step, literal(name))}"
            yield _assert(f"set(actual) <= set({_list(permitted)})")
        case HasRevision():
            yield "actual = sorted(answer)"
            yield _assert('"InstancesRevision" in actual')
        case Revision(relation):
            yield f'actual = [{earlier}["InstancesRevision"], answer["InstancesRevision"]]'
            yield _assert(f"actual[1] {relation} actual[0]")


def _assert(condition: str) -> str:
    return f'assert {condition}, f"documented: {{DOCUMENTED}}; got {{actual}}"'


def _list(names: frozenset[str]) -> str:
    return literal(sorted(names))


def _actual_names(step: Step) -> str:
    """Return a line that assigns the sorted names in the answer."""
    if isinstance(step, QueryRecords):
        return "actual = answer"
    if isinstance(step, GetHealth):
        return 'actual = sorted(answer["Status"])'
    return f"actual = sorted(instance[{_key(step)}] for instance in {_instances(step)})"


def _instances(step: Step) -> str:
    return '[answer["Instance"]]' if isinstance(step, GetInstance) else 'answer["Instances"]'


def _key(step: Step) -> str:
    return '"InstanceId"' if isinstance(step, DiscoverInstances) else '"Id"'


def _statuses(step: Step, name: str) -> str:
    if isinstance(step, GetHealth):
        return f'[status for name, status in answer["Status"].items() if name == {name}]'
    return f'[instance["HealthStatus"] for instance in answer["Instances"] if instance["InstanceId"] == {name}]'
