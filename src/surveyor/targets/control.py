"""The control endpoint of a target that has one (`/_surveyor/`): its clock, and where it answers names.

Plain http.client, which knows no proxies.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from surveyor import timeouts
from surveyor.errors import SurveyorError, TargetUnavailable

__all__ = ["Control", "ControlRefused", "DnsAddress"]


@dataclass(frozen=True)
class DnsAddress:
    """Where a DNS server answers, UDP and TCP."""

    address: str
    port: int


class ControlRefused(SurveyorError):
    """The control endpoint is there and does not do what it was asked for; the text says why."""


class Control:
    """Speaks to `/_surveyor/` of one endpoint.

    Raises ControlRefused when it says no, TargetUnavailable when it does not answer as agreed.
    """

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self._connection: http.client.HTTPConnection | None = None

    def now(self) -> float:
        """The target's service time, seconds since the epoch."""
        return float(self._ask("GET", "/_surveyor/clock")["now"])

    def scale(self) -> float | None:
        """Service seconds in each wall second; None if the target's clock stands still until it is advanced."""
        answer = self._ask("GET", "/_surveyor/clock")
        return None if answer.get("mode") == "advance" else float(answer.get("scale") or 1.0)

    def advance(self, seconds: float) -> float:
        """Advance the target's clock by service seconds; returns when everything that fell due has happened."""
        return float(self._ask("POST", "/_surveyor/clock", {"advance": seconds})["now"])

    def flow(self, scale: float) -> float:
        """Let the target's time flow from now on, so many service seconds a wall second, 0 to hold it; the time now."""
        return float(self._ask("POST", "/_surveyor/clock", {"flow": scale})["now"])

    def signal(self, task: str, name: str, to: str = "task") -> None:
        """Send KILL, STOP or CONT to the processes of the task of this ARN, or to its `proxy`."""
        self._ask("POST", "/_surveyor/signals", {"task": task, "signal": name, "to": to})

    def signals(self) -> tuple[str, ...]:
        """Those that can be sent."""
        return tuple(self._ask("GET", "/_surveyor/signals")["signals"])

    def resolver(self, account: str, region: str, vpc: str) -> DnsAddress:
        """Where the resolver of that VPC answers."""
        query = urlencode({"account": account, "region": region, "vpc": vpc})
        return _address(self._ask("GET", f"/_surveyor/resolvers?{query}"))

    def name_servers(self) -> DnsAddress:
        """Where public zones are answered."""
        return _address(self._ask("GET", "/_surveyor/name-servers"))

    def settings(self) -> Mapping[str, object]:
        """What is set about the target, as it tells it."""
        return self._ask("GET", "/_surveyor/settings")

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"} if data else {}
        for attempt in (1, 2):
            fresh = self._connection is None
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=timeouts.REMOTE_ANSWER)
            try:
                self._connection.request(method, path, data, headers)
                response = self._connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException) as broken:
                self.close()
                # A kept connection may have been closed by the other side while it was idle: once more, on a new one.
                if attempt == 1 and not fresh and not isinstance(broken, TimeoutError):
                    continue
                what = str(broken) or type(broken).__name__
                raise TargetUnavailable(f"the control endpoint did not answer {method} {path}: {what}") from broken
            return _table(response.status, text, f"{method} {path}")
        raise AssertionError("unreachable")


def _table(status: int, text: bytes, asked: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if 400 <= status < 500 and isinstance(answer, dict) and "error" in answer:
        raise ControlRefused(f"the control endpoint refused {asked}: {answer['error']}")
    if status != 200 or not isinstance(answer, dict):
        shown = text[:200].decode("utf-8", "replace")
        raise TargetUnavailable(f"the control endpoint answered {asked} with {status} {shown!r}, expected JSON")
    return answer


def _address(answer: dict[str, Any]) -> DnsAddress:
    try:
        return DnsAddress(str(answer["address"]), int(answer["port"]))
    except (KeyError, TypeError, ValueError):
        raise TargetUnavailable(f"the control endpoint named no DNS server: {answer!r}") from None
