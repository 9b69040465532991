"""Hand the credentials of a run to the other processes of the run: workers, the watchdog, load generators.

The process that begins the run finds them once, and renews them. The others ask it over a socket in a folder that only
this user can enter, so that no secret is in an argument, in a variable or in a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from surveyor import timeouts
from surveyor.targets.scratch import Scratch

__all__ = ["SOCKET_VARIABLE", "Handed", "ask_for_credentials", "serve_credentials"]

SOCKET_VARIABLE = "SURVEYOR_CREDENTIALS"
"""The variable with the path of the socket, for the processes of a run."""

_MAX_PATH = 100
"""Bytes of the path of a socket (unix(7): 108 with its end)."""

_MAX_LINE = 1 << 16

Handed = tuple[Credentials, float | None]
"""Credentials, and when they end if they cannot be renewed and that is known."""


@contextmanager
def serve_credentials(known: Mapping[str, Handed]) -> Iterator[None]:
    """Give these credentials, by name, to the processes that are started meanwhile."""
    scratch = Scratch("credentials")  # of mode 0700, and deleted by the next run if this one is killed
    folder = scratch.path
    if len(str(folder)) > _MAX_PATH - len("/socket"):
        folder = Path(tempfile.mkdtemp(prefix="surveyor-", dir="/tmp"))
    server = _Server(str(folder / "socket"), _Handler)
    server.known = known
    thread = threading.Thread(target=server.serve_forever, daemon=True, name="credentials")
    thread.start()
    before = os.environ.get(SOCKET_VARIABLE)
    os.environ[SOCKET_VARIABLE] = server.path
    try:
        yield
    finally:
        if before is None:
            del os.environ[SOCKET_VARIABLE]
        else:
            os.environ[SOCKET_VARIABLE] = before
        server.shutdown()
        server.server_close()
        shutil.rmtree(folder, ignore_errors=True)
        scratch.delete()


def ask_for_credentials(name: str) -> Handed | None:
    """Return the credentials of this name from the process that began the run; None if there is no such process.

    Raises CredentialRetrievalError if it cannot renew them.
    """
    path = os.environ.get(SOCKET_VARIABLE)
    if not path:
        return None
    try:
        answer = _ask(path, name)
    except (OSError, ValueError):  # it has ended, or this process belongs to no run
        return None
    if "unknown" in answer:
        return None
    found = _checked(answer)
    if found["expiry_time"] is None:
        return Credentials(found["access_key"], found["secret_key"], found["token"], method="run"), answer["end"]
    return RefreshableCredentials.create_from_metadata(found, _renewal(path, name), "run"), None


def _renewal(path: str, name: str) -> Callable[[], dict[str, Any]]:
    def renew() -> dict[str, Any]:
        try:
            return _checked(_ask(path, name))
        except OSError:
            raise _failed("the process that began the run has ended") from None

    return renew


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise _failed(str(answer["error"]))
    return {key: answer[key] for key in ("access_key", "secret_key", "token", "expiry_time")}


def _failed(why: str) -> CredentialRetrievalError:
    return CredentialRetrievalError(provider="the run", error_msg=why)


def _ask(path: str, name: str) -> dict[str, Any]:
    """Return the answer to a question. Raises OSError if there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeouts.CREDENTIAL_PROCESS + timeouts.REMOTE_ANSWER)
        connection.connect(path)
        with connection.makefile("rwb") as stream:
            stream.write(json.dumps(name).encode() + b"\n")
            stream.flush()
            line = stream.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise ConnectionError("no answer")
    answer: dict[str, Any] = json.loads(line)
    return answer


class _Server(socketserver.ThreadingUnixStreamServer):
    """Answers the processes of one run."""

    daemon_threads = True
    block_on_close = False
    known: Mapping[str, Handed]

    @property
    def path(self) -> str:
        """The path of its socket."""
        return str(self.server_address)


class _Handler(socketserver.StreamRequestHandler):
    """One question: a line with the name of credentials, answered by a line."""

    server: _Server

    def handle(self) -> None:
        """Answer with the credentials, renewed if need be, or with the reason why there are none."""
        with contextlib.suppress(OSError, ValueError):  # the other side has ended, or is no process of the run
            name = json.loads(self.rfile.readline(_MAX_LINE))
            self.wfile.write(json.dumps(_answer(self.server.known, name)).encode() + b"\n")


def _answer(known: Mapping[str, Handed], name: object) -> dict[str, Any]:
    if not isinstance(name, str) or name not in known:
        return {"unknown": name}
    found, end = known[name]
    try:
        frozen = found.get_frozen_credentials()
    except Exception as error:  # noqa: BLE001  # the boundary: whatever a renewal raises becomes an answer
        return {"error": " ".join(str(error).split())}
    expiry = getattr(found, "_expiry_time", None) if isinstance(found, RefreshableCredentials) else None
    return {
        "access_key": frozen.access_key, "secret_key": frozen.secret_key, "token": frozen.token,
        "expiry_time": expiry.isoformat() if expiry else None, "end": end,
    }  # fmt: skip
