"""Estimate what experiments and load scenarios do in an account, from their definitions: nothing is run.

They are played in real time there: tasks start in one to two minutes, a hosted zone takes one, and deletion as long.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from surveyor.account.prices import FARGATE_TASK, HOSTED_ZONE, INSTANCE, LOAD_BALANCER, Price, expected_dollars
from surveyor.chaos.durations import experiment_seconds
from surveyor.conformance.plan import Plan
from surveyor.input_files import read_text

__all__ = ["ACCOUNT_STEADY", "OWN_SERVICE", "ProgramPlan", "plan_programs", "read_program"]

OWN_SERVICE = 330.0
"""Service seconds to start a service and to delete it in an account: tasks, and a namespace with a zone, on Fargate."""

ACCOUNT_STEADY = 120.0
"""Service seconds until a service on Fargate is steady again after a fault."""

_DURATION = 30.0  # of the faults of any-fault, if nothing else is said
_STEADY = 240.0  # a phase that lasts until a deployment is complete, or all tasks run
_CALLS = 90  # to start and delete a service
_CALLS_PER_POLL = 5.0  # of all observers: instances, tasks that run and that stopped, records


@dataclass(frozen=True)
class ProgramPlan:
    """One experiment or scenario: tasks at a time, service seconds, calls, and whether a load balancer is made.

    `client`: a client with a Service Connect proxy is made, an ECS service with one task.
    """

    tasks: int
    seconds: float
    calls: int
    balancer: bool
    client: bool


def read_program(path: Path, *, own_service: bool) -> ProgramPlan:
    """Return the estimate for the definition in a file. `own_service`: it makes its service, and deletes it."""
    tree = ast.parse(read_text(path), filename=str(path))
    counts = [int(value) for value in _numbers(tree, "count")]
    first, scaled = (counts[0] if counts else 3), max(counts, default=3)
    phases = list(_phases(tree))
    seconds = sum(phases) or experiment_seconds(path, duration=_DURATION, steady=ACCOUNT_STEADY)
    poll = next(_numbers(tree, "poll_period"), 1.0)
    balancer = own_service and any((*_numbers(tree, "entry_points"), *_numbers(tree, "balancer")))
    client = own_service and any((*_numbers(tree, "entry_points"), *_numbers(tree, "connect_client")))
    host = own_service and any(_numbers(tree, "host"))
    tasks = (max(first, scaled) if own_service else scaled - first) + client + host
    return ProgramPlan(
        tasks=max(0, tasks),
        seconds=seconds + (OWN_SERVICE if own_service else 0.0),
        calls=round((_CALLS if own_service else 10) + _CALLS_PER_POLL * seconds / poll),
        balancer=balancer,
        client=client,
    )


def plan_programs(files: Iterable[Path], *, own_service: bool) -> Plan:
    """Return the estimate for programs that are played one after the other."""
    programs = [read_program(path, own_service=own_service) for path in files]
    resources, dollars, budgeted = Counter[str](), 0.0, 0.0
    month: dict[str, float] = {}
    for program in programs:
        resources.update(_resources(program, own_service=own_service))
        for price, count in _priced(program, own_service=own_service):
            month[price.name] = month.get(price.name, 0.0) + price.month * count
            dollars += count * expected_dollars(price, program.seconds)
            budgeted += count * expected_dollars(price, 3_600.0)
    return Plan(
        tests=len(programs),
        calls={"ecs and servicediscovery:": sum(program.calls for program in programs)} if programs else {},
        resources=dict(resources.most_common()),
        minutes=sum(program.seconds for program in programs) / 60,
        dollars=dollars,
        budgeted=budgeted,
        month=dict(sorted(month.items(), key=lambda item: -item[1])),
    )


def _resources(program: ProgramPlan, *, own_service: bool) -> Mapping[str, int]:
    made = {"Fargate task": program.tasks}
    if own_service:
        made |= {"namespace": 1, "service": 1, "instance": program.tasks, "ECS service": 1 + program.client}
        made |= {"load balancer": 1} if program.balancer else {}
    return {kind: count for kind, count in made.items() if count}


def _priced(program: ProgramPlan, *, own_service: bool) -> list[tuple[Price, int]]:
    prices = [(FARGATE_TASK, program.tasks), (INSTANCE, program.tasks)]
    if own_service:
        prices += [(HOSTED_ZONE, 1), (LOAD_BALANCER, int(program.balancer))]
    return [(price, count) for price, count in prices if count]


def _numbers(tree: ast.Module, name: str) -> Iterator[float]:
    """Yield the numbers that are given by this name, as an argument or in a mapping, in the order of the file."""
    found: list[tuple[int, float]] = []
    for node in ast.walk(tree):
        pairs: list[tuple[object, ast.expr]] = []
        if isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [(key.value, value) for key, value in zip(node.keys, node.values, strict=True)
                     if isinstance(key, ast.Constant)]  # fmt: skip
        for key, value in pairs:
            if key == name and isinstance(value, ast.Constant) and isinstance(value.value, (int, float)):
                found.append((value.lineno, value.value))
    yield from (value for _, value in sorted(found))


def _phases(tree: ast.Module) -> Iterator[float]:
    """Yield the seconds of the phases of a load scenario; none for an experiment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phase":
            numbers = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            seconds = next((float(value) for value in numbers if isinstance(value, (int, float))), 60.0)
            waits = any(keyword.arg == "until_steady" for keyword in node.keywords)
            yield max(seconds, _STEADY) if waits else seconds
