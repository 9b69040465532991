"""Generate requests for the HTTP fuzzer, damaged ones and valid ones, for every service and every protocol.

Parameters follow botocore's models, more often valid than not, and use ids from earlier answers, so that operations
find each other's resources. All randomness is from one seeded generator.
"""

from __future__ import annotations

import functools
import json
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from random import Random
from typing import Any
from urllib.parse import urlencode

import cbor2
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.serialize import create_serializer

from surveyor_emulator.server.services import SERVICES

__all__ = ["Requests", "Sent"]

SECRET = "surveyor"
ACCOUNTS = ("000000000000", "111111111111")
CLOUDMAP_PREFIX = "Route53AutoNaming_v20170314"
WORDS = (
    *("", "x", "a" * 2_000, "\u00e9", "\x00", "\ud7ff\uffff", "a\r\nb", "*a*a*a*a?", "-1", "1e9", "true", "<&>"),
    *("10.0.0.1", "10.0.0.0/16", "10.0.0.0/24", "::1", "8080", "a.example.net", "_x._tcp.example.net", "arn:aws:x"),
    *("HEALTHY", "DNS_PUBLIC", "A", "EQ", "CREATE", "UPSERT", "us-east-1", "ami-12345678", "vpc", "example.net."),
)
NUMBERS = (0, 1, 2, 5, 60, 100, 1_000, -1, 2**31, 2**63 - 1)
# Plausible texts by the end of a member's name, with ids by their prefix; the first match is used.
PLAUSIBLE_TEXTS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("CreatorRequestId", ("1", "2", "3")),
    ("NamespaceId", ("ns-",)),
    ("ServiceId", ("srv-",)),
    ("InstanceId", ("i-1", "i-2", "i-0")),
    ("VpcId", ("vpc-",)),
    ("VPCId", ("vpc-",)),
    ("SubnetId", ("subnet-",)),
    ("HostedZoneId", ("Z",)),
    ("HealthCheckId", ("-",)),
    ("OperationId", ("-",)),
    ("ResourceARN", ("arn:",)),
    ("Resources", ("vpc-", "subnet-", "i-0")),
    ("Id", ("ns-", "srv-", "Z", "C")),
    ("DNSName", ("a.example.net",)),
    ("NamespaceName", ("example.net", "inner")),
    ("ServiceName", ("web", "api")),
    ("Name", ("example.net", "web", "a.example.net.", "inner", "vpc-id")),
    ("RecordValue", ("10.0.0.1",)),
    ("Value", ("10.0.0.1", "1 1 80 a.example.net", "80")),
    ("CidrBlock", ("10.0.0.0/16", "10.0.0.0/24")),
    ("VPCRegion", ("us-east-1",)),
    ("ImageId", ("ami-12345678",)),
    ("IPAddress", ("127.0.0.1",)),
    ("key", ("AWS_INSTANCE_IPV4", "AWS_INSTANCE_PORT", "colour")),
    ("value", ("10.0.0.1", "8080", "red")),
    ("family", ("web", "x")),
    ("serviceName", ("web", "x")),
    ("service", ("web", "x")),
    ("taskDefinition", ("web", "web:1", "x")),
    ("registryArn", ("arn:aws:servicediscovery:us-east-1:000000000000:service/srv-x",)),
    ("", ("x", "a", "1")),
)
_IDS = re.compile(
    rb"(?:ns|srv)-[a-z0-9]{16}|(?:vpc|subnet|i|r)-0[0-9a-f]{16}|Z[A-Z0-9]{12,20}|C[A-Z0-9]{12,20}"
    rb"|[a-z0-9]{32}-[a-z0-9]{8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|arn:aws:[a-zA-Z0-9:/-]{10,80}"
)
_XML = (b"<a", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a>" * 500, b"<?xml version='1.0'?><x/>", b"\xff\xfe<")
_CONTROL = ("clock", "resolvers?vpc=x", "resolvers?account=1", "resolvers", "name-servers", "settings", "none")
_ADVANCES = (
    b"",
    b"{}",
    b'{"advance": -1}',
    b'{"advance": 3}',
    b'{"advance": "x"}',
    b"[",
    b"\xff",
    b'{"advance": 1e99}',
)


@dataclass(frozen=True)
class Sent:
    """Bytes for one connection.

    ``complete`` is true if a server must answer: they contain one complete request, or exceed a limit of the server.
    """

    data: bytes
    complete: bool


class Requests:
    """Generates requests for the server at ``host``; ``token``: that of its control endpoint."""

    def __init__(self, generator: Random, host: str, token: str) -> None:
        self._generator = generator
        self._host = host
        self._token = token
        self._ids: deque[str] = deque(maxlen=400)
        self._plausible = True
        self._kinds: list[Callable[[], Sent]] = [
            *([lambda: self._json("servicediscovery")] * 6),
            *([lambda: self._json("ecs")] * 3),
            *([self._cbor] * 2),
            *([self._xml_service] * 5),
            self._malformed_xml,
            self._control,
            self._absolute,
            self._chunked,
            self._oversized,
            self._garbage,
            self._damaged,
            self._half,
        ]

    def next(self) -> Sent:
        """Return another request."""
        return self._generator.choice(self._kinds)()

    def collect_ids(self, answer: bytes) -> None:
        """Remember the ids in an answer."""
        found = _IDS.findall(answer[:20_000])
        self._ids.extend(identity.decode() for identity in found[:10])

    def health(self) -> Sent:
        """Return a request that a healthy target answers with 200."""
        return self._head("GET", "/_surveyor/health", b"", "Connection: close")

    # Complete requests

    def _json(self, service: str) -> Sent:
        """Return any operation in JSON: plausible, invalid or broken. No generated command is a program."""
        operation = self._operation(service)
        name = operation.name if self._often(0.97) else self._generator.choice(["Nothing", ""])
        params = self._params(operation.input_shape) if self._often(0.9) else self._anything(3)
        body = json.dumps(params, default=str).encode()
        if self._often(0.15):
            body = self._mutate(body)
        prefix = operation.service_model.metadata["targetPrefix"]
        return self._post(service, "POST", "/", body, {"X-Amz-Target": f"{prefix}.{name}"})

    def _cbor(self) -> Sent:
        """Return a request in Smithy RPC v2, valid or broken."""
        operation = self._operation("servicediscovery")
        body = cbor2.dumps(self._params(operation.input_shape))
        body = body if self._often(0.6) else self._mutate(body)
        path = f"/service/{CLOUDMAP_PREFIX}/operation/{operation.name}"
        return self._post("servicediscovery", "POST", path, body, {"smithy-protocol": "rpc-v2-cbor"})

    def _xml_service(self) -> Sent:
        """Return a request to Route 53, EC2 or STS as botocore writes it, sometimes damaged."""
        operation = self._operation(self._generator.choice(["route53", "route53", "ec2", "sts"]))
        service = operation.service_model
        params: Any = self._params(operation.input_shape, typed=True)
        serializer = create_serializer(service.protocol, include_validation=False)
        written: dict[str, Any] = serializer.serialize_to_request(params, operation)
        body, query = written["body"], written["query_string"]
        data = urlencode(body).encode() if isinstance(body, dict) else body or b""
        data = data.encode() if isinstance(data, str) else data
        if data and self._often(0.15):
            data = self._mutate(data)
        path = written["url_path"] + (f"?{urlencode(query)}" if query else "")
        return self._post(service.service_name, written["method"], path, data, {})

    def _malformed_xml(self) -> Sent:
        """Return a request to a path of Route 53 with any XML."""
        path = self._generator.choice(
            ["hostedzone", "hostedzone/Z1/rrset", "healthcheck", "change/C1", "%00/..", "?a=%zz"]
        )
        method = self._generator.choice(["GET", "POST", "DELETE", "PUT"])
        return self._post("route53", method, f"/2013-04-01/{path}", self._generator.choice(_XML), {})

    def _control(self) -> Sent:
        """Return a request to the control endpoint that does not advance far."""
        method = self._generator.choice(["GET", "POST", "PATCH"])
        headers = [
            f"Authorization: Bearer {self._token if self._often(0.9) else 'x'}",
            f"Content-Type: {'application/json' if self._often(0.9) else 'text/plain'}",
            *([] if self._often(0.95) else ["Origin: http://elsewhere"]),
        ]
        path = f"/_surveyor/{self._generator.choice(_CONTROL)}"
        return self._head(method, path, self._generator.choice(_ADVANCES), *headers)

    def _absolute(self) -> Sent:
        """Return a request whose target has scheme and host, with common and unusual methods."""
        method = self._generator.choice(["GET", "OPTIONS", "HEAD", "TRACE", "POST"])
        host = self._host if self._often(0.5) else "elsewhere:1"
        return self._head(method, f"http://{host}/{self._generator.choice(['', 'x', 'a' * 2_000])}", b"")

    def _chunked(self) -> Sent:
        """Return a body in chunks, with valid or invalid sizes."""
        head = f"POST / HTTP/1.1\r\nHost: {self._host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        valid = b"".join(b"%x\r\n%s\r\n" % (size, b"a" * size) for size in (1, 9, 30)) + b"0\r\n\r\n"
        invalid = self._generator.choice([b"ZZ\r\na\r\n", b"-1\r\na\r\n", b"1\r\nabc\r\n", b"fffffffffffffffff\r\n"])
        return Sent(head + (valid if self._often(0.5) else invalid), complete=True)

    def _oversized(self) -> Sent:
        """Return more than the server accepts: a target, headers, or a body that is only announced."""
        start = f"POST / HTTP/1.1\r\nHost: {self._host}\r\n".encode()
        announced = self._generator.choice([b"4194305", b"99999999999999999999", b"-1", b"1x"])
        return Sent(
            self._generator.choice(
                [
                    b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\n\r\n",
                    start + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
                    start + b"X-A: a\r\n" * 9_000 + b"\r\n",
                    start + b"Content-Length: " + announced + b"\r\n\r\n",
                    start + b"Expect: 100-continue\r\nContent-Length: 9000000\r\n\r\n",
                ]
            ),
            complete=True,
        )

    # Incomplete requests, which need not be answered

    def _garbage(self) -> Sent:
        """Return random bytes."""
        return Sent(self._generator.randbytes(self._generator.randrange(1, 400)), complete=False)

    def _damaged(self) -> Sent:
        """Return a valid request with a few bytes changed."""
        return Sent(self._mutate(self._json("servicediscovery").data), complete=False)

    def _half(self) -> Sent:
        """Return the beginning of a valid request."""
        data = self._xml_service().data
        return Sent(data[: self._generator.randrange(1, len(data))], complete=False)

    # Parts of requests

    def _post(self, service: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> Sent:
        """Return a request that is signed, or has an invalid signature, or none."""
        account, choice = ACCOUNTS[self._often(0.1)], self._generator.random()
        if choice < 0.05:
            return self._head(method, path, body, *(f"{name}: {value}" for name, value in headers.items()))
        if choice < 0.25:
            request = AWSRequest(method, f"http://{self._host}{path}", headers=dict(headers), data=body)
            SigV4Auth(Credentials(account, SECRET), service, "us-east-1").add_auth(request)
            return self._head(method, path, body, *(f"{name}: {value}" for name, value in request.headers.items()))
        scope = f"Credential={account}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        lines = [f"{name}: {value}" for name, value in headers.items()]
        return self._head(method, path, body, f"Authorization: AWS4-HMAC-SHA256 {scope}", *lines)

    def _head(self, method: str, path: str, body: bytes, *headers: str) -> Sent:
        """Return a request with its length."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", *headers, f"Content-Length: {len(body)}"]
        return Sent(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body, complete=True)

    def _operation(self, service: str) -> OperationModel:
        """Return a supported operation, occasionally an unsupported one; rarely one that deletes."""
        model = _model(service)
        if self._often(0.02):
            return model.operation_model(self._generator.choice(model.operation_names))
        names = sorted(import_module(f"surveyor_emulator.aws.{SERVICES[service].handlers}").HANDLERS)
        name = self._generator.choice(names)
        return model.operation_model(self._generator.choice(names) if name.startswith("De") else name)

    def _params(self, shape: Shape | None, *, typed: bool = False) -> object:
        """Return plausible parameters or, half of the time, hostile ones; of the model's types if ``typed``."""
        if shape is None:
            return {}
        self._plausible = self._often(0.5)
        return self._value(shape, 0.0 if typed or self._plausible else 0.05)

    def _value(self, shape: Shape, invalid: float, name: str = "") -> object:
        """Return a value for a shape; each part is something else with probability ``invalid``."""
        if self._often(invalid):
            return self._anything(2)
        if isinstance(shape, StructureShape):
            required = shape.required_members
            share = 0.5 if self._plausible else 0.3
            members = {key: member for key, member in shape.members.items() if key in required or self._often(share)}
            return {key: self._value(member, invalid, key) for key, member in members.items()}
        if isinstance(shape, ListShape):
            return [self._value(shape.member, invalid, name) for _ in range(self._generator.choice([0, 1, 1, 2]))]
        if isinstance(shape, MapShape):
            return {
                str(self._value(shape.key, 0.0, "key")): self._value(shape.value, invalid, "value")
                for _ in range(self._generator.choice([0, 1, 2]))
            }
        return self._scalar(shape, name)

    def _scalar(self, shape: Shape, name: str) -> object:
        kind = shape.type_name
        if kind in ("integer", "long"):
            minimum, maximum = shape.metadata.get("min", 1), shape.metadata.get("max", 10_000)
            return self._generator.randint(minimum, maximum) if self._plausible else self._generator.choice(NUMBERS)
        if kind == "boolean":
            return self._often(0.5 if name != "DryRun" else 0.1)
        if kind == "timestamp":
            return datetime.fromtimestamp(self._generator.randrange(2**31), UTC)
        if kind in ("float", "double"):
            return self._generator.uniform(-1e6, 1e6)
        if isinstance(shape, StringShape) and shape.enum and (self._plausible or self._often(0.8)):
            return self._generator.choice(shape.enum)
        if self._plausible:
            plausible = next(texts for end, texts in PLAUSIBLE_TEXTS if name.endswith(end))
            known = [identity for identity in self._ids if identity.startswith(plausible)]
            # The latest ids, since their resources still exist.
            return self._generator.choice(known[-5:] or plausible)
        return self._generator.choice([*WORDS, *self._ids])

    def _anything(self, depth: int) -> object:
        """Return any JSON value."""
        plain: Sequence[object] = (None, True, 1e308, -1, self._generator.choice(WORDS))
        kinds: list[Callable[[], object]] = [lambda: self._generator.choice(plain)] * 3
        if depth:
            kinds += [lambda: [self._anything(depth - 1)] * 3, lambda: {"a": self._anything(depth - 1)}]
        return self._generator.choice(kinds)()

    def _mutate(self, data: bytes) -> bytes:
        """Return the data with bytes changed, dropped and added."""
        changed = bytearray(data)
        for _ in range(self._generator.randrange(1, 6)):
            at = self._generator.randrange(len(changed) + 1)
            changed[at : at + self._generator.randrange(3)] = self._generator.randbytes(self._generator.randrange(4))
        return bytes(changed)

    def _often(self, share: float) -> bool:
        return self._generator.random() < share


@functools.cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)
