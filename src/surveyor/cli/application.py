"""The table of commands, and how a command ends: its errors as one line, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from surveyor import __version__
from surveyor.cli._support.lazy_commands import CommandEntry, group_of, help_style
from surveyor.cli._support.process_ends import CLOSED_PIPE, keep_standard_files, signals_interrupt
from surveyor.early_interrupts import is_interrupt
from surveyor.terminal import guarded_output, lost_output, print_error

__all__ = ["COMMANDS", "app", "run"]

_FORWARD_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
_COMMAND_ARGUMENTS = {"allow_extra_args": True, "allow_interspersed_args": False}
_COMMAND_USAGE = "[OPTIONS] -- COMMAND [ARGS]..."

# A command's line is the first sentence of its docstring; a test compares them.
COMMANDS = (
    CommandEntry(
        "survey",
        "surveyor.cli.conform",
        "Check every documented behaviour (default: on the embedded target), then kill a task and measure its clients.",
    ),
    CommandEntry(
        "conform",
        "surveyor.cli.conform",
        "Judge a target against the claims and its list of known failures; exit 1 if a verdict differs from them.",
    ),
    CommandEntry(
        "compare",
        "surveyor.cli.compare",
        "Compare targets claim by claim, and show how faithful each target is.",
    ),
    CommandEntry(
        "diff",
        "surveyor.cli.compare",
        "Print what changed between two runs: claims, or experiments with their figures; exit 1 if anything got worse.",
    ),
    CommandEntry(
        "report",
        "surveyor.cli.report",
        "Prepare the report of a run for others.",
        attribute="app",
    ),
    CommandEntry(
        "publish",
        "surveyor.cli.publish",
        "Test targets, renew their known failures, and keep small reports of them in a repository.",
    ),
    CommandEntry(
        "targets",
        "surveyor.cli.targets",
        "List the targets with their versions, and the environments in which Surveyor starts them.",
    ),
    CommandEntry(
        "schema",
        "surveyor.cli.schema",
        "Print the JSON Schema of a file: a report, a judgement, a line of a history, or a recording.",
    ),
    CommandEntry(
        "mutants",
        "surveyor.cli.mutants",
        "Break one documented behaviour of the embedded target after another, and check that the suites notice.",
    ),
    CommandEntry(
        "explain",
        "surveyor.cli.explain",
        "Show which statement allowed or denied a request, or which is missing, and the smallest sufficient one.",
    ),
    CommandEntry(
        "model",
        "surveyor.cli.model",
        "Run random call sequences, compare each answer with what the documents promise, and shorten divergences.",
    ),
    CommandEntry(
        "advise",
        "surveyor.cli.advise",
        "Measure how long clients call a task after its end, and recommend stopTimeout, TTL and drain that prevent it.",
    ),
    CommandEntry(
        "audit",
        "surveyor.cli.audit",
        "Report what will cause failures in the services of a cluster or namespace, and what to change; read-only.",
    ),
    CommandEntry(
        "chaos",
        "surveyor.cli.chaos",
        "Run experiments: inject faults into a service under traffic, and judge what was observed.",
    ),
    CommandEntry(
        "verify",
        "surveyor.cli.chaos",
        "Judge a history again: the same file gives the same verdicts.",
    ),
    CommandEntry(
        "load",
        "surveyor.cli.load",
        "Measure failed calls while a service scales, deploys and loses tasks, for each kind of client.",
    ),
    CommandEntry(
        "client",
        "surveyor.cli.client",
        "Judge a client from outside: when it asks for names, which tasks it calls, and how it leaves dead ones.",
        context_settings=_COMMAND_ARGUMENTS,
        usage=_COMMAND_USAGE,
    ),
    CommandEntry(
        "watch",
        "surveyor.cli.watch",
        "Measure what the clients of your service get while it deploys; nothing is changed unless you ask for it.",
    ),
    CommandEntry(
        "in-vpc",
        "surveyor.cli.in_vpc",
        "Run another command in a task inside a VPC; output, report and exit code are as if it ran here.",
        attribute="in_vpc",
    ),
    CommandEntry(
        "gate",
        "surveyor.cli.gate",
        "Decide whether a change may proceed, by thresholds on figures and verdicts of runs.",
    ),
    CommandEntry(
        "sweep",
        "surveyor.cli.sweep",
        "Undo the faults of killed experiments, and delete what dead runs left; exit 4 if something is still there.",
    ),
    CommandEntry(
        "policy",
        "surveyor.cli.policy",
        "Print the IAM policy with which a command can be run on AWS, limited to what runs make by name and tag.",
    ),
    CommandEntry(
        "doctor",
        "surveyor.cli.doctor",
        "Check what is missing on this machine, and what works without it; exit 3 if a survey cannot run.",
    ),
    CommandEntry(
        "sandbox",
        "surveyor.cli.sandbox",
        "Run a command in a network without a way out, where every address and port is free to use (docs/sandbox.md).",
        context_settings=_COMMAND_ARGUMENTS,
        usage=_COMMAND_USAGE,
    ),
    CommandEntry(
        "emulator",
        "surveyor.cli.emulator",
        "Run the embedded target until Ctrl-C; options are passed to it (surveyor emulator -- --help lists them).",
        context_settings=_FORWARD_ARGUMENTS,
        usage="[-- OPTIONS]",
    ),
    CommandEntry(
        "claims",
        "surveyor.cli.claims",
        "Show documented behaviours, what proves them, and their sources.",
        attribute="app",
    ),
    CommandEntry(
        "recordings",
        "surveyor.cli.recordings",
        "Show what real AWS was seen to answer, and repeat it on a target.",
        attribute="app",
    ),
)

app = typer.Typer(
    name="surveyor",
    cls=group_of(COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=help_style(),
)


def _print_version(*, requested: bool) -> None:
    if requested:
        typer.echo(f"surveyor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda requested: _print_version(requested=requested),
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Check whether an AWS account or an emulator behaves as AWS documents for ECS service discovery."""


