"""Sends random and damaged DNS packets at a running embedded target, and checks that it takes no harm.

    python -m tests.fuzz.dns 500000 --seed 1

It starts a target of its own with zones worth asking about, sends that many packets over UDP and (one in a hundred)
TCP, and fails unless the target still answers right, every reply it sent was a response to what was asked, and its
memory has not grown since the caches were full.
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

ZONE = "fuzz.example.com"
# So many packets fill all that the target remembers (measured: the resident set stands still from 225,000 on).
WARM_UP = 250_000
# What may be added to the resident set after that, since allocators keep some room; and in runs too short for it.
ALLOWED_GROWTH_KB = 2_048
SHORT_RUN_GROWTH_KB = 16_384
BATCH = 64
PATIENCE = 5.0
READ_EVERY = 50
_TYPES = (1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 64, 65, 97, 99, 250, 251, 252, 255, 257)


@dataclass
class Tally:
    """What happened."""

    sent: int = 0
    replies: int = 0
    connections: int = 0
    wrong: list[str] = field(default_factory=list)


class Target:
    """An embedded target with a public zone, in a process of its own."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "surveyor_emulator", "--clock", "advance"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self._endpoint = str(ready["endpoint"])
        self._secret = str(ready["secret"])
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
        """Its resident set in kB; ends the run if the process is gone."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def _control(self, path: str, body: dict[str, float] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        with urlopen(Request(f"{self._endpoint}/_surveyor/{path}", data=data)) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _fill(self) -> None:
        """Record sets of each kind that answers are made of."""
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
    """Packets to send: whole queries, damaged ones, and noise."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        labels = ("one", "m", "w", "c", "b", "a.b", "x.wild", "sub", "x.sub", "none", "ONE", "*", "")
        self._names = [f"{label}.{ZONE}".strip(".") for label in labels] + ["example.org", "x.elb.amazonaws.com", ""]

    def next(self) -> bytes:
        """The next one."""
        kind = self._chance.random()
        if kind < 0.15:
            return self._chance.randbytes(self._chance.randrange(600))
        packet = self._query()
        return packet if kind < 0.4 else self._damaged(packet)

    def _query(self) -> bytes:
        chance = self._chance
        name = chance.choice(self._names)
        if chance.random() < 0.2:
            name = f"n{chance.randrange(1_000_000)}.{name}"
        wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"
        edns = chance.random() < 0.5
        counts = b"\0\1\0\0\0\0\0\1" if edns else b"\0\1\0\0\0\0\0\0"
        opt = b"\0\0\x29" + chance.randbytes(2) + bytes(6) if edns else b""
        kind = chance.choice(_TYPES).to_bytes(2, "big")
        return chance.randbytes(2) + b"\1\0" + counts + wire + kind + b"\0\1" + opt

    def _damaged(self, packet: bytes) -> bytes:
        chance, damaged = self._chance, bytearray(packet)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.choice(
                (0, 1, 0x0C, 0x3F, 0x40, 0xC0, 0xFF, chance.randrange(256))
            )
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        if chance.random() < 0.1:
            damaged += chance.randbytes(chance.randrange(40))
        return bytes(damaged)


