"""`surveyor client`: judge a client from outside.

Exit codes: 0 no problem, 1 a problem that is not allowed, 2 usage, 3 the target or the sandbox does not start,
5 nothing could be judged, 130 interrupted.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli._support.waiting import shown_wait
from surveyor.errors import UsageError

__all__ = ["client"]

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){1,8}")


def client(
    arguments: typer.Context,
    *,
    host: Annotated[
        str, typer.Option("--host", metavar="NAME", help="The name that leads to the tasks.")
    ] = "backend.clients.internal",
    tasks: Annotated[int, typer.Option(min=1, max=20, metavar="N", help="Tasks to which the name leads.")] = 3,
    ttl: Annotated[int, typer.Option(min=0, max=300, metavar="SECONDS", help="TTL of the records.")] = 5,
    negative_ttl: Annotated[
        int, typer.Option(min=0, max=300, metavar="SECONDS", help='How long "no such name" may be kept.')
    ] = 30,
    repeat: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="Start the command again this long after it ended."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="TRAIT", help="Accept this problem, such as keeps-draining; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of page, JSON and output (default: reports/out/RUN).")
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE|-", help="Also write the report as JSON to this file.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 7,
) -> None:
    """Judge a client from outside: when it asks for names, which tasks it calls, and how it leaves dead ones.

    \b
        surveyor client -- python my_client.py
        surveyor client -- my-client --url {url}
        surveyor client --repeat 0.5 -- curl -s {url}

    The command calls until it is stopped. It finds the address in SURVEYOR_URL, SURVEYOR_HOST and SURVEYOR_PORT, or in
    place of {url}, {host} and {port} in its words. The name in SURVEYOR_SRV has SRV records for the same tasks.
    """
    words = arguments.args
    _check_request(words, host)
    from surveyor.clients.client_report import build_client_report, client_lines
    from surveyor.clients.course import CourseLengths, play_course
    from surveyor.clients.pages import render_client
    from surveyor.layout import find_layout
    from surveyor.output_files import write_text
    from surveyor.report.run_folder import reserve_folder
    from surveyor.sandbox import enter_or_explain
    from surveyor.typed_json import dump_json

    enter_or_explain()
    folder = out or find_layout().out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-client-{os.getpid()}"
    reserve_folder(folder)
    lengths = CourseLengths(back=max(CourseLengths.back, negative_ttl + 15.0))
    typer.echo(
        f"seed {seed}; {lengths.total / 60:.0f} to {(lengths.total + 62) / 60:.0f} minutes, in real time", err=True
    )
    with shown_wait("judging the client"):
        seen = play_course(
            words,
            host=host,
            tasks=tasks,
            ttl=ttl,
            negative_ttl=negative_ttl,
            lengths=lengths,
            repeat=repeat,
            log=(folder / "output.txt").absolute(),
            seed=seed,
            say=lambda text: typer.echo(f"  {text}", err=True),
        )
    report = build_client_report(seen, words, tasks, seen.software, allow or ())
    write_text(folder / "client.json", dump_json(report, indent=1))
    write_text(folder / "client.html", render_client(report))
    if as_json is not None and str(as_json) != "-":
        write_text(as_json, dump_json(report, indent=1))
    if str(as_json) == "-":
        typer.echo(dump_json(report, indent=1), nl=False)
    else:
        for line in client_lines(report):
            typer.echo(line)
        typer.echo(f"page: {folder / 'client.html'}; output of the command: {folder / 'output.txt'}")
    raise typer.Exit(1 if report.problems else 0 if report.is_judged else 5)


def _check_request(words: list[str], host: str) -> None:
    """Raise UsageError for a request that cannot be carried out."""
    if not words:
        raise UsageError("what is the client? surveyor client -- COMMAND")
    if shutil.which(words[0]) is None:
        raise UsageError(f"{words[0]!r} is no program that can be run")
    if len(host) > 200 or not _HOST.fullmatch(host):
        raise UsageError(f"--host {host!r}: expected a name of at least two parts, in lower case, as web.corp.internal")
