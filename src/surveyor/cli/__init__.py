"""The command line: one module a command group; here only what they share, which is how errors end.

Exit codes: 0 as expected, 1 a verdict moved, 2 usage, 3 target unreachable or harness error, 4 something was left
behind, 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from surveyor import __version__
from surveyor.cli import claims
from surveyor.cli.advise import advise
from surveyor.cli.architectures import architectures
from surveyor.cli.audit import audit
from surveyor.cli.chaos import chaos, check
from surveyor.cli.compare import compare, diff
from surveyor.cli.conform import conform, survey
from surveyor.cli.doctor import doctor
from surveyor.cli.emulator import emulator
from surveyor.cli.explain import explain
from surveyor.cli.gate import gate
from surveyor.cli.load import load
from surveyor.cli.model import model
from surveyor.cli.mutants import mutants
from surveyor.cli.policy import policy
from surveyor.cli.sweep import sweep
from surveyor.errors import SurveyorError, UsageError

__all__ = ["app", "main"]

app = typer.Typer(
    name="surveyor",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(survey)
app.command()(conform)
app.command()(compare)
app.command()(diff)
app.command()(mutants)
app.command()(explain)
app.command()(model)
app.command()(advise)
app.command()(architectures)
app.command()(audit)
app.command()(chaos)
app.command()(check)
app.command()(load)
app.command()(gate)
app.command()(sweep)
app.command()(doctor)
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
app.command(context_settings=_PASSED_ON)(emulator)
claims.app.command()(policy)
app.add_typer(claims.app, name="claims")


def _tell_version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"surveyor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=lambda asked: _tell_version(asked=asked), is_eager=True, help="Say which."),
    ] = False,
) -> None:
    """Checks what AWS Cloud Map, its Route 53 records and ECS service discovery do against their documents."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; what a user can act on becomes one line on stderr and its exit code."""
    try:
        app(args=None if argv is None else list(argv), prog_name="surveyor")
    except SurveyorError as error:
        typer.echo(f"surveyor: {error}", err=True)
        return 2 if isinstance(error, UsageError) else 3
    return 0
