"""Send random and damaged DNS packets to a running embedded target, and check that they do no harm.

    python -m tests.fuzz.dns 500000 --seed 1

It starts a separate target with varied zones, sends the options number of packets over UDP and (one in a hundred) TCP,
and fails unless the target still answers correctly, every reply was a response to a query, and its memory has not grown
since the caches were full.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

import boto3
import dns.exception
import dns.message
import dns.query
from botocore.config import Config

__all__ = ["main"]

Address = tuple[str, int]

ZONE = "fuzz.example.net"
# This number of packets fills all caches of the target (measured: the resident set is constant from 225,000 on).
WARM_UP = 250_000
# The allowed growth of the resident set after that, since allocators keep reserves; and in runs that are shorter.
ALLOWED_GROWTH_KB = 2_048
SHORT_RUN_GROWTH_KB = 16_384
BATCH = 64
TIMEOUT = 5.0
READ_EVERY = 50
_TYPES = (1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 64, 65, 97, 99, 250, 251, 252, 255, 257)


@dataclass
class Tally:
    """Counts of a run, and the errors found."""

    sent: int = 0
    replies: int = 0
    connections: int = 0
    errors: list[str] = field(default_factory=list)


class Target:
    """An embedded target with a public zone, in a separate process."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "surveyor_emulator", "--clock", "advance", "--no-throttle"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self._endpoint = str(ready["endpoint"])
        self._secret, self._token = str(ready["secret"]), str(ready["token"])
        self._fill()
        name_servers = self._control("name-servers")
        host, port = str(ready["dns"]).rsplit(":", 1)
        self.resolver: Address = (host, int(port))
        self.name_servers: Address = (str(name_servers["address"]), int(name_servers["port"]))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def memory(self) -> int:
        """Return the resident set of the process in kB; raise FileNotFoundError if it has ended."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def is_alive(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def _control(self, path: str, body: dict[str, float] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        with urlopen(Request(f"{self._endpoint}/_surveyor/{path}", data, headers)) as answer:
            document: dict[str, Any] = json.load(answer)
        return document

    def _fill(self) -> None:
        """Create record sets of each kind that the name servers answer with."""
        client: Any = boto3.client(
            "route53",
            endpoint_url=self._endpoint,
            region_name="us-east-1",
            aws_access_key_id="000000000000",
            aws_secret_access_key=self._secret,
            config=Config(proxies={}),
        )
        zone = client.create_hosted_zone(Name=ZONE, CallerReference="fuzz")["HostedZone"]["Id"]
        records: list[dict[str, object]] = [
            _record(f"{name}.{ZONE}", "A", f"192.0.2.{n}", SetIdentifier=str(n), **policy)
            for n in range(12)
            for name, policy in (("m", {"MultiValueAnswer": True}), ("w", {"Weight": n}))
        ]
        records += [
            _record(f"one.{ZONE}", "A", "192.0.2.1"),
            _record(f"c.{ZONE}", "CNAME", f"w.{ZONE}"),
            _record(f"*.wild.{ZONE}", "TXT", *(f'"{n}{"x" * 200}"' for n in range(10))),
            _record(f"a.b.{ZONE}", "SRV", f"1 1 80 one.{ZONE}"),
            _record(f"sub.{ZONE}", "NS", "ns.example.org"),
        ]
        changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
        self._control("clock", {"advance": 60.0})


def _record(name: str, kind: str, *values: str, **more: object) -> dict[str, object]:
    return {"Name": name, "Type": kind, "TTL": 5, "ResourceRecords": [{"Value": value} for value in values]} | more


class Packets:
    """Generates packets: valid queries, damaged queries, and noise."""

    def __init__(self, generator: Random) -> None:
        self._generator = generator
        labels = ("one", "m", "w", "c", "b", "a.b", "x.wild", "sub", "x.sub", "none", "ONE", "*", "")
        self._names = [f"{label}.{ZONE}".strip(".") for label in labels] + ["example.org", "x.elb.amazonaws.com", ""]

    def next(self) -> bytes:
        """Return the next packet."""
        kind = self._generator.random()
        if kind < 0.15:
            return self._generator.randbytes(self._generator.randrange(600))
        packet = self._query()
        return packet if kind < 0.4 else self._damaged(packet)

    def _query(self) -> bytes:
        generator = self._generator
        name = generator.choice(self._names)
        if generator.random() < 0.2:
            name = f"n{generator.randrange(1_000_000)}.{name}"
        wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"
        edns = generator.random() < 0.5
        counts = b"\0\1\0\0\0\0\0\1" if edns else b"\0\1\0\0\0\0\0\0"
        opt = b"\0\0\x29" + generator.randbytes(2) + bytes(6) if edns else b""
        kind = generator.choice(_TYPES).to_bytes(2, "big")
        return generator.randbytes(2) + b"\1\0" + counts + wire + kind + b"\0\1" + opt

    def _damaged(self, packet: bytes) -> bytes:
        generator, damaged = self._generator, bytearray(packet)
        for _ in range(generator.randrange(1, 6)):
            damaged[generator.randrange(len(damaged))] = generator.choice(
                (0, 1, 0x0C, 0x3F, 0x40, 0xC0, 0xFF, generator.randrange(256))
            )
        if generator.random() < 0.3:
            del damaged[generator.randrange(len(damaged)) :]
        if generator.random() < 0.1:
            damaged += generator.randbytes(generator.randrange(40))
        return bytes(damaged)


class Attack:
    """Sends packets in batches, each followed by a valid question; its answer shows that the batch has been read."""

    def __init__(self, target: Target, generator: Random) -> None:
        self._target = target
        self._generator = generator
        self._packets = Packets(generator)
        self._sockets = [_connected(target.resolver), _connected(target.name_servers)]
        self.tally = Tally()

    def send(self, count: int) -> None:
        """Send ``count`` packets, most of them over UDP."""
        goal = self.tally.sent + count
        while self.tally.sent < goal and not self.tally.errors:
            if self._generator.random() < 0.01 * BATCH / 8:
                self._by_tcp()
            self._by_udp(min(BATCH, goal - self.tally.sent))

    def close(self) -> None:
        """Close the sockets."""
        for client in self._sockets:
            client.close()

    def _by_udp(self, count: int) -> None:
        client = self._generator.choice(self._sockets)
        ids = set()
        for _ in range(count):
            packet = self._packets.next()
            ids.add(packet[:2])
            client.send(packet)
        self.tally.sent += count
        marker = dns.message.make_query(f"one.{ZONE}", "A")
        client.send(marker.to_wire())
        limit = time.monotonic() + TIMEOUT
        while time.monotonic() < limit:
            try:
                data = client.recv(65_535)
            except TimeoutError:
                client.send(marker.to_wire())
                continue
            self.tally.replies += 1
            if data[:2] == marker.to_wire()[:2] and marker.is_response(dns.message.from_wire(data)):
                return
            self._check(data, ids)
        self.tally.errors.append(f"no answer within {TIMEOUT} s after packet {self.tally.sent}")

    def _by_tcp(self) -> None:
        """Send frames that are valid, invalid, or incomplete; the target may close the connection."""
        generator = self._generator
        self.tally.connections += 1
        with socket.create_connection(self._target.name_servers, timeout=TIMEOUT) as client:
            for _ in range(generator.randrange(8)):
                packet = self._packets.next()
                length = len(packet) if generator.random() < 0.9 else generator.randrange(65_536)
                try:
                    client.sendall(length.to_bytes(2, "big") + packet)
                except OSError:
                    return
                self.tally.sent += 1

    def _check(self, data: bytes, ids: set[bytes]) -> None:
        """Check that a reply is a response to a query; dnspython reads a sample of the replies in full."""
        if data[:2] not in ids and self.tally.replies > 1 and not data[2] & 0x80:
            self.tally.errors.append(f"a reply to no query: {data.hex()}")
        if self.tally.replies % READ_EVERY == 0:
            try:
                dns.message.from_wire(data)
            except dns.exception.DNSException as error:
                self.tally.errors.append(f"a reply that cannot be read ({error}): {data.hex()}")


def main(arguments: Sequence[str]) -> int:
    """Run the fuzzer; return 0 if the target was not harmed, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.dns", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("count", type=int, help="how many packets to send")
    parser.add_argument(
        "--seed", type=int, default=time.time_ns() % 1_000_000, help="of the packets (picked by the clock)"
    )
    options = parser.parse_args(arguments)
    report(f"seed {options.seed}")
    began = time.monotonic()
    with Target() as target:
        attack = Attack(target, Random(options.seed))
        warm_up = min(WARM_UP, options.count // 2)
        attack.send(warm_up)
        before = target.memory()
        attack.send(options.count - attack.tally.sent)
        tally = attack.tally
        attack.close()
        after = target.memory() if target.is_alive() else 0
        errors = tally.errors + _check_answers(target)
    seconds = time.monotonic() - began
    report(f"{tally.sent} packets, {tally.connections} TCP connections, {tally.replies} replies in {seconds:.0f} s")
    report(f"resident set {before} kB after the warm-up, {after} kB at the end")
    allowed = ALLOWED_GROWTH_KB if warm_up == WARM_UP else SHORT_RUN_GROWTH_KB
    if after - before > allowed:
        errors.append(f"memory grew by {after - before} kB, more than {allowed}")
    for error in errors:
        report(f"FAILED: {error}")
    return 1 if errors else 0


def report(text: str) -> None:
    """Print one line immediately."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _check_answers(target: Target) -> list[str]:
    """Return no error if both servers answer correctly over UDP and TCP, else the first error."""
    if not target.is_alive():
        return ["the target has ended"]
    asks: tuple[Callable[..., dns.message.Message], ...] = (dns.query.udp, dns.query.tcp)
    for host, port in (target.resolver, target.name_servers):
        for ask in asks:
            reply = ask(dns.message.make_query(f"m.{ZONE}", "A"), host, port=port, timeout=TIMEOUT)
            if len(reply.answer) != 1 or len(reply.answer[0]) != 8:
                return [f"expected one record set of 8 addresses from {host}:{port}, got: {reply.to_text()}"]
    return []


def _connected(address: Address) -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    client.connect(address)
    client.settimeout(TIMEOUT / 5)
    return client


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
