"""`surveyor emulator`: the embedded target in the foreground, with what other programs need to reach it."""

from __future__ import annotations

import json
import subprocess
import sys

import typer

from surveyor.errors import TargetUnavailable

__all__ = ["emulator"]


def emulator(arguments: typer.Context) -> None:
    """Runs the embedded target until Ctrl-C; options go to it (surveyor emulator -- --help lists them)."""
    # Whichever way this process ends, by kill -9 too, the emulator ends with it.
    command = [sys.executable, "-m", "surveyor_emulator", "--die-with-parent", *arguments.args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            if first.startswith("{"):
                _tell(json.loads(first))
            else:
                typer.echo(first, nl=False)
            for line in process.stdout:
                typer.echo(line, nl=False)
            status = process.wait()
        except KeyboardInterrupt:  # the emulator, in the same group, has had it too and ends by itself
            process.wait()
            raise typer.Exit(130) from None
    raise typer.Exit(status if status >= 0 else 128 - status)


def _tell(ready: dict[str, str]) -> None:
    try:
        host, _, port = ready["dns"].rpartition(":")
        lines = (
            f"export AWS_ENDPOINT_URL={ready['endpoint']}",
            "export AWS_DISABLE_HOST_PREFIX_INJECTION=true",
            f"export AWS_ACCESS_KEY_ID={ready['account']}",
            f"export AWS_SECRET_ACCESS_KEY={ready['secret']}",
            f"export AWS_DEFAULT_REGION={ready['region']}",
            "",
            "aws servicediscovery list-namespaces",
            f"dig @{host} -p {port} NAME",
        )
    except KeyError as missing:
        raise TargetUnavailable(f"the embedded target's first line has no {missing}") from None
    typer.echo("\n".join(lines))
    sys.stdout.flush()
