"""How a program of one file travels to a task: as the command of a container of any public Python image."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

__all__ = ["source_of", "source_with"]


class _Reduced(ast.NodeTransformer):
    """Removes `__all__`, and types but those of members of a class, which give it its form."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        is_list_of_names = isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
        return None if is_list_of_names else node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [each if isinstance(each, ast.AnnAssign) else self.visit(each) for each in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value is not None else None


@functools.cache
def source_of(path: str, without: tuple[str, ...] = ()) -> str:
    """Return a program without comments, docstrings, types outside classes, and the functions of these names.

    A task definition of 64 KiB may hold it several times.
    """
    tree = ast.parse(Path(path).read_text("utf-8"))
    tree.body = [each for each in tree.body if getattr(each, "name", None) not in without]
    for node in ast.walk(tree):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    tree = _Reduced().visit(tree)
    lines = [line for line in ast.unparse(tree).splitlines() if line]
    return "\n".join(" " * ((len(line) - len(line.lstrip())) // 4) + line.lstrip() for line in lines)


def source_with(path: str, other: str) -> str:
    """Return a program that imports names of `surveyor_agents.OTHER`, another one, which travels inside it."""
    name = f"surveyor_agents.{other}"
    carried = source_of(str(Path(path).with_name(f"{other}.py")))
    return (
        f"import sys,types\nsys.modules[{name!r}]=types.ModuleType({name!r})\n"
        f"exec({carried!r},vars(sys.modules[{name!r}]))\n{source_of(path)}"
    )
