"""What all commands share: quick start-up, and how signals and a closed output end a command."""

from __future__ import annotations

import inspect
import os
import re
import signal
import subprocess
import sys
from typing import Any

import pytest
import typer

from surveyor.cli._support.lazy_commands import CommandEntry
from surveyor.cli.application import COMMANDS

RUN = "import sys; from surveyor.cli import main; sys.exit(main())"

SLOW_LIBRARIES = ("boto3", "botocore", "hypothesis", "jinja2", "jsonschema", "locust", "moto", "pytest", "xdist")

WAIT = """
import sys, time
from surveyor.cli import main
import surveyor.cli.gate

def gate(words: list[str]) -> None:
    "Wait."
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("cleaned up", flush=True)

surveyor.cli.gate.gate = gate
sys.exit(main())
"""
"""A command line whose command `gate` waits, and cleans up at its end."""


def surveyor(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=False, timeout=60, **options
    )


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_line_of_a_command_is_its_docstring(entry: CommandEntry) -> None:
    """The table says what the first sentence of the command's docstring says; change both together."""
    loaded = entry.load()
    text = loaded.info.help if isinstance(loaded, typer.Typer) else inspect.getdoc(loaded)
    assert text is not None
    paragraph = " ".join(text.partition("\n\n")[0].split())
    assert re.split(r"(?<=\.) (?=[A-Z])", paragraph)[0] == entry.help


@pytest.mark.soak
def test_a_commands_help_is_that_of_its_module() -> None:
    """The help of a command has its whole docstring and its options, that of a group its commands."""
    chaos = surveyor("chaos", "--help").stdout
    assert "--min-healthy" in chaos
    assert not re.findall(r"<\w+|bool|list\[", chaos)  # typer's names of Python's types
    assert "coverage" in surveyor("claims", "--help").stdout
    assert "--unproven" in surveyor("claims", "list", "--help").stdout


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["no-such-command"]])
def test_the_command_line_starts_without_slow_libraries(arguments: list[str]) -> None:
    """No library that takes long to import is loaded until a command needs it."""
    code = (
        "import sys\nfrom surveyor.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', sorted(set({SLOW_LIBRARIES!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


@pytest.mark.soak
@pytest.mark.parametrize("arguments", [["--help"], ["chaos", "--help"], ["claims", "list", "--help"]])
def test_help_on_a_narrow_terminal_is_complete(arguments: list[str]) -> None:
    """With 40 columns the names of all commands and options are whole."""
    wide, narrow = (surveyor(*arguments, env=os.environ | {"COLUMNS": columns}).stdout for columns in ("200", "40"))
    assert narrow.count("…") <= wide.count("…")
    names = set(re.findall(r"(?<!\S)--[a-z-]+", wide))
    assert names <= set(re.findall(r"(?<!\S)--[a-z-]+", narrow))


def test_an_unknown_command_names_the_nearest() -> None:
    """An unknown command is invalid usage, and the message has the nearest name."""
    done = surveyor("conforn")
    assert done.returncode == 2
    assert "Did you mean 'conform'?" in done.stderr


@pytest.mark.soak
@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["chaos", "--help"], ["claims", "list"], ["chaos", "--list"]]
)
def test_a_closed_pipe_is_141_without_a_message(arguments: list[str]) -> None:
    """If nothing reads the output any more, the program ends quietly, as a shell expects."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_closed_pipe_does_not_hide_other_errors() -> None:
    """A broken connection is an error, not a closed output."""
    code = (
        "import sys\nimport surveyor.cli as cli\nfrom surveyor.cli import gate\n"
        "def broken(words: list[str]) -> None:\n    raise BrokenPipeError(32, 'connection lost')\n"
        "gate.gate = broken\nsys.exit(cli.main())"
    )
    done = subprocess.run([sys.executable, "-c", code, "gate", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("surveyor: connection lost; its traceback is in ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_130_after_the_cleanup(number: signal.Signals) -> None:
    """SIGTERM, and SIGHUP of a closed terminal, end a command as Ctrl-C does: it cleans up and exits with 130."""
    with subprocess.Popen([sys.executable, "-c", WAIT, "gate", "x"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == "cleaned up\n"
    assert process.returncode == 130


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ignored_at_the_start_stays_ignored(number: signal.Signals) -> None:
    """A command started with `nohup` or with `&` in a script is ended by SIGTERM only."""
    shell = ["sh", "-c", f'trap "" {number.name.removeprefix("SIG")}; exec "$@"', "sh"]
    with subprocess.Popen([*shell, sys.executable, "-c", WAIT, "gate", "x"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.terminate()
        assert process.stdout.read() == b"cleaned up\n"
    assert process.returncode == 130


@pytest.mark.soak
def test_output_that_is_closed_from_the_start_is_no_error() -> None:
    """A program may be started without standard output, by `>&-`; messages still go to standard error."""
    shell = ["sh", "-c", '"$@" >&-', "sh", sys.executable, "-c", RUN]
    done = subprocess.run([*shell, "claims", "show", "no.such"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("surveyor: no claim 'no.such'")
    assert len(done.stderr.splitlines()) == 1
