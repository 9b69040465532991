"""The command after `surveyor in-vpc --`: read as the command line reads it, before anything is created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from surveyor.cli._support.lazy_commands import CommandEntry
from surveyor.errors import UsageError
from surveyor.in_vpc import InnerCommand, Output
from surveyor.input_files import is_file, is_folder
from surveyor.messages import nearest

__all__ = ["INSIDE", "click_command", "parse_inner"]

INSIDE = ("advise", "chaos", "conform", "gate", "load", "watch")
"""Commands that find more inside a VPC than from here."""

_OUTSIDE = {
    "account", "endpoint", "from_vpc", "out", "profile", "region", "target",
}  # fmt: skip
"""Options that `in-vpc` has itself."""

_REFUSED: Any = typer.BadParameter.__mro__[1]
"""UsageError of click, which some versions of typer have inside."""

_SET_THERE = {"dns": "its resolver is that of the VPC", "vpc": "it is the VPC of the task's subnets"}
_NOT_INSIDE = {
    "consumer_profile": "profiles of this machine are not there",
    "kill_file": "files of this machine are not seen there; Ctrl-C stops it",
    "listen": "nothing reaches the task",
    "record": "its folder would be lost with the task",
    "resume": "the run to resume is on this machine",
    "update_expectations": "it would change the files of the task",
}
_OUTPUTS = {"summary": True, "comment": False}
"""Options that name a file for a result, and whether it is appended to."""

_FILES = (".py", ".pem", ".crt", ".toml")
"""Endings of words that are files; a name of an experiment may be that of a file too, and then means the experiment."""


def click_command(entry: CommandEntry) -> Any:
    """Return a command of the table as click runs it."""
    app = typer.Typer(add_completion=False)
    app.command(entry.name)(entry.load())
    command = typer.main.get_command(app)
    command.name = entry.name
    return command


def parse_inner(words: Sequence[str], entries: Sequence[CommandEntry]) -> tuple[InnerCommand, typer.Context]:
    """Return the command, and how click has read it. Raises UsageError for what cannot be run inside."""
    name, rest = words[0], list(words[1:])
    known = {entry.name: entry for entry in entries}
    if name not in INSIDE:
        runs = f"in-vpc runs {', '.join(INSIDE[:-1])} and {INSIDE[-1]}"
        if name in known:
            raise UsageError(f"{name} is run on this machine: {runs}")
        raise UsageError(f"there is no command {name[:100]!r}{nearest(name, INSIDE) or ''}; {runs}")
    command = click_command(known[name])
    try:
        context = command.make_context(name, list(rest))
    except _REFUSED as error:
        raise UsageError(f"{name}: {' '.join(error.format_message().split())}") from None
    given = [param for param in command.params if _is_given(context, param)]
    _check(name, context, given)
    files: dict[str, Path] = {}
    outputs: list[Output] = []
    replaced: dict[str, str] = {}
    for param in given:
        for value in _values(context.params[str(param.name)]):
            text = str(value)
            if param.name in _OUTPUTS:
                outputs.append(Output(f"{param.name}.md", Path(text), _OUTPUTS[str(param.name)]))
                replaced[text] = f"out/{param.name}.md"
            elif _is_input(value):
                replaced[text] = _carry(Path(text), files)
    options = frozenset(
        word.removeprefix("--") for param in command.params for word in param.opts if word.startswith("--")
    )
    return InnerCommand(name, tuple(_replace(rest, replaced)), options, files, tuple(outputs)), context


def _check(name: str, context: typer.Context, given: Sequence[Any]) -> None:
    for param in given:
        key, option = str(param.name), max(param.opts, key=len)
        if key in _OUTSIDE:
            raise UsageError(f"{option} is an option of in-vpc: write it before the two dashes")
        if key in _SET_THERE:
            raise UsageError(f"{option} is not given inside: {_SET_THERE[key]}")
        if key in _NOT_INSIDE:
            raise UsageError(f"{option} does not work inside: {_NOT_INSIDE[key]}")
    values = context.params
    if values.get("every"):
        raise UsageError(f"`surveyor {name} --list` needs no VPC: run it here")
    if name == "watch" and values.get("command"):
        raise UsageError("watch -- COMMAND would need a program of this machine: use --deploy or --deployment")
    if name == "gate" and not values.get("watch"):
        raise UsageError("gate without --watch only reads files: run it here")
    if name == "load" and values.get("self_check"):
        raise UsageError("load --self-check is about this machine: run it here")


def _is_given(context: typer.Context, param: Any) -> bool:
    source = context.get_parameter_source(str(param.name))
    return source is not None and source.name == "COMMANDLINE"


def _values(value: Any) -> Iterator[str | Path]:
    for entry in value if isinstance(value, list | tuple) else [value]:
        if isinstance(entry, str | Path):
            yield entry


def _is_input(value: str | Path) -> bool:
    """Return whether a value is a file or folder that the command reads. Raises UsageError if it does not exist."""
    is_path = isinstance(value, Path) or value.endswith(_FILES)
    if is_path and not is_file(value) and not is_folder(value):
        raise UsageError(f"there is no file {str(value)[:200]!r}")
    return is_path


def _carry(path: Path, files: dict[str, Path]) -> str:
    """Note a file that goes in, and a program with the modules beside it; return its name there."""
    inside = f"files/{len({name.split('/')[1] for name in files})}"
    taken = sorted(path.parent.glob("*.py")) if path.suffix == ".py" else [path]
    files.update({f"{inside}/{file.name or 'folder'}": file for file in taken})
    return f"{inside}/{path.name or 'folder'}"


def _replace(words: Sequence[str], replaced: dict[str, str]) -> Iterator[str]:
    for word in words:
        option, equals, value = word.partition("=")
        if equals and option.startswith("--") and value in replaced:
            yield f"{option}={replaced[value]}"
        else:
            yield replaced.get(word, word)