def run(argv: Sequence[str] | None) -> int:
    """Run a command and return its exit code, or raise SystemExit with it."""
    code = 0
    keep_standard_files()
    try:
        with signals_interrupt(), guarded_output():
            code = _run(argv)
            sys.stdout.flush()
    except (KeyboardInterrupt, SystemExit):
        if lost_output() is None:
            raise
    if (lost := lost_output()) is None:
        return code
    if isinstance(lost, BrokenPipeError):
        return CLOSED_PIPE
    print_error(f"the output cannot be written: {lost.strerror or lost}")
    return 3


def _run(argv: Sequence[str] | None) -> int:
    try:
        app(args=_with_default_vpc(sys.argv[1:] if argv is None else argv), prog_name="surveyor")
    except SystemExit as ending:
        if not isinstance(ending.__context__, BrokenPipeError):
            raise
        return _fail(ending.__context__, argv)  # of a connection: click ends the program without a word on any of them
    except Exception as error:  # the boundary: whatever a command raises becomes one line
        if is_interrupt(error):
            raise KeyboardInterrupt from error
        return _fail(error, argv)
    return 0


def _with_default_vpc(words: Sequence[str]) -> list[str]:
    """Return the command line with a value for `--from-vpc` where it has none: click knows no optional values."""
    followers = [*words[1:], "--"]
    return [
        f"{word}=default" if word == "--from-vpc" and follower.startswith("-") else word
        for word, follower in zip(words, followers, strict=False)
    ]


def _fail(error: Exception, argv: Sequence[str] | None) -> int:
    """Print one line about an error and return the exit code."""
    from surveyor.cli._support.unforeseen import describe  # here, because it imports a part of botocore
    from surveyor.errors import UsageError

    print_error(describe(error, sys.argv[1:] if argv is None else argv))
    return 2 if isinstance(error, UsageError) else 3
