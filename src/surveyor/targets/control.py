"""A client of the control endpoint of a target (`/_surveyor/`): its clock, its DNS servers, signals to its tasks.

Plain http.client, which ignores proxy settings. The endpoint answers programs that have its token: a target that
Surveyor starts prints it in its first line, and for any other SURVEYOR_TOKEN holds it.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from surveyor import timeouts
from surveyor.dns import DnsAddress
from surveyor.errors import SurveyorError, TargetUnavailable
from surveyor.targets.model import TOKEN_VARIABLE
from surveyor.targets.transport import AnswerTooLarge, BoundedResponse

__all__ = ["Control", "ControlRefused", "TokenRefused"]

_MAX_ANSWER = 1 << 20
"""Bytes of an answer: parsed, each may need a hundred times its size."""

_REALM = 'Bearer realm="surveyor"'


class ControlRefused(SurveyorError):
    """The control endpoint refused a request; the text says why."""


class TokenRefused(TargetUnavailable):
    """The target has a control endpoint, which wants another token; the text says how to pass it."""


class _OwnConnection(threading.local):
    """The connection of a thread: calls to tasks are made side by side, and each waits by the clock of the target."""

    connection: http.client.HTTPConnection | None = None


class Control:
    """A client of `/_surveyor/` at one endpoint, for any number of threads.

    Methods raise ControlRefused if the endpoint refuses, TargetUnavailable if it does not answer as specified within
    `timeout` wall seconds: advancing a clock may take long.
    """

    def __init__(self, endpoint: str, token: str = "") -> None:
        self.timeout = timeouts.CONTROL_ANSWER
        self.headers = {"Authorization": f"Bearer {token}"} if (token := token or _token()) else {}
        parts = urlsplit(endpoint)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self._own = _OwnConnection()
        self._all: list[http.client.HTTPConnection] = []
        self._name_servers: DnsAddress | None = None

    def now(self) -> float:
        """Return the service time of the target, in seconds since the epoch."""
        return _number(self._request("GET", "/_surveyor/clock"), "now")

    def scale(self) -> float | None:
        """Return the service seconds per wall second; None if the clock stands still until it is advanced."""
        answer = self._request("GET", "/_surveyor/clock")
        return None if answer.get("mode") == "advance" else _number({"scale": 1.0, **answer}, "scale")

    def advance(self, seconds: float) -> float:
        """Advance the clock by service seconds, and return the new time once everything due until then has happened."""
        return _number(self._request("POST", "/_surveyor/clock", {"advance": seconds}), "now")

    def flow(self, scale: float) -> float:
        """Let the clock flow at `scale` service seconds per wall second, or stop it (0), and return the time."""
        return _number(self._request("POST", "/_surveyor/clock", {"flow": scale}), "now")

    def signal(self, task: str, name: str, to: str = "task") -> None:
        """Send KILL, STOP or CONT to the processes of the task of this ARN, or to its `proxy`."""
        self._request("POST", "/_surveyor/signals", {"task": task, "signal": name, "to": to})

    def stopped_addresses(self) -> str:
        """Return what calls to stopped tasks get: `refuse` or `vanish`."""
        return str(self._request("GET", "/_surveyor/stopped-addresses").get("stopped_addresses"))

    def set_stopped_addresses(self, value: str) -> None:
        """Set what calls to tasks that stop from now on get."""
        self._request("POST", "/_surveyor/stopped-addresses", {"stopped_addresses": value})

    def signals(self) -> tuple[str, ...]:
        """Return the names of the signals that can be sent."""
        answer = self._request("GET", "/_surveyor/signals").get("signals")
        if not isinstance(answer, list):
            raise TargetUnavailable(f"the control endpoint named no signals: {answer!r}")
        return tuple(map(str, answer))

    def resolver(self, account: str, region: str, vpc: str) -> DnsAddress:
        """Return the address of the resolver of a VPC."""
        query = urlencode({"account": account, "region": region, "vpc": vpc})
        return _address(self._request("GET", f"/_surveyor/resolvers?{query}"))

    def inbound_address(self, account: str, region: str, ip: str) -> DnsAddress:
        """Return where an address of an inbound endpoint of Route 53 Resolver answers. Raises TargetUnavailable."""
        query = urlencode({"account": account, "region": region})
        listed = self._request("GET", f"/_surveyor/resolver-endpoints?{query}").get("addresses")
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and entry.get("ip") == ip:
                return _address(entry)
        raise TargetUnavailable(f"no inbound endpoint answers at {ip}")

    def name_servers(self) -> DnsAddress:
        """Return the address of the name servers of public zones, which stays the same."""
        if self._name_servers is None:
            self._name_servers = _address(self._request("GET", "/_surveyor/name-servers"))
        return self._name_servers

    def settings(self) -> Mapping[str, object]:
        """Return the settings of the target."""
        return self._request("GET", "/_surveyor/settings")

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._all:
            connection.close()

    def _renew(self) -> http.client.HTTPConnection:
        """Return a new connection for this thread; it is opened with its first request."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self.timeout)
        connection.response_class = BoundedResponse
        self._own.connection = connection
        self._all.append(connection)
        return connection

    def _request(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        headers = {**self.headers, "Content-Type": "application/json"} if data else self.headers
        for attempt in (1, 2):
            connection = self._own.connection or self._renew()
            is_new = connection.sock is None
            try:
                connection.request(method, path, data, headers)
                connection.sock.settimeout(self.timeout)  # the last answer has used up a part of it
                response = connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException, AnswerTooLarge) as error:
                connection.close()
                # The server may have closed an idle connection: retry once on a new one.
                if attempt == 1 and not is_new and not isinstance(error, TimeoutError):
                    continue
                what = str(error) or type(error).__name__
                raise TargetUnavailable(f"the control endpoint did not answer {method} {path}: {what}") from error
            if response.status == 401 and response.getheader("WWW-Authenticate") == _REALM:
                raise TokenRefused(
                    f"the emulator at {self._host}:{self._port} wants another token: set {TOKEN_VARIABLE} to the one "
                    "that it printed at its start"
                )
            return _parse_answer(response.status, text, f"{method} {path}")
        raise AssertionError("unreachable")


def _token() -> str:
    """Return the token in this process's environment, if any. Raises TargetUnavailable if it is none."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not (token.isascii() and token.isprintable()):
        raise TargetUnavailable(f"{TOKEN_VARIABLE} holds no token: expected visible ASCII characters")
    return token


def _parse_answer(status: int, text: bytes, request: str) -> dict[str, Any]:
    try:
        answer = json.loads(text) if len(text) <= _MAX_ANSWER else None
    except (ValueError, RecursionError):
        answer = None
    if 400 <= status < 500 and isinstance(answer, dict) and "error" in answer:
        raise ControlRefused(f"the control endpoint refused {request}: {answer['error']}")
    if status != 200 or not isinstance(answer, dict):
        shown = text[:200].decode("utf-8", "replace")
        raise TargetUnavailable(f"the control endpoint answered {request} with {status} {shown!r}, expected JSON")
    return answer


def _number(answer: dict[str, Any], name: str) -> float:
    try:
        number = float(answer[name])
    except (KeyError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        shown = repr(answer)[:200]
        raise TargetUnavailable(f"the control endpoint answered {shown}, expected a number of seconds as {name}")
    return number


def _address(answer: dict[str, Any]) -> DnsAddress:
    try:
        return DnsAddress(str(answer["address"]), int(answer["port"]))
    except (KeyError, TypeError, ValueError):
        raise TargetUnavailable(f"the control endpoint named no DNS server: {answer!r}") from None
