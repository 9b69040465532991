"""DNS answers per second and processor time per answer, compared with the native server nsd and the same answer.

dnsperf sends the questions. Without dnsperf or nsd this part is skipped with a message.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from bench import calls
from bench.registry import Measurement, until
from bench.servers import ServerSpec, cpu_seconds, run_server

__all__ = ["measure"]

ZONE = "bench.example"
ADDRESSES = [f"10.0.0.{number}" for number in range(1, 9)]


def measure(spec: ServerSpec, seconds: float, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Query eight A records of one name for ``seconds``, on the embedded target and on nsd."""
    missing = [name for name in ("dnsperf", "nsd") if shutil.which(name, path=_path()) is None]
    if missing:
        print_progress(f"DNS: skipped, {' and '.join(missing)} not installed (Debian: apt-get install dnsperf nsd)")
        return
    with tempfile.TemporaryDirectory(prefix="surveyor-bench-") as folder:
        scratch = Path(folder)
        questions = scratch / "questions"
        questions.write_text(f"backend.{ZONE} A\n")
        with _embedded(spec) as (address, port, pid):
            print_progress("DNS: embedded, 8 A records")
            yield from _measure_server(spec.name, address, port, pid, questions, seconds)
        with _nsd(scratch) as (address, port, pid):
            print_progress("DNS: nsd, the same answer")
            yield from _measure_server("nsd", address, port, pid, questions, seconds)


def _measure_server(
    name: str, address: str, port: int, pid: int, questions: Path, seconds: float
) -> Iterator[Measurement]:
    before = cpu_seconds(pid)
    command = [
        *("dnsperf", "-s", address, "-p", str(port), "-d", str(questions)),
        *("-l", f"{seconds:.0f}", "-c", "8", "-T", "1", "-q", "200"),
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": _path()}).stdout
    cpu = cpu_seconds(pid) - before
    answered = int(_extract(r"Queries completed:\s+(\d+)", output))
    successful = int(_extract(r"NOERROR (\d+)", output))
    if successful < answered or answered == 0:
        raise SystemExit(f"{name} answered {successful} of {answered} questions with NOERROR:\n{output}")
    yield Measurement(
        "DNS answers, 8 A records", name, answered / float(_extract(r"Run time \(s\):\s+([\d.]+)", output)), "/s"
    )
    yield Measurement("DNS processor time per answer", name, cpu / answered * 1e6, "µs")


def _extract(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise SystemExit(f"expected {pattern!r} in the output of dnsperf, got:\n{text}")
    return match[1]


@contextlib.contextmanager
def _embedded(spec: ServerSpec) -> Iterator[tuple[str, int, int]]:
    with run_server(spec) as server:
        client: Any = calls.client(server.account)
        operation = client.create_public_dns_namespace(Name=ZONE)["OperationId"]
        created = until(
            lambda: client.get_operation(OperationId=operation)["Operation"], lambda state: state["Status"] == "SUCCESS"
        )
        service = client.create_service(
            Name="backend",
            NamespaceId=created["Targets"]["NAMESPACE"],
            DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]},
        )["Service"]["Id"]
        for number, address in enumerate(ADDRESSES):
            client.register_instance(
                ServiceId=service, InstanceId=f"task-{number}", Attributes={"AWS_INSTANCE_IPV4": address}
            )
        with build_opener(ProxyHandler({})).open(f"{server.account.endpoint}/_surveyor/name-servers") as response:
            server_address = json.load(response)
        until(
            lambda: _count_records(server_address["address"], server_address["port"]),
            lambda count: count == len(ADDRESSES),
        )
        yield server_address["address"], server_address["port"], server.pid


@contextlib.contextmanager
def _nsd(scratch: Path) -> Iterator[tuple[str, int, int]]:
    port = _free_port()
    records = "\n".join(f"backend 60 IN A {address}" for address in ADDRESSES)
    (scratch / "zone").write_text(
        f"$ORIGIN {ZONE}.\n@ 900 IN SOA ns.{ZONE}. admin.{ZONE}. 1 7200 900 1209600 86400\n"
        f"@ 900 IN NS ns.{ZONE}.\nns 900 IN A 127.0.0.1\n{records}\n"
    )
    (scratch / "nsd.conf").write_text(
        f'server:\n  ip-address: 127.0.0.1@{port}\n  username: ""\n  chroot: ""\n  server-count: 1\n'
        f'  pidfile: "{scratch}/nsd.pid"\n  database: ""\n  zonelistfile: "{scratch}/zone.list"\n'
        f'  xfrdfile: "{scratch}/xfrd"\n  xfrdir: "{scratch}"\n  zonesdir: "{scratch}"\n'
        f"  hide-version: yes\n  minimal-responses: yes\n"
        # By default Debian's nsd limits answers to 200 per second and network.
        f"  rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\n"
        f"remote-control:\n  control-enable: no\n"
        f"zone:\n  name: {ZONE}\n  zonefile: zone\n"
    )
    log = scratch / "nsd.log"
    process = subprocess.Popen(
        ["nsd", "-d", "-c", str(scratch / "nsd.conf")],
        env={"PATH": _path()},
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )

    def count_records() -> int:
        if process.poll() is not None:
            raise SystemExit(f"nsd ended during its start: {log.read_text(errors='replace')[-400:]}")
        return _count_records("127.0.0.1", port)

    try:
        until(count_records, lambda count: count == len(ADDRESSES))
        yield "127.0.0.1", port, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _free_port() -> int:
    """Return a port that is free for UDP and TCP: nsd needs both."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


def _count_records(address: str, port: int) -> int:
    """Return the number of records in an answer; 0 if there is no answer."""
    import dns.exception
    import dns.message
    import dns.query

    question = dns.message.make_query(f"backend.{ZONE}", "A")
    try:
        answer = dns.query.udp(question, address, port=port, timeout=1)
    except (dns.exception.DNSException, OSError):
        return 0
    return sum(len(rrset) for rrset in answer.answer)


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
