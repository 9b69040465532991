"""Find the programs of chaos and load: files of a folder of Surveyor by name, or files anywhere by path."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.input_files import read_bytes
from surveyor.messages import nearest

__all__ = ["describe_program", "find_programs", "select_programs"]


def find_programs(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by program name: `kill_half.py` is `kill-half`."""
    return {_name_of(path): path for path in sorted(folder.glob("*.py"))}


def select_programs(
    names: Iterable[str], known: Mapping[str, Path], kind: str, list_command: str, declaration: str
) -> dict[str, Path]:
    """Return the chosen programs by name: a known name, or the path of a file that ends with .py.

    `list_command` is the command that lists all names; `declaration` the name that every program uses to declare
    itself. Raises UsageError for an unknown name, a file that is missing or declares nothing, and for two programs of
    one name, whose results would be written to the same files.
    """
    chosen: dict[str, Path] = {}
    for given in names:
        name = given
        if given.endswith(".py"):
            path = Path(given).absolute()
            _check_file(path, given, kind, declaration)
            name = _name_of(path)
        elif given in known:
            path = known[given]
        else:
            hint = nearest(name, known)
            raise UsageError(f"unknown {kind} {name!r} ({list_command} lists all; a file's path ends with .py){hint}")
        other = chosen.setdefault(name, path)
        if other != path:
            raise UsageError(f"two {kind}s are named {name}: {other} and {path}; rename one of them")
    return chosen


def describe_program(path: Path) -> str:
    """Return the first paragraph of the file's docstring, on one line."""
    docstring = ast.get_docstring(_parse(path, str(path))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def _name_of(path: Path) -> str:
    return path.stem.replace("_", "-")


def _check_file(path: Path, name: str, kind: str, declaration: str) -> None:
    """Raise UsageError unless the file is Python that calls or uses `declaration`."""
    tree = _parse(path, name)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if declaration not in used:
        article = "an" if kind[0] in "aeiou" else "a"
        raise UsageError(f"{name} is not {article} {kind}: it does not use `{declaration}` (docs/{_DOCUMENTS[kind]})")


def _parse(path: Path, name: str) -> ast.Module:
    """Return the parsed file. Raises UsageError."""
    content = read_bytes(path)
    try:
        return ast.parse(content, filename=name)
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise UsageError(f"{name}{line}: is not Python: {getattr(error, 'msg', error)}") from None
    except (RecursionError, MemoryError):  # MemoryError: the parser's stack is full
        raise UsageError(f"{name}: is not Python: it is nested too deeply") from None


_DOCUMENTS = {"experiment": "chaos.md", "scenario": "load.md"}
