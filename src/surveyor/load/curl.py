"""A call by curl, which is what many programs in containers are: a process that asks the resolver, calls, and ends.

Unlike this project's own callers it tries one address of an answer after another until one lets it connect. What came
of the call is counted, with the address that answered, or the last one that was tried.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from surveyor.load.connection import Answer, Limits

__all__ = ["call_by_curl"]

_NO_CONNECTION, _TOO_LATE, _NO_ANSWER, _BROKEN = 7, 28, 52, 56
_TOLD = {_NO_CONNECTION: "refused", _NO_ANSWER: "closed without an answer", _BROKEN: "reset"}
"""Of curl's exit codes (its manual, EXIT CODES), those that a call of a task can end with."""


def call_by_curl(host: str, port: int, path: str, addresses: Sequence[str], limits: Limits) -> tuple[str, Answer]:
    """Call `host`, which is at these addresses, in their order. Raises OSError where curl cannot be started.

    Neither the user's settings nor proxies take part.
    """
    command = [
        *("curl", "-q", "--silent", "--noproxy", "*", "--output", "/dev/null"),
        *("--write-out", "%{http_code} %{remote_ip}"),
        *("--connect-timeout", f"{limits.connect:g}", "--max-time", f"{limits.connect + limits.read:g}"),
        *("--resolve", f"{host}:{port}:{','.join(addresses)}", f"http://{host}:{port}{path}"),
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    status, _, address = done.stdout.partition(" ")
    return address or addresses[-1], _answer(done.returncode, int(status) if status.isdigit() else 0)


def _answer(code: int, status: int) -> Answer:
    if code == _TOO_LATE:
        return Answer("info", error="no answer in time")
    if code:
        return Answer("fail", error=_TOLD.get(code, f"curl ended with {code}"))
    return Answer("ok", status) if status < 500 else Answer("fail", status, error=f"status {status}")
