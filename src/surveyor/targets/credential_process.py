"""Run the program that a profile names as credential_process: with limits, and without showing what it prints."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import CredentialRetrievalError

from surveyor import timeouts

__all__ = ["EndedProgram", "run_credential_process"]

_MAX_OUTPUT = 64 * 1024
_HINT = "its output is not shown, since it may hold secrets: run it by hand to see it"


@dataclass(frozen=True)
class EndedProgram:
    """A program that has ended, with the members of subprocess.Popen that botocore reads."""

    output: bytes
    returncode: int = 0

    def communicate(self) -> tuple[bytes, bytes]:
        """Return its standard output, and nothing of its standard error."""
        return self.output, b""


def run_credential_process(argv: Sequence[str], **_: object) -> EndedProgram:
    """Run it to its end, in place of subprocess.Popen. Raises CredentialRetrievalError if it gave no credentials.

    It may ask on a terminal, if there is one. Its standard error is discarded.
    """
    stdin = None if sys.stdin is not None and sys.stdin.isatty() else subprocess.DEVNULL
    try:
        process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        raise _failed(f"it cannot be started: {getattr(error, 'strerror', '') or error}") from None
    assert process.stdout is not None
    try:
        with process.stdout:
            output = _read(process.stdout.fileno(), time.monotonic() + timeouts.CREDENTIAL_PROCESS)
        status = process.wait(timeouts.CREDENTIAL_PROCESS)
    except subprocess.TimeoutExpired:
        raise _late() from None
    finally:
        process.kill()
        process.wait()
    if status != 0:
        raise _failed(f"it ended with status {status}; {_HINT}")
    _check(output)
    return EndedProgram(output)


def _read(descriptor: int, end: float) -> bytes:
    """Return what is written until the other side is closed."""
    output = b""
    while select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
        chunk = os.read(descriptor, _MAX_OUTPUT)
        if not chunk:
            return output
        output += chunk
        if len(output) > _MAX_OUTPUT:
            raise _failed(f"it printed more than {_MAX_OUTPUT} bytes; expected one JSON object")
    raise _late()


def _check(output: bytes) -> None:
    """Raise CredentialRetrievalError unless the output has the form of the AWS CLI User Guide's page on the setting."""
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _failed(f"expected one JSON object on its standard output; {_HINT}")
    if answer.get("Version") != 1:
        raise _failed(f"expected Version 1 in its JSON object; {_HINT}")
    for name in ("AccessKeyId", "SecretAccessKey"):
        if not isinstance(answer.get(name), str) or not answer[name]:
            raise _failed(f"expected a text as {name} in its JSON object; {_HINT}")
    for name in ("SessionToken", "Expiration"):
        if not isinstance(answer.get(name), str | None):
            raise _failed(f"expected a text as {name} in its JSON object; {_HINT}")


def _late() -> CredentialRetrievalError:
    return _failed(f"it did not end within {timeouts.CREDENTIAL_PROCESS:g} s")


def _failed(why: str) -> CredentialRetrievalError:
    return CredentialRetrievalError(provider="credential_process", error_msg=why)
