"""`surveyor emulator`: run the embedded target in the foreground, and print how other programs reach it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import subprocess
import sys

import typer

from surveyor.errors import TargetUnavailable
from surveyor.sandbox import command_in, is_inside
from surveyor.terminal import print_own_secrets

__all__ = ["emulator"]

SANDBOX = "--sandbox"
MAX_PORT = 65_535


def emulator(arguments: typer.Context) -> None:
    """Run the embedded target until Ctrl-C; options are passed to it (surveyor emulator -- --help lists them)."""
    # The emulator ends when this process ends, also by kill -9.
    command = [sys.executable, "-m", "surveyor_emulator", "--die-with-parent"]
    words = [word for word in arguments.args if word != SANDBOX]
    listener = _open_outside(words) if SANDBOX in arguments.args and not is_inside() else None
    if listener is None:
        process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True)
    else:
        with listener:
            words += ["--port", str(listener.getsockname()[1]), "--outside", str(listener.fileno())]
            process = subprocess.Popen(
                command_in([*command, *words]), stdout=subprocess.PIPE, text=True, pass_fds=[listener.fileno()]
            )
    with process:
        assert process.stdout is not None
        try:
            first_line = process.stdout.readline()
            if first_line.startswith("{"):
                _print_settings(json.loads(first_line), process.pid if listener is not None else None)
            else:
                typer.echo(first_line, nl=False)
            for line in process.stdout:
                typer.echo(line, nl=False)
            status = process.wait()
        except BaseException:  # interrupted, or nothing reads the output any more
            process.terminate()  # Ctrl-C in a terminal has reached it as well; SIGTERM to this process has not
            process.wait()
            raise
    raise typer.Exit(status if status >= 0 else 128 - status)


def _open_outside(words: list[str]) -> socket.socket | None:
    """Return a socket that listens where the options say, outside of the sandbox. Raises TargetUnavailable.

    None if the options are not valid, which the emulator itself then says.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", default=0, type=int)
    parser.add_argument("-h", "--help", action="store_true")
    try:
        known = parser.parse_known_args(words)[0]
    except argparse.ArgumentError:
        return None
    if known.help or not 0 <= known.port <= MAX_PORT:
        return None
    try:
        family = socket.getaddrinfo(known.host, known.port)[0][0]
        return socket.create_server((known.host, known.port), family=family, backlog=1024)
    except OSError as error:
        raise TargetUnavailable(f"cannot listen for HTTP on {known.host}:{known.port}: {_reason(error)}") from None


def _reason(error: OSError) -> str:
    """Return what the system says, without the address that create_server adds to it."""
    return error.strerror or str(error) if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)


def _print_settings(ready: dict[str, str], sandbox: int | None) -> None:
    """Print the environment of AWS clients and two examples. `sandbox`: the process whose sandbox has the tasks."""
    try:
        host, _, port = ready["dns"].rpartition(":")
        ask = f"dig @{host} -p {port} NAME" if sandbox is None else f"surveyor sandbox --join {sandbox} -- dig NAME"
        lines = (
            f"export AWS_ENDPOINT_URL={ready['endpoint']}",
            "export AWS_DISABLE_HOST_PREFIX_INJECTION=true",
            f"export AWS_ACCESS_KEY_ID={ready['account']}",
            f"export AWS_SECRET_ACCESS_KEY={shlex.quote(ready['secret'])}",
            f"export AWS_DEFAULT_REGION={ready['region']}",
            f"export SURVEYOR_TOKEN={shlex.quote(ready['token'])}",
            "",
            "aws servicediscovery list-namespaces",
            ask,
        )
    except KeyError as missing:
        raise TargetUnavailable(f"the embedded target's first line has no {missing}") from None
    print_own_secrets("\n".join(lines))
