"""Find the programs of chaos and load: one file each in a folder, named on the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.messages import nearest

__all__ = ["check_names", "describe_program", "find_programs"]


def find_programs(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by program name: `kill_half.py` is `kill-half`."""
    return {path.stem.replace("_", "-"): path for path in sorted(folder.glob("*.py"))}


def check_names(names: Iterable[str], known: dict[str, Path], kind: str, list_command: str) -> None:
    """Raise UsageError for an unknown name; `list_command` is the command that lists all names."""
    for name in names:
        if name not in known:
            raise UsageError(f"unknown {kind} {name!r} ({list_command} lists all){nearest(name, known)}")


def describe_program(path: Path) -> str:
    """Return the first paragraph of the file's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())
