"""The programs that chaos and load run: one file each in a folder, by the name that users say."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.messages import nearest

__all__ = ["about", "check_names", "programs_in"]


def programs_in(folder: Path) -> dict[str, Path]:
    """The files of a folder, by name: `kill_half.py` is `kill-half`."""
    return {path.stem.replace("_", "-"): path for path in sorted(folder.glob("*.py"))}


def check_names(names: Iterable[str], known: dict[str, Path], kind: str, listing: str) -> None:
    """Raises UsageError for a name that is none of these; `listing` is the command that tells them all."""
    for name in names:
        if name not in known:
            raise UsageError(f"there is no {kind} {name!r} ({listing} tells all){nearest(name, known)}")


def about(path: Path) -> str:
    """The first paragraph of the file's docstring, on one line."""
    told = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(told.partition("\n\n")[0].split())
