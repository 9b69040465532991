"""`surveyor schema`: print the JSON Schema of a file that Surveyor reads or writes.

Exit codes: 0 success, 2 an unknown file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

__all__ = ["schema"]


class FileKind(StrEnum):
    """A kind of file."""

    REPORT = "report"
    """report.json"""
    JUDGEMENT = "judgement"
    """The judgement beside a history, `.verdict.json`."""
    HISTORY = "history"
    """One line of a history."""
    RECORDING = "recording"
    """An entry of a file of recordings."""


def schema(
    kind: Annotated[FileKind, typer.Argument(metavar="FILE", help="report, judgement, history or recording.")],
) -> None:
    """Print the JSON Schema of a file: a report, a judgement, a line of a history, or a recording."""
    import msgspec

    from surveyor.checkers import Judgement
    from surveyor.history.lines import Line
    from surveyor.recordings import Recording
    from surveyor.report.model import ReportFile
    from surveyor.typed_json import dump_json

    types: dict[FileKind, Any] = {
        FileKind.REPORT: ReportFile,
        FileKind.JUDGEMENT: Judgement,
        FileKind.HISTORY: Line,
        FileKind.RECORDING: Recording,
    }
    typer.echo(dump_json(msgspec.json.schema(types[kind]), indent=2), nl=False)
