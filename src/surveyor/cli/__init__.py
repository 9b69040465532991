"""The command line: one module a command group; here only what they share, which is how errors end."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from surveyor.cli import claims
from surveyor.errors import SurveyorError, UsageError

__all__ = ["app", "main"]

app = typer.Typer(
    name="surveyor",
    help="Checks what AWS Cloud Map, its Route 53 records and ECS service discovery do against their documents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(claims.app, name="claims")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; what a user can act on becomes one line on stderr and its exit code."""
    try:
        app(args=None if argv is None else list(argv), prog_name="surveyor")
    except SurveyorError as error:
        typer.echo(f"surveyor: {error}", err=True)
        return 2 if isinstance(error, UsageError) else 3
    return 0
