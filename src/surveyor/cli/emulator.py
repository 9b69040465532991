"""`surveyor emulator`: run the embedded target in the foreground, and print how other programs reach it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import typer

from surveyor.errors import TargetUnavailable
from surveyor.terminal import print_own_secrets

__all__ = ["emulator"]


def emulator(arguments: typer.Context) -> None:
    """Run the embedded target until Ctrl-C; options are passed to it (surveyor emulator -- --help lists them)."""
    # The emulator ends when this process ends, also by kill -9.
    command = [sys.executable, "-m", "surveyor_emulator", "--die-with-parent", *arguments.args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            first_line = process.stdout.readline()
            if first_line.startswith("{"):
                _print_settings(json.loads(first_line))
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


def _print_settings(ready: dict[str, str]) -> None:
    """Print the environment of AWS clients and two examples."""
    try:
        host, _, port = ready["dns"].rpartition(":")
        lines = (
            f"export AWS_ENDPOINT_URL={ready['endpoint']}",
            "export AWS_DISABLE_HOST_PREFIX_INJECTION=true",
            f"export AWS_ACCESS_KEY_ID={ready['account']}",
            f"export AWS_SECRET_ACCESS_KEY={shlex.quote(ready['secret'])}",
            f"export AWS_DEFAULT_REGION={ready['region']}",
            f"export SURVEYOR_TOKEN={shlex.quote(ready['token'])}",
            "",
            "aws servicediscovery list-namespaces",
            f"dig @{host} -p {port} NAME",
        )
    except KeyError as missing:
        raise TargetUnavailable(f"the embedded target's first line has no {missing}") from None
    print_own_secrets("\n".join(lines))
