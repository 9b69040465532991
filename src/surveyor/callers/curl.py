"""A call by curl, which works like many programs in containers: a process that resolves the name, calls, and ends.

Unlike the other client models it tries the addresses of an answer one after another until it can connect. The result
is counted with the address that answered, or the last address that was tried.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from surveyor.callers.attempt import AttemptResult, Timeouts
from surveyor.callers.request import Request

__all__ = ["call_by_curl"]

_NO_CONNECTION, _TIMEOUT, _NO_ANSWER, _RESET = 7, 28, 52, 56
_TLS = (35, 51, 60)
_ERRORS = {_NO_CONNECTION: "refused", _NO_ANSWER: "closed without an answer", _RESET: "reset"}
"""The exit codes of curl (its manual, EXIT CODES) with which a call of a task can end."""


def call_by_curl(
    name: str, port: int, request: Request, addresses: Sequence[str], timeouts: Timeouts
) -> tuple[str, AttemptResult]:
    """Call `name` at these addresses, in their order. Raises OSError if curl cannot be started.

    Return the address and the result. The user's curl settings and proxies are not used.
    """
    tls = request.tls
    host = tls.name if tls is not None and tls.name else name
    command = [
        *("curl", "-q", "--silent", "--noproxy", "*", "--output", "/dev/null"),
        *("--write-out", "%{http_code} %{remote_ip}"),
        *("--connect-timeout", f"{timeouts.connect:g}", "--max-time", f"{timeouts.total:g}"),
        *(("--head",) if request.method == "HEAD" else ("--request", request.method)),
        *(("--insecure",) if tls is not None and not tls.verify else ()),
        *(("--cacert", tls.authorities) if tls is not None and tls.authorities else ()),
        *(word for header, value in request.headers for word in ("--header", f"{header}: {value}")),
        *(("--header", f"Host: {request.host}") if request.host else ()),
        *("--globoff", "--path-as-is", "--resolve", f"{host}:{port}:{','.join(addresses)}"),
        f"{'http' if tls is None else 'https'}://{host}:{port}{request.path}",
    ]
    began = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    status, _, address = done.stdout.partition(" ")
    number = int(status) if status.isdigit() else 0
    return address or addresses[-1], _result(done.returncode, number, request, time.monotonic() - began)


def _result(code: int, status: int, request: Request, seconds: float) -> AttemptResult:
    if code == _TIMEOUT:
        return AttemptResult("info", error="no answer in time", seconds=seconds)
    if code:
        error = "tls: refused by curl" if code in _TLS else _ERRORS.get(code, f"curl ended with {code}")
        return AttemptResult("fail", error=error, seconds=seconds)
    if request.expects(status):
        return AttemptResult("ok", status, seconds=seconds)
    return AttemptResult("fail", status, error=f"status {status}", seconds=seconds)
