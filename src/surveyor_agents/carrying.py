"""How a program of one file travels to a task: as the command of a container of any public Python image."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

__all__ = ["source_of", "source_with"]


@functools.cache
def source_of(path: str) -> str:
    """Return a program without comments and docstrings: a task definition of 64 KiB may hold it several times."""
    tree = ast.parse(Path(path).read_text("utf-8"))
    for node in ast.walk(tree):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    lines = ast.unparse(tree).splitlines()
    return "\n".join(" " * ((len(line) - len(line.lstrip())) // 4) + line.lstrip() for line in lines)


def source_with(path: str, other: str) -> str:
    """Return a program that imports names of `surveyor_agents.OTHER`, another one, which travels inside it."""
    name = f"surveyor_agents.{other}"
    carried = source_of(str(Path(path).with_name(f"{other}.py")))
    return (
        f"import sys,types\nsys.modules[{name!r}]=types.ModuleType({name!r})\n"
        f"exec({carried!r},vars(sys.modules[{name!r}]))\n{source_of(path)}"
    )
