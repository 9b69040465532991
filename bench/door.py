"""What the door of the embedded target costs: DiscoverInstances with its checks, and with them edited out.

The door refuses requests for other hosts, of web pages, and without a valid signature; its token is for the control
endpoint, and no call of AWS has one. Three servers are loaded in turn: with all checks, with signatures only, and
without any. The checks of hosts and pages have a goal. A signature needs three hashes of its request, which is a fixed
cost: it is shown, not limited.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import calls
from bench.registry import Measurement, create_namespace, register_instances
from bench.rounds import Load, send_load
from bench.servers import Server, ServerSpec, run_server

__all__ = ["ALL_CHECKS", "COST", "NO_CHECKS", "ONLY_SIGNATURES", "measure"]

ROUNDS = 15
INSTANCES = 10
COST = "processor time per DiscoverInstances, by the checks of the door"
ALL_CHECKS, ONLY_SIGNATURES, NO_CHECKS = "all checks", "signatures only", "no checks"
EDITS = {
    "any-host": {
        "in": "core.http.server:_Connection.on_headers_complete",
        "find": 'headers.get("host") not in self._accepted',
        "with": "False",
    },
    "any-page": {
        "in": "server.authentication:_refuse_page",
        "find": "is_from_page(request.headers)",
        "with": "False",
    },
}


def measure(spec: ServerSpec, seconds: float, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure medians of rounds in which each server is loaded; all take about ``15 * seconds`` of wall time."""
    loads: dict[str, list[Load]] = {ALL_CHECKS: [], ONLY_SIGNATURES: [], NO_CHECKS: []}
    with contextlib.ExitStack() as stack:
        edits = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="surveyor-bench-"))) / "edits.json"
        edits.write_text(json.dumps(EDITS))
        edited = ("--edits", str(edits), *(part for name in EDITS for part in ("--mutation", name)))
        servers = {
            ALL_CHECKS: stack.enter_context(run_server(spec)),
            ONLY_SIGNATURES: stack.enter_context(run_server(spec, *edited)),
            NO_CHECKS: stack.enter_context(run_server(spec, *edited, "--no-signatures")),
        }
        requests = {name: _requests(server) for name, server in servers.items()}
        for number in range(1, ROUNDS + 1):
            print_progress(f"{spec.name} with and without the checks of its door, {number} of {ROUNDS}")
            for name, server in servers.items():
                loads[name].append(send_load(server.account.port, server.pid, requests[name], seconds / 3))
    for name, rounds in loads.items():
        yield Measurement(COST, name, statistics.median(load.server_cost for load in rounds), "µs")


def _requests(server: Server) -> Iterator[bytes]:
    """Create a service with instances and return the calls that discover them."""
    client: Any = calls.client(server.account)
    service = client.create_service(Name="door", NamespaceId=create_namespace(client))["Service"]["Id"]
    register_instances(server, client, service, "door", INSTANCES)
    return calls.discover(server.account, "bench", "door")
