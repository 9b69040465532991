"""Estimate how long experiments take, from the steps in their files: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from surveyor.input_files import read_text

__all__ = ["describe_seconds", "experiment_seconds"]

STEADY = 30.0
"""Service seconds until a service with short delays is steady again after a fault."""

_WARM_UP, _TTL = 15.0, 20.0  # of a ServiceSetup that says nothing else
_UNTIL = 0.5
"""Share of its limit that a wait for a condition takes."""


@dataclass(frozen=True)
class _Steps:
    """What the steps of a file take. `numbers`: what names stand for."""

    numbers: Mapping[str, float]
    steady: float

    def total(self, statements: Iterable[ast.stmt]) -> float:
        return sum(map(self._statement, statements))

    def _statement(self, statement: ast.stmt) -> float:
        if isinstance(statement, ast.For):
            return self._count(statement.iter) * self.total(statement.body)
        if isinstance(statement, ast.With | ast.If | ast.While | ast.Try):
            return self.total(statement.body)
        if isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call):
            return self._call(call)
        return 0.0

    def _call(self, call: ast.Call) -> float:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        values = [self.value(argument) for argument in call.args]
        if name == "wait":
            return sum(values[:1])
        if name == "rest":
            return sum(values[:1]) + self.steady
        if name == "until_steady":
            return self.steady
        return _UNTIL * sum(values[1:2]) if name == "until" else 0.0

    def _count(self, over: ast.expr) -> float:
        if isinstance(over, ast.Tuple | ast.List):
            return len(over.elts)
        if isinstance(over, ast.Call) and over.args:  # range(4)
            return self.value(over.args[-1]) or 1.0
        return 1.0

    def value(self, node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name | ast.Attribute):
            return self.numbers.get(node.id if isinstance(node, ast.Name) else node.attr, 0.0)
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left), self.value(node.right)
            if isinstance(node.op, ast.Add | ast.Sub):
                return left + right if isinstance(node.op, ast.Add) else left - right
            return left * right if isinstance(node.op, ast.Mult) else 0.0
        return 0.0


def experiment_seconds(path: Path, *, duration: float, steady: float = STEADY) -> float:
    """Return about how many service seconds the steps of an experiment's file take, with its warm-up.

    `duration`: that of the faults of any-fault. `steady`: until the service is steady again after a fault.
    """
    tree = ast.parse(read_text(path), filename=str(path))
    numbers = {"duration": duration}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            numbers[node.targets[0].id] = _Steps(numbers, steady).value(node.value)
    given = {
        keyword.arg: _Steps(numbers, steady).value(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in ("ttl", "warm_up")
    }
    numbers["ttl"] = given.get("ttl", _TTL)
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    steps = max((_Steps(numbers, steady).total(test.body) for test in tests), default=0.0)
    return given.get("warm_up", _WARM_UP) + steps


def describe_seconds(shortest: float, longest: float) -> str:
    """Return a duration, or the range of several, as text: in seconds, from a minute and a half on in minutes."""
    unit, size = ("s", 1.0) if longest < 90 else ("minutes", 60.0)
    low, high = (max(1, round(value / size)) for value in (shortest, longest))
    return f"about {high} {unit}" if low == high else f"about {low} to {high} {unit}"
