"""A task that is a process of this machine, and a mailbox that is a folder behind a small server."""

from __future__ import annotations

import http.server
import io
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from surveyor.clock import WallClock
from surveyor.in_vpc.conversation import Conversation, MailboxPlace
from surveyor_agents import remote_command, vantage

__all__ = ["KEY", "Mailbox", "TaskHere", "archive_of", "run_here"]

KEY = bytes(range(32))
SESSION = "vpc-1-in-vpc"


class Mailbox:
    """What surveyor.vantage.mailbox.Mailbox does, with URLs here. `expired`: begins of keys that are refused."""

    def __init__(self) -> None:
        self.bucket = "surveyor-test-mailbox"
        self.objects: dict[str, bytes] = {}
        self.expired: set[str] = set()
        self.is_gone = False
        self.puts = 0
        mailbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers as S3 does to presigned URLs."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                key = self.path.partition("?")[0][1:]
                self._answer(key, mailbox.objects.get(key))

            def do_PUT(self) -> None:
                key, body = self.path.partition("?")[0][1:], self.rfile.read(int(self.headers["Content-Length"]))
                if not mailbox.is_gone and not self._is_expired(key):
                    mailbox.objects[key] = body
                    mailbox.puts += 1
                self._answer(key, b"")

            def _is_expired(self, key: str) -> bool:
                return any(key.startswith(begin) for begin in mailbox.expired)

            def _answer(self, key: str, body: bytes | None) -> None:
                status, text = (200, body) if body is not None else (404, b"<Code>NoSuchKey</Code>")
                if mailbox.is_gone:
                    status, text = 404, b"<Code>NoSuchBucket</Code>"
                elif self._is_expired(key):
                    status, text = 403, b"<Code>ExpiredToken</Code>"
                self.send_response(status)
                self.send_header("Content-Length", str(len(text or b"")))
                self.end_headers()
                self.wfile.write(text or b"")

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, method: str, key: str) -> str:
        """Return the URL of an object."""
        return f"http://127.0.0.1:{self._server.server_port}/{key}?{method}"

    def put(self, key: str, body: bytes) -> None:
        """Put an object."""
        self.objects[key] = body

    def get(self, key: str) -> bytes | None:
        """Return an object; None if it does not exist."""
        return self.objects.get(key)

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class TaskHere:
    """A task that runs, and the conversation with it. `parts`: what it has said so far."""

    mailbox: Mailbox
    conversation: Conversation
    process: subprocess.Popen[str]
    parts: list[dict[str, Any]] = field(default_factory=list)

    def follow(self, within: float = 30.0, until: str = "ended", signals: Sequence[int] = ()) -> dict[str, Any]:
        """Read and acknowledge until there is a part with this member, and return it."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            parts = self.conversation.receive()
            self.parts += parts or ()
            for part in parts or ():
                if until in part:
                    self.conversation.post(signals=signals)
                    return part
            self.conversation.keep_up(())
            if parts is None:
                threading.Event().wait(0.01)
        raise AssertionError(f"no part with {until!r} within {within:g} s: {self.parts}")

    def text(self, stream: int = 1) -> str:
        """Return what the command wrote to 1 or 2."""
        return b"".join(part["data"] for part in self.parts if part.get("stream") == stream).decode("utf-8", "replace")


def archive_of(pins: str = "\n", **wheels: str) -> bytes:
    """Return an archive as surveyor.in_vpc.packing.pack makes it, of an empty wheel."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as content:
        content.writestr("nothing.py", "")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("surveyor-0-py3-none-any.whl", wheel.getvalue())
        archive.writestr("overlay/over.py", "")
        archive.writestr("requirements.txt", pins)
        for name, text in wheels.items():
            archive.writestr(f"wheels/{name}", text)
    return packed.getvalue()


@contextmanager
def run_here(
    script: str, second: float = 0.05, silence: float = 300.0, packed: bytes | None = None, **job: Any
) -> Iterator[TaskHere]:
    """Run a program as the command of a task, with `out` as the folder of its report."""
    mailbox = Mailbox()
    store: Any = mailbox
    clock = WallClock(1 / second, lambda: time.monotonic() / second)
    conversation = Conversation(clock, store, MailboxPlace(mailbox.bucket, SESSION, KEY.hex()))
    packed = archive_of() if packed is None else packed
    mailbox.put(f"{SESSION}/job/0", packed)
    environment = {
        **os.environ, "SURVEYOR_SECOND": str(second), "SURVEYOR_LISTEN": "127.0.0.1", "SURVEYOR_DNS": "127.0.0.1:9",
        vantage.KEY: KEY.hex(), vantage.HELLO: mailbox.url("PUT", f"{SESSION}/answer/0"), vantage.RUN: "surveyor-0-",
        vantage.FIRST: mailbox.url("GET", f"{SESSION}/command/1"), vantage.IDLE: str(silence),
    }  # fmt: skip
    described: dict[str, Any] = {
        "archive": [mailbox.url("GET", f"{SESSION}/job/0")], "sha256": sha256(packed).hexdigest(),
        "argv": ["-c", script, remote_command.OUT], "environment": {}, **job,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, *remote_command.command()[1:]], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        conversation.post(job=described)
        yield TaskHere(mailbox, conversation, process)
    finally:
        process.kill()
        process.communicate()
        mailbox.close()
