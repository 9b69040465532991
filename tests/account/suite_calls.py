"""The operations that suites call, read from their source: by test, with what its fixtures and helper functions call.

The service of a call is that of its receiver where the source says it (`ecs.create_service`, `client("elbv2")`), else
any service that has the operation. Names that are put together at run time are not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from botocore import xform_name
from botocore.session import Session

SERVICES = (
    "acm-pca", "application-autoscaling", "cloudwatch", "ec2", "ecs", "elbv2", "events", "iam", "lambda", "logs", "ram",
    "route53", "route53resolver", "s3", "service-quotas", "servicediscovery", "sqs", "sts",
)  # fmt: skip
RECEIVERS = {"cloudmap": "servicediscovery", "consumer_cloudmap": "servicediscovery", "elb": "elbv2"} | {
    name: name for name in ("cloudwatch", "ec2", "ecs", "events", "iam", "logs", "ram", "route53", "sqs", "sts")
}
"""Variables that hold a client in all suites and fixtures."""


class Call(NamedTuple):
    """What a call may be, as `service:Operation`: one for each service that it may be of; and who makes it."""

    operations: tuple[str, ...]
    by_consumer: bool = False

    def __str__(self) -> str:
        return " or ".join(self.operations) + (", by the consumer" if self.by_consumer else "")


@dataclass(frozen=True)
class Function:
    """A function of a module: what it calls itself, the fixtures that it takes, and the names that it uses."""

    name: str
    line: int
    calls: Mapping[Call, int]
    takes: frozenset[str]
    uses: frozenset[str]
    claims: tuple[str, ...]


@dataclass(frozen=True)
class SuiteTest:
    """A test with all calls that it may make: where each is written."""

    nodeid: str
    claims: tuple[str, ...]
    calls: Mapping[Call, str]


@cache
def methods() -> Mapping[str, tuple[str, ...]]:
    """Return by name of a method of clients the operations, as `service:Operation`."""
    found: dict[str, list[str]] = {}
    session = Session()
    for service in SERVICES:
        for operation in session.get_service_model(service).operation_names:
            found.setdefault(xform_name(operation), []).append(f"{service}:{operation}")
    return {name: tuple(operations) for name, operations in found.items()}


def suite_tests(suites: Path, fixtures: Path, leave_out: Collection[str] = ()) -> Iterator[SuiteTest]:
    """Yield the tests of suites. `leave_out`: fixtures that call nothing where the tests run."""
    shared = {
        name: (path, function) for path in sorted(fixtures.glob("*.py")) for name, function in _functions(path).items()
    }
    for path in sorted(suites.rglob("test_*.py")):
        near = dict(shared)
        for module in (path.parent / "conftest.py", path):
            if module.is_file():
                near |= {name: (module, function) for name, function in _functions(module).items()}
        for name, (where, function) in near.items():
            if where == path and name.startswith("test_"):
                nodeid = f"{path.relative_to(suites)}::{name}"
                yield SuiteTest(nodeid, function.claims, _reached(function, path, near, leave_out))


def known_calls(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the calls of a module of which the source names service and operation, each with its line."""
    tree = ast.parse(path.read_text("utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        variables = dict(_clients(function))
        for inside in ast.walk(function):
            if isinstance(inside, ast.Attribute) and inside.attr in methods():
                if service := _receiver(inside.value, variables)[0]:
                    yield from ((name, inside.lineno) for name in _call(inside.attr, service, False).operations)
            elif isinstance(inside, ast.Call) and isinstance(inside.func, ast.Name) and inside.func.id == "ApiAction":
                named, method = (str(getattr(argument, "value", "")) for argument in inside.args[:2])
                if named in SERVICES and method in methods():
                    yield from ((name, inside.lineno) for name in _call(method, named, False).operations)


def _reached(
    function: Function, path: Path, near: Mapping[str, tuple[Path, Function]], leave_out: Collection[str]
) -> dict[Call, str]:
    """Return the calls of a function and of all that it uses, each with its place."""
    calls: dict[Call, str] = {}
    seen, waiting = {function.name, *leave_out}, [(path, function)]
    while waiting:
        where, current = waiting.pop()
        for call, line in current.calls.items():
            calls.setdefault(call, f"{where.name}:{line}")
        own = _functions(where)
        new = [near[name] for name in current.takes & near.keys()]
        new += [(where, own[name]) for name in current.uses & own.keys()]
        waiting += [found for found in new if found[1].name not in seen]
        seen.update(found.name for _, found in new)
    return calls


@cache
def _functions(path: Path) -> Mapping[str, Function]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name: _function(node) for node in tree.body if isinstance(node, ast.FunctionDef)}


def _function(node: ast.FunctionDef) -> Function:
    variables = dict(_clients(node))
    calls: dict[Call, int] = {}
    uses: set[str] = set()
    for inside in ast.walk(node):
        if isinstance(inside, ast.Attribute) and inside.attr in methods():
            calls.setdefault(_call(inside.attr, *_receiver(inside.value, variables)), inside.lineno)
        elif isinstance(inside, ast.Constant) and isinstance(inside.value, str) and inside.value in methods():
            calls.setdefault(_call(inside.value, "", False), inside.lineno)
        elif isinstance(inside, ast.Name):
            uses.add(inside.id)
    claims = tuple(
        str(argument.value)
        for decorator in node.decorator_list
        for call in ast.walk(decorator)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "proves"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    )
    return Function(
        node.name, node.lineno, calls, frozenset(argument.arg for argument in node.args.args), frozenset(uses), claims
    )


def _clients(node: ast.FunctionDef) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yield variables that hold a client, with its service, and whether it is the consumer's."""
    for inside in ast.walk(node):
        if isinstance(inside, ast.Assign) and len(inside.targets) == 1:
            for target, value in _pairs(inside.targets[0], inside.value):
                found = _receiver(value, {})
                if isinstance(target, ast.Name) and found[0]:
                    yield target.id, found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from zip(target.elts, value.elts, strict=False)
    else:
        yield target, value


def _receiver(receiver: ast.expr, variables: Mapping[str, tuple[str, bool]]) -> tuple[str, bool]:
    """Return the service of a receiver, "" if the source does not say it, and whether it is the consumer's."""
    if isinstance(receiver, ast.Name):
        by_consumer = receiver.id.startswith("consumer")
        return variables.get(receiver.id, (RECEIVERS.get(receiver.id, ""), by_consumer))
    if isinstance(receiver, ast.Call) and len(receiver.args) == 1 and isinstance(receiver.args[0], ast.Constant):
        name, maker = receiver.args[0].value, receiver.func
        return (name if name in SERVICES else "", isinstance(maker, ast.Name) and maker.id.startswith("consumer"))
    return "", False


def _call(method: str, service: str, by_consumer: bool) -> Call:
    found = tuple(name for name in methods()[method] if name.startswith(f"{service}:")) if service else ()
    return Call(found or methods()[method], by_consumer)
