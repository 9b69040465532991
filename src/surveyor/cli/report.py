"""`surveyor report`: prepare the report of a run for others.

Exit codes: 0 success, 2 no report of a run, or a folder that cannot be written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli._support.lazy_commands import help_style

__all__ = ["app"]

app = typer.Typer(
    help="Prepare the report of a run for others.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=help_style(),
)

_MAX_LEFT_OUT = 30
"""Files left out that are named, one on a line."""


@app.callback()
def _group() -> None:
    """Prepare the report of a run for others."""


@app.command()
def redact(
    folder: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="Folder of the report of a run.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder of the copy; default: RUN_FOLDER-redacted.")
    ] = None,
) -> None:
    """Copy the report of a run, with placeholders for what belongs to the account or to this machine.

    Replaced are numbers of accounts, ARNs, names of principals and of other
    people's resources, ids, IP addresses, host names, access key ids, user
    names and paths. Equal values get equal placeholders (vpc-redacted-1).
    Ledgers and other files that readers do not need are left out. The folder
    of the run itself is not changed.
    """
    from surveyor.layout import find_layout
    from surveyor.report.redaction.folder import redact_folder

    copy = out or folder.absolute().with_name(f"{folder.absolute().name}-redacted")
    done = redact_folder(folder, copy, find_layout())
    for line in done.left_out[:_MAX_LEFT_OUT]:
        typer.echo(f"left out: {line}")
    if len(done.left_out) > _MAX_LEFT_OUT:
        typer.echo(f"left out: {len(done.left_out) - _MAX_LEFT_OUT} more")
    typer.echo(
        f"{done.values} values replaced, in pages and summaries, too; read the copy before you send it: {done.folder}"
    )
