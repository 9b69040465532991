"""The mutants of a source file: each is one edit, made by an operator of mutmut or by one of the two below.

Edits that no document speaks of are left out by rule: texts of messages (a text with a space), docstrings, annotations,
types, decorators, what is logged or raised as an internal error, `__all__`, and arguments that only name something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

__all__ = ["Candidate", "SourceMutant", "candidates_in"]

_LEFT_OUT_OPERATORS = frozenset({"operator_lambda", "operator_dict_arguments"})
"""Operators whose mutants nearly all break the program at once, which would only raise the share of noticed ones."""

_INTERNAL_CALLS = frozenset({"warning", "debug", "info", "error", "exception", "note", "cast", "getLogger", "TypeVar"})
_SKIPPED_NODES = (cst.Annotation, cst.Decorator, cst.ImportFrom, cst.Import, cst.Assert, cst.FormattedString)


@dataclass(frozen=True)
class SourceMutant:
    """One edit. `line` counts from 1; `before` and `after` are the changed lines; `text` is the whole edited file.
    `at_import`: the line runs when the file is imported, not when a function is called.

    `key` stays the same while these lines and the name of their function do, whatever is edited elsewhere.
    """

    file: str
    line: int
    function: str
    operator: str
    before: str
    after: str
    text: str
    at_import: bool = False

    @property
    def key(self) -> str:
        """Return a short name of the edit."""
        parts = (self.file, self.function, self.operator, self.before, self.after)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Candidate:
    """A place that can be edited, and how. `line` counts from 1; `at_import` as in SourceMutant."""

    file: str
    line: int
    function: str
    operator: str
    at_import: bool
    module: cst.Module
    original: cst.CSTNode
    mutated: cst.CSTNode

    def render(self) -> SourceMutant:
        """Return the edit with the text of the file."""
        edited = self.module.deep_replace(self.original, self.mutated)
        assert isinstance(edited, cst.Module)
        source, text = self.module.code, edited.code
        before, after = _changed_lines(source, text)
        return SourceMutant(self.file, self.line, self.function, self.operator, before, after, text, self.at_import)


def candidates_in(root: Path, path: Path) -> list[Candidate]:
    """Return what can be edited in one file below `root`, in the order of the source."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text("utf-8")), unsafe_skip_copy=True)
    visitor = _Visitor(wrapper)
    wrapper.module.visit(visitor)
    file = path.relative_to(root).as_posix()
    return [
        Candidate(file, line, function, operator, at_import, wrapper.module, original, mutated)
        for original, mutated, operator, line, function, at_import in visitor.edits
    ]


class _Visitor(cst.CSTVisitor):
    """Collect (original node, mutated node, operator, line, function, at import) of what may be edited."""

    def __init__(self, wrapper: MetadataWrapper) -> None:
        super().__init__()
        self._positions = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._names: list[str] = []
        self._functions = 0
        self.edits: list[tuple[cst.CSTNode, cst.CSTNode, str, int, str, bool]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _SKIPPED_NODES) or _is_uninteresting(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node.name.value)
            self._functions += isinstance(node, cst.FunctionDef)
        for operator, mutated in _mutations(node):
            if self._may_edit(node, operator):
                line = self._positions[node].start.line
                self.edits.append((node, mutated, operator, line, ".".join(self._names), not self._functions))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._names.pop()
            self._functions -= isinstance(original_node, cst.FunctionDef)

    def _may_edit(self, node: cst.CSTNode, operator: str) -> bool:
        if isinstance(node, cst.BaseString) and (" " in _text(node) or not _text(node)):
            return False  # part of a message
        if isinstance(node, cst.Assign | cst.AnnAssign) and not self._names:
            return False  # a constant of the module becomes None: noticed by everything
        return operator == "string" or not self._is_raised(node)

    def _is_raised(self, node: cst.CSTNode) -> bool:
        """Return whether the node is part of an error that is raised, of which only codes are documented."""
        parent = self._parents.get(node)
        while parent is not None and not isinstance(parent, cst.BaseStatement):
            if isinstance(parent, cst.Raise):
                return True
            parent = self._parents.get(parent)
        return False


def _mutations(node: cst.CSTNode) -> Iterator[tuple[str, cst.CSTNode]]:
    from mutmut.mutation.mutators import mutation_operators  # half a second, in each process that collects tests

    for kind, function in mutation_operators:
        name = function.__name__
        if isinstance(node, kind) and name not in _LEFT_OUT_OPERATORS:
            for number, mutated in enumerate(function(node)):
                if name == "operator_string" and number:  # other case: the same as another text
                    continue
                yield name.removeprefix("operator_"), mutated
    yield from ((name, mutated) for name, mutated in _own_mutations(node))


def _own_mutations(node: cst.CSTNode) -> Iterable[tuple[str, cst.CSTNode]]:
    """Remove a call that stands alone, and make a condition always true or false."""
    if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
        [statement] = node.body
        called = _awaited(statement.value) if isinstance(statement, cst.Expr) else None
        if isinstance(called, cst.Call) and not _is_uninteresting(called):
            yield "removed_call", node.with_changes(body=[cst.Pass()])
    if isinstance(node, cst.Integer) and node.evaluated_value > 0:
        yield "number_minus", node.with_changes(value=str(node.evaluated_value - 1))
    if isinstance(node, cst.If):
        for value in ("True", "False"):
            yield (
                f"condition_{value.lower()}",
                node.with_changes(test=cst.Name(value), whitespace_before_test=cst.SimpleWhitespace(" ")),
            )


def _awaited(value: cst.BaseExpression) -> cst.BaseExpression:
    return value.expression if isinstance(value, cst.Await) else value


def _is_uninteresting(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Call):
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
        return name in _INTERNAL_CALLS
    if isinstance(node, cst.Subscript):  # a type, as annotations are
        return isinstance(node.value, cst.Name) and node.value.value == "Literal"
    if isinstance(node, cst.Assign):
        return any(isinstance(target.target, cst.Name) and target.target.value == "__all__" for target in node.targets)
    if isinstance(node, cst.If):
        return isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"
    if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
        [statement] = node.body
        return isinstance(statement, cst.Expr) and isinstance(statement.value, cst.BaseString)
    return False


def _text(node: cst.BaseString) -> str:
    value = getattr(node, "evaluated_value", "")
    return value if isinstance(value, str) else ""


def _changed_lines(before: str, after: str) -> tuple[str, str]:
    """Return the lines that differ, without what is the same at the beginning and at the end."""
    old, new = before.splitlines(), after.splitlines()
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return _join(old[start : len(old) - end]), _join(new[start : len(new) - end])


def _join(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines)
