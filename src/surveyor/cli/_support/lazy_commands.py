"""A group of commands that imports the module of a command only when that command is invoked.

`surveyor --help` needs one line per command, and no command needs the libraries of the others: botocore, pytest and
jsonschema together take longer to import than most commands to run.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from surveyor.early_interrupts import raise_interrupts

__all__ = ["CommandEntry", "group_of", "help_style"]

_NARROW = 60
"""Terminal columns below which the panels of typer's help cut the names of options."""


@dataclass(frozen=True)
class CommandEntry:
    """One command: its name, the module that defines it under the same name, and its line in the list of commands.

    `attribute` is the function, or the `typer.Typer` of a group of commands; it defaults to the name. `usage`: what
    follows the name in the usage line.
    """

    name: str
    module: str
    help: str
    attribute: str = ""
    context_settings: Mapping[str, Any] = field(default_factory=dict)
    usage: str = "[OPTIONS]"

    def load(self) -> Callable[..., Any] | typer.Typer:
        """Import the module and return the command's function or group."""
        found: Callable[..., Any] | typer.Typer = getattr(
            importlib.import_module(self.module), self.attribute or self.name
        )
        return found


def help_style() -> Literal["rich"] | None:
    """Return typer's style of help for this terminal: panels, or plain lines where panels would not fit."""
    return "rich" if shutil.get_terminal_size().columns >= _NARROW else None


class _LazyCommand(TyperCommand):
    """A command that is listed with its help line, and replaced by the loaded one when it is invoked."""

    def __init__(self, entry: CommandEntry) -> None:
        super().__init__(entry.name, help=entry.help)
        self._entry = entry

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Load the command and return its context: what is invoked then is the loaded command."""
        loaded = self._entry.load()
        raise_interrupts()
        if isinstance(loaded, typer.Typer):
            app = loaded
        else:
            app = typer.Typer(add_completion=False, rich_markup_mode=help_style())
            settings = dict(self._entry.context_settings)
            app.command(self._entry.name, context_settings=settings, options_metavar=self._entry.usage)(loaded)
        command = typer.main.get_command(app)
        command.name = self._entry.name
        _name_values(command)
        return command.make_context(info_name, args, parent=parent, **extra)


def _name_values(command: Any) -> None:
    """Have the help of a command, or of all in a group, show no value for a switch, and N for a number.

    Typer shows the names of Python's types, also beside the name of an argument.
    """
    context = command.context_class(command, **command.context_settings)
    for parameter in (*command.params, command.get_help_option(context)):
        if isinstance(parameter, TyperArgument):
            parameter.display_type_rich = lambda ctx: ""  # type: ignore[method-assign]  # arguments have no type in the help
        elif parameter is not None and parameter.metavar is None:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
            elif parameter.type_descriptor.annotation in (int, float):
                parameter.metavar = "N"
    for inner in getattr(command, "commands", {}).values():
        _name_values(inner)


def group_of(entries: tuple[CommandEntry, ...]) -> type[TyperGroup]:
    """Return the group class of these commands, for `typer.Typer(cls=...)`; they are listed in this order."""

    class LazyGroup(TyperGroup):
        """The commands of `entries`."""

        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes | {"commands": {entry.name: _LazyCommand(entry) for entry in entries}})
            _name_values(self)

    return LazyGroup
