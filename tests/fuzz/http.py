"""Sends random and damaged HTTP requests at a running embedded target, and checks that it takes no harm.

    python -m tests.fuzz.http 500000 --seed 1

It starts a target of its own, sends that many requests over raw sockets, and fails unless every whole request is
answered in time, none with a status of 500, the target still answers right, and its memory has stopped growing.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import cbor2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader

__all__ = ["main"]

# Registered things fill up to their quotas, operations to what is kept of them; after that nothing may be added.
WARM_UP = 0.5
ALLOWED_GROWTH_KB = 6_144
SHORT_RUN_GROWTH_KB = 49_152
PATIENCE = 5.0  # wall seconds for one answer
PIPELINED = 8
MODEL = Loader().load_service_model("servicediscovery", "service-2")
TARGET = MODEL["metadata"]["targetPrefix"]
NAMES = sorted(MODEL["operations"])
WORDS = [
    "",
    "x",
    "a" * 2000,
    "arn:aws:x",
    "\u00e9",
    "\x00",
    "10.0.0.1",
    "::1",
    "8080",
    "HEALTHY",
    "DNS_PUBLIC",
    "A",
    "EQ",
]
XML = [b"<a", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a>" * 500, b"<?xml version='1.0'?><x/>", b"\xff\xfe<"]


class Fuzzer:
    """Makes requests; all chance comes from the seed."""

    def __init__(self, chance: Random, host: str, port: int) -> None:
        self.chance = chance
        self.host = f"{host}:{port}"
        self.kinds: list[Callable[[], bytes]] = [
            *([self.unsigned_json] * 6),
            *([self.cbor] * 2),
            self.rest,
            self.query,
            self.control,
            self.garbage,
            self.damaged,
            self.absolute,
        ]
        self.valid = [self.signed(name) for name in NAMES for _ in range(4)]

    def request(self) -> bytes:
        """One whole request, or something that only looks like one."""
        return self.chance.choice([*self.kinds, self.replayed])()

    def head(self, method: str, path: str, body: bytes, *headers: str) -> bytes:
        """A request with its length."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *headers, f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body

    def replayed(self) -> bytes:
        """A request with a good signature."""
        return self.chance.choice(self.valid)

    def signed(self, operation: str) -> bytes:
        """Parameters after the model, rightly signed: this reaches the handlers."""
        body = json.dumps(self.params(MODEL["operations"][operation]["input"]["shape"])).encode()
        request = AWSRequest(
            "POST", f"http://{self.host}/", headers={"X-Amz-Target": f"{TARGET}.{operation}"}, data=body
        )
        SigV4Auth(Credentials("000000000000", "surveyor"), "servicediscovery", "us-east-1").add_auth(request)
        return self.head("POST", "/", body, *(f"{name}: {value}" for name, value in request.headers.items()))

    def unsigned_json(self) -> bytes:
        """Any operation with near-right, wrong or broken JSON; the target under test does not check signatures."""
        operation = self.chance.choice([*NAMES, "Nothing", ""])
        shape = MODEL["operations"].get(operation, {"input": {"shape": "CreateServiceRequest"}})["input"]["shape"]
        body = json.dumps(self.params(shape) if self.chance.random() < 0.8 else self.value(3)).encode()
        if self.chance.random() < 0.2:
            body = self.mutated(body)
        scope = (
            "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/servicediscovery/aws4_request"
        )
        return self.head(
            "POST", "/", body, f"X-Amz-Target: {TARGET}.{operation}", f"{scope}, SignedHeaders=host, Signature=0"
        )

    def cbor(self) -> bytes:
        """Smithy RPC v2, right or broken."""
        operation = self.chance.choice(NAMES)
        body = cbor2.dumps(self.params(MODEL["operations"][operation]["input"]["shape"]))
        body = body if self.chance.random() < 0.5 else self.mutated(body)
        return self.head("POST", f"/service/{TARGET}/operation/{operation}", body, "smithy-protocol: rpc-v2-cbor")

    def rest(self) -> bytes:
        """Route 53's paths with any XML."""
        path = self.chance.choice(["hostedzone", "hostedzone/Z1/rrset", "healthcheck", "change/C1", "%00/..", "?a=%zz"])
        method = self.chance.choice(["GET", "POST", "DELETE", "PUT"])
        scope = "Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/route53/aws4_request"
        return self.head(
            method, f"/2013-04-01/{path}", self.chance.choice(XML), f"{scope}, SignedHeaders=host, Signature=0"
        )

    def query(self) -> bytes:
        """EC2's and STS's forms."""
        service = self.chance.choice(["ec2", "sts"])
        action = self.chance.choice(["DescribeVpcs", "CreateVpc", "GetCallerIdentity", "Nothing"])
        rest = self.chance.choice(["", "&VpcId.1=vpc-1", "&Filter.1.Name=x&Filter.1.Value.99999=y", "&a=%ff", "&=&&="])
        scope = f"Authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{service}/aws4_request"
        body = f"Action={action}&Version=2016-11-15{rest}".encode()
        return self.head("POST", "/", body, f"{scope}, SignedHeaders=host, Signature=0")

    def control(self) -> bytes:
        """The control endpoint, but for advancing far."""
        path = self.chance.choice(
            ["clock", "resolvers?vpc=x", "resolvers?account=1", "name-servers", "settings", "none"]
        )
        body = self.chance.choice(
            [b"", b"{}", b'{"advance": -1}', b'{"advance": 3}', b'{"advance": "x"}', b"[", b"\xff"]
        )
        return self.head(self.chance.choice(["GET", "POST", "PATCH"]), f"/_surveyor/{path}", body)

    def absolute(self) -> bytes:
        """A target with scheme and host, and methods that nobody has."""
        method = self.chance.choice(["GET", "OPTIONS", "HEAD", "TRACE", "POST"])
        return self.head(method, f"http://elsewhere:1/{self.chance.choice(WORDS[:3])}", b"")

    def damaged(self) -> bytes:
        """A good request with a few bytes changed."""
        return self.mutated(self.chance.choice(self.valid))

    def garbage(self) -> bytes:
        """Anything at all."""
        return self.chance.randbytes(self.chance.randrange(1, 400))

    def mutated(self, data: bytes) -> bytes:
        """Flipped, dropped, doubled bytes."""
        changed = bytearray(data)
        for _ in range(self.chance.randrange(1, 6)):
            at = self.chance.randrange(len(changed) + 1)
            changed[at : at + self.chance.randrange(3)] = self.chance.randbytes(self.chance.randrange(4))
        return bytes(changed)

    def params(self, name: str) -> object:
        """A value for a shape of the model, right more often than not."""
        if self.chance.random() < 0.03:
            return self.value(2)
        shape = MODEL["shapes"][name]
        match shape["type"]:
            case "structure":
                required = shape.get("required", [])
                chosen = {
                    key: one for key, one in shape["members"].items() if key in required or self.chance.random() < 0.4
                }
                return {key: self.params(one["shape"]) for key, one in chosen.items()}
            case "list":
                return [self.params(shape["member"]["shape"]) for _ in range(self.chance.randrange(3))]
            case "map":
                return {str(self.params(shape["key"]["shape"])): self.params(shape["value"]["shape"])}
            case "integer" | "long":
                return self.chance.choice([0, 1, 60, 100, 1000, -1, 2**31, 2**63])
            case _:
                return self.chance.choice(shape.get("enum", WORDS))

    def value(self, depth: int) -> object:
        """Any JSON."""
        kinds: list[Callable[[], object]] = [
            lambda: None,
            lambda: True,
            lambda: 1e308,
            lambda: self.chance.choice(WORDS),
        ]
        if depth:
            kinds += [lambda: [self.value(depth - 1)] * 3, lambda: {"a": self.value(depth - 1)}]
        return self.chance.choice(kinds)()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz a target of its own; 0 if it took no harm, 1 with the reason if it did."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.http", description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, help="requests to send")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (%(default)s)")
    given = parser.parse_args(arguments)
    sys.stdout.write(f"seed {given.seed}\n")
    argv = [sys.executable, "-m", "surveyor.emulator", "--clock", "advance", "--no-signatures", "--no-throttle"]
    target = subprocess.Popen([*argv, "--die-with-parent"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert target.stdout is not None
    assert target.stderr is not None
    try:
        ready = json.loads(target.stdout.readline())
        host, _, port = ready["endpoint"].removeprefix("http://").rpartition(":")
        return _fuzz(Fuzzer(Random(given.seed), host, int(port)), (host, int(port)), target.pid, given.count)
    finally:
        target.terminate()
        _, said = target.communicate(timeout=10)
        if said:
            sys.stdout.write(f"the target said:\n{said[-2000:]}\n")


def _fuzz(fuzzer: Fuzzer, address: tuple[str, int], pid: int, count: int) -> int:
    statuses: Counter[str] = Counter()
    sent, warm, began = 0, 0, time.monotonic()
    while sent < count:
        batch = [fuzzer.request() for _ in range(fuzzer.chance.randrange(1, PIPELINED))]
        sent += len(batch)
        statuses.update(_talk(address, batch))
        if statuses["500"] or statuses["hang"]:
            sys.stdout.write(f"harm within the {sent} first requests: {dict(statuses)}\n")
            return 1
        if not warm and sent >= count * WARM_UP:
            warm = _resident(pid)
    end = _resident(pid)
    sys.stdout.write(f"{sent} requests in {time.monotonic() - began:.0f} s, answers by status: {dict(statuses)}\n")
    sys.stdout.write(f"resident set {warm} kB half-way, {end} kB at the end\n")
    request = fuzzer.head("GET", "/_surveyor/health", b"", "Connection: close")
    if _talk(address, [request]) != ["200"]:
        sys.stdout.write("the target does not answer any more\n")
        return 1
    allowed = ALLOWED_GROWTH_KB if count >= 200_000 else SHORT_RUN_GROWTH_KB
    return 0 if end - warm <= allowed else 1


def _talk(address: tuple[str, int], batch: list[bytes]) -> list[str]:
    """Send one after another over one connection; the status of each answer, "hang" where one is owed and none came.

    A request that is not whole makes the server wait for the rest, so the sending side is closed at the end.
    """
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        received = b""
        try:
            connection.sendall(b"".join(batch))
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(1 << 16):
                received += data
        except TimeoutError:
            return ["hang"]
        except OSError:  # closed by the server in the middle of what was sent: a refusal
            pass
    return [
        part[:3].decode("latin-1")
        for part in received.split(b"HTTP/1.1 ")[1:]
        if part[:3].isdigit() and part[:3] != b"100"
    ]


def _resident(pid: int) -> int:
    """Resident memory, kB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