class Attack:
    """Sends packets in batches, and a question behind each batch whose answer shows that all of it has been read."""

    def __init__(self, target: Target, chance: Random) -> None:
        self._target = target
        self._chance = chance
        self._packets = Packets(chance)
        self._sockets = [_connected(target.resolver), _connected(target.name_servers)]
        self.tally = Tally()

    def send(self, count: int) -> None:
        """So many packets, most by UDP."""
        goal = self.tally.sent + count
        while self.tally.sent < goal and not self.tally.wrong:
            if self._chance.random() < 0.01 * BATCH / 8:
                self._by_tcp()
            self._by_udp(min(BATCH, goal - self.tally.sent))

    def close(self) -> None:
        """Close the sockets."""
        for client in self._sockets:
            client.close()

    def _by_udp(self, count: int) -> None:
        client = self._chance.choice(self._sockets)
        ids = set()
        for _ in range(count):
            packet = self._packets.next()
            ids.add(packet[:2])
            client.send(packet)
        self.tally.sent += count
        proof = dns.message.make_query(f"one.{ZONE}", "A")
        client.send(proof.to_wire())
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            try:
                data = client.recv(65_535)
            except TimeoutError:
                client.send(proof.to_wire())
                continue
            self.tally.replies += 1
            if data[:2] == proof.to_wire()[:2] and proof.is_response(dns.message.from_wire(data)):
                return
            self._check(data, ids)
        self.tally.wrong.append(f"no answer within {PATIENCE} s behind packet {self.tally.sent}")

    def _by_tcp(self) -> None:
        """Frames that are right, wrong, or never end; the connection may just be dropped."""
        chance = self._chance
        self.tally.connections += 1
        with socket.create_connection(self._target.name_servers, timeout=PATIENCE) as client:
            for _ in range(chance.randrange(8)):
                packet = self._packets.next()
                length = len(packet) if chance.random() < 0.9 else chance.randrange(65_536)
                try:
                    client.sendall(length.to_bytes(2, "big") + packet)
                except OSError:
                    return
                self.tally.sent += 1

    def _check(self, data: bytes, ids: set[bytes]) -> None:
        """A reply is a response, and to something that was asked; now and then dnspython reads all of it."""
        if data[:2] not in ids and self.tally.replies > 1 and not data[2] & 0x80:
            self.tally.wrong.append(f"a reply that answers nothing: {data.hex()}")
        if self.tally.replies % READ_EVERY == 0:
            try:
                dns.message.from_wire(data)
            except dns.exception.DNSException as problem:
                self.tally.wrong.append(f"a reply that cannot be read ({problem}): {data.hex()}")


def main(arguments: Sequence[str]) -> int:
    """Run; returns 0 if the target took no harm, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.dns", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("count", type=int, help="how many packets to send")
    parser.add_argument(
        "--seed", type=int, default=time.time_ns() % 1_000_000, help="of the packets (picked by the clock)"
    )
    given = parser.parse_args(arguments)
    say(f"seed {given.seed}")
    began = time.monotonic()
    with Target() as target:
        attack = Attack(target, Random(given.seed))
        warm_up = min(WARM_UP, given.count // 2)
        attack.send(warm_up)
        before = target.memory()
        attack.send(given.count - attack.tally.sent)
        tally = attack.tally
        attack.close()
        after = target.memory() if target.alive() else 0
        problems = tally.wrong + _still_answers(target)
    seconds = time.monotonic() - began
    say(f"{tally.sent} packets, {tally.connections} TCP connections, {tally.replies} replies in {seconds:.0f} s")
    say(f"resident set {before} kB after the warm-up, {after} kB at the end")
    allowed = ALLOWED_GROWTH_KB if warm_up == WARM_UP else SHORT_RUN_GROWTH_KB
    if after - before > allowed:
        problems.append(f"memory grew by {after - before} kB, more than {allowed}")
    for problem in problems:
        say(f"FAILED: {problem}")
    return 1 if problems else 0


def say(text: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _still_answers(target: Target) -> list[str]:
    """Right answers over UDP and TCP at both servers, or what is wrong."""
    if not target.alive():
        return ["the target has ended"]
    asks: tuple[Callable[..., dns.message.Message], ...] = (dns.query.udp, dns.query.tcp)
    for host, port in (target.resolver, target.name_servers):
        for ask in asks:
            reply = ask(dns.message.make_query(f"m.{ZONE}", "A"), host, port=port, timeout=PATIENCE)
            if len(reply.answer) != 1 or len(reply.answer[0]) != 8:
                return [f"a wrong answer at {host}:{port}: {reply.to_text()}"]
    return []


def _connected(address: Address) -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    client.connect(address)
    client.settimeout(PATIENCE / 5)
    return client


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
