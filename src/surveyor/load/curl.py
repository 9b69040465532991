"""A call by curl, which works like many programs in containers: a process that resolves the name, calls, and ends.

Unlike the other client models it tries the addresses of an answer one after another until it can connect. The result
is counted with the address that answered, or the last address that was tried.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from surveyor.load.connection import AttemptResult, Timeouts

__all__ = ["call_by_curl"]

_NO_CONNECTION, _TIMEOUT, _NO_ANSWER, _RESET = 7, 28, 52, 56
_ERRORS = {_NO_CONNECTION: "refused", _NO_ANSWER: "closed without an answer", _RESET: "reset"}
"""The exit codes of curl (its manual, EXIT CODES) with which a call of a task can end."""


def call_by_curl(
    host: str, port: int, path: str, addresses: Sequence[str], timeouts: Timeouts
) -> tuple[str, AttemptResult]:
    """Call `host` at these addresses, in their order. Raises OSError if curl cannot be started.

    Return the address and the result. The user's curl settings and proxies are not used.
    """
    command = [
        *("curl", "-q", "--silent", "--noproxy", "*", "--output", "/dev/null"),
        *("--write-out", "%{http_code} %{remote_ip}"),
        *("--connect-timeout", f"{timeouts.connect:g}", "--max-time", f"{timeouts.connect + timeouts.read:g}"),
        *("--resolve", f"{host}:{port}:{','.join(addresses)}", f"http://{host}:{port}{path}"),
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    status, _, address = done.stdout.partition(" ")
    return address or addresses[-1], _result(done.returncode, int(status) if status.isdigit() else 0)


def _result(code: int, status: int) -> AttemptResult:
    if code == _TIMEOUT:
        return AttemptResult("info", error="no answer in time")
    if code:
        return AttemptResult("fail", error=_ERRORS.get(code, f"curl ended with {code}"))
    return AttemptResult("ok", status) if status < 500 else AttemptResult("fail", status, error=f"status {status}")
