"""Say in the words of the API why an assertion of a suite failed: which member of which response, and how it differs.

The texts of `Difference.cause` have no values, so they are the same in every run; those of `detail` have them.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeGuard

from surveyor.pytest_plugin.failed_statement import FailedStatement
from surveyor.response import Response, ResponseList, find_path

__all__ = ["Comparison", "Difference", "describe_assertion"]

_ANSWER = "the answer"
_EMPTY = ("[]", "{}", "()", "set()", "frozenset()", "None", "''", '""', "0", "dict_keys([])")
_MAX_LENGTH = 200


@dataclass(frozen=True)
class Comparison:
    """The last comparison in an assertion that was false, as pytest saw it."""

    left: object
    operator: str
    right: object


@dataclass(frozen=True)
class Difference:
    """How an answer differs from the documented one. `operation` is "" if the assertion reads no response directly."""

    operation: str
    cause: str
    detail: str


def describe_assertion(statement: FailedStatement, text: str, comparison: Comparison | None) -> Difference:
    """Return how the answer differs. `text`: the message of the AssertionError, without pytest's explanations."""
    test = statement.node.test if isinstance(statement.node, ast.Assert) else None
    operation, path, predicate = _subject(test, statement.names)
    subject = path or _ANSWER
    note = _note(text)
    # Of a module whose assertions pytest does not rewrite, the last comparison is another one, and there is no text.
    if comparison is not None and _is_comparison(test) and f" {comparison.operator} " in text:
        if predicate:
            return Difference(operation, f"{subject} {predicate}", f"{subject} {predicate}{note}")
        cause, expected, actual = _compare(comparison, counts=_counts_entries(test))
        detail = f"{subject} {cause}: expected {expected}, got {actual}{note}"
        return Difference(operation, f"{subject} {cause}", detail)
    shown = text.partition("assert ")[2].strip()
    if shown in _EMPTY:
        cause = f"{subject} is empty" if shown not in ("None", "0") else f"{subject} is missing"
        return Difference(operation, cause, f"{cause}{note}")
    cause = f"{subject} is not as documented"
    return Difference(operation, cause, f"{cause}: expected `{statement.text.removeprefix('assert ')}`{note}")


def _compare(comparison: Comparison, *, counts: bool) -> tuple[str, str, str]:
    """Return how the value differs, and the expected and the actual value. `counts`: it is a number of entries."""
    left, operator, right = comparison.left, comparison.operator, comparison.right
    expected, actual = _show(right), _show(left)
    if counts and _is_number(left) and _is_number(right):
        has_more = operator in ("<", "<=") or (operator == "==" and left > right)
        sign = "" if operator == "==" else f"{operator} "
        return ("has too many entries" if has_more else "lacks entries"), f"{sign}{expected}", actual
    if operator == "==":
        return _difference(left, right), expected, actual
    if operator == "in" and isinstance(right, (list, Mapping, AbstractSet)):
        return "lacks an entry", actual, expected
    if operator == "in":
        return "has another value", f"one of {expected}", actual
    if operator == "not in":
        return "has an entry that must be absent", f"no {actual}", expected
    if operator in ("<", "<=", ">", ">="):
        return ("is too large" if "<" in operator else "is too small"), f"{operator} {expected}", actual
    if operator == "is" and right is None:
        return "must be absent", "none", actual
    if operator in ("is not", "!="):
        return ("is missing" if right is None else "has the same value"), f"{operator} {expected}", actual
    return "has another value", expected, actual


def _difference(left: object, right: object) -> str:
    if left is None:
        return "is missing"
    if right is None:
        return "must be absent"
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        same_keys = left.keys() == right.keys()
        return "has another value" if same_keys else _entries(set(left), set(right))
    if isinstance(left, AbstractSet) and isinstance(right, AbstractSet):
        return _entries(left, right)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        actual, expected = Counter(map(repr, left)), Counter(map(repr, right))
        return "is in another order" if actual == expected else _entries(actual, expected)
    return "has another value"


def _entries(actual: Collection[object], expected: Collection[object]) -> str:
    """Return how the entries differ; counters are compared with the number of each entry."""
    if not actual:
        return "is empty"
    if isinstance(actual, Counter) and isinstance(expected, Counter):
        extra, lacking = bool(actual - expected), bool(expected - actual)
    else:
        extra, lacking = bool(set(actual) - set(expected)), bool(set(expected) - set(actual))
    if extra and lacking:
        return "has other entries"
    return "has too many entries" if extra else "lacks entries"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_comparison(test: ast.expr | None) -> bool:
    """Return whether pytest's last comparison belongs to this assertion."""
    if isinstance(test, ast.BoolOp):
        return any(_is_comparison(value) for value in test.values)
    return isinstance(test, ast.Compare)


def _counts_entries(test: ast.expr | None) -> bool:
    """Return whether the left side of a comparison is `len(…)`."""
    left = test.left if isinstance(test, ast.Compare) else None
    return isinstance(left, ast.Call) and isinstance(left.func, ast.Name) and left.func.id == "len"


def _subject(test: ast.expr | None, names: Mapping[str, object]) -> tuple[str, str, str]:
    """Return operation and path of the member of a response that an assertion reads, "" if it reads none.

    The third text is what is wrong with it, if the assertion is about whether the member is there.
    """
    candidates = [test.operand if isinstance(test, ast.UnaryOp) else test] if test is not None else []
    if isinstance(test, ast.Compare):
        container = _evaluate(test.comparators[0], names)[0]
        if isinstance(test.ops[0], (ast.In, ast.NotIn)) and isinstance(container, Response):
            member = find_path(container, _evaluate(test.left, names)[0])
            if member:
                return *member, "is missing" if isinstance(test.ops[0], ast.In) else "must be absent"
        candidates = [test.left, *test.comparators]
    found = next(filter(None, (find_path(*_last_access(candidate, names)) for candidate in candidates)), ("", ""))
    return *found, ""


def _last_access(node: ast.expr, names: Mapping[str, object]) -> tuple[object, object]:
    """Return container and key of a last `x["key"]` or `x.get("key")`; (None, None) for any other expression."""
    if isinstance(node, ast.Subscript):
        key, is_known = _evaluate(node.slice, names)
        container, _ = _evaluate(node.value, names)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and len(node.args) in (1, 2)
    ):
        key, is_known = _evaluate(node.args[0], names)
        container, _ = _evaluate(node.func.value, names)
    else:
        return None, None
    is_tracked = isinstance(container, (Response, ResponseList)) and isinstance(key, (str, int))
    return (container, key) if is_known and is_tracked else (None, None)


def _evaluate(node: ast.expr, names: Mapping[str, object]) -> tuple[object, bool]:
    """Return the value of names, constants and accesses to responses, without running code, and whether it is known."""
    if isinstance(node, ast.Constant):
        return node.value, True
    if isinstance(node, ast.Name):
        return names.get(node.id), node.id in names
    container, key = _last_access(node, names)
    if isinstance(container, Response):
        return container.get(str(key)), key in container
    if isinstance(container, ResponseList) and isinstance(key, int) and -len(container) <= key < len(container):
        return container[key], True
    return None, False


def _note(text: str) -> str:
    """Return the message of an assertion statement, in brackets."""
    note = text.partition("assert ")[0].strip()
    return f" ({note})" if note else ""


def _show(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"
