"""However a request is written: what is carried out is what permission was asked for."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import cbor2
import pytest

from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.gateway import Gateway

ACCOUNT, REGION = "222233334444", "us-east-1"
FORM, JSON = "application/x-www-form-urlencoded", "application/x-amz-json-1.1"
ALLOWED = {"Action": "GetUser", "Version": "2010-05-08"}


@dataclass(frozen=True)
class Target:
    """An operation that the caller must not reach, and one that it may reach or that changes nothing."""

    service: str
    prefix: str
    forbidden: str
    params: Mapping[str, Any]
    harmless: str
    count: Callable[[], int]
    """Return how often the operation has been carried out."""


def _iam() -> int:
    return len(moto_store.backend(ACCOUNT).users["admin"].access_keys)


def _events() -> int:
    from moto.events.models import events_backends

    return len(events_backends[ACCOUNT][REGION].describe_event_bus("default").rules)


def _logs() -> int:
    from moto.logs.models import logs_backends

    return len(logs_backends[ACCOUNT][REGION].groups)


def _sqs() -> int:
    from moto.sqs.models import sqs_backends

    return len(sqs_backends[ACCOUNT][REGION].queues)


def _authorities() -> int:
    from moto.acmpca.models import acmpca_backends

    return len(acmpca_backends[ACCOUNT][REGION].certificate_authorities)


AUTHORITY = {
    "CertificateAuthorityType": "ROOT",
    "CertificateAuthorityConfiguration": {
        "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA", "Subject": {"CommonName": "x"},
    },
}  # fmt: skip
TARGETS = [
    Target("iam", "", "CreateAccessKey", {"UserName": "admin"}, "GetUser", _iam),
    Target("events", "AWSEvents", "PutRule", {"Name": "r", "ScheduleExpression": "rate(1 day)"}, "ListRules", _events),
    Target("logs", "Logs_20140328", "CreateLogGroup", {"logGroupName": "g"}, "DescribeLogGroups", _logs),
    Target("sqs", "AmazonSQS", "CreateQueue", {"QueueName": "q"}, "ListQueues", _sqs),
    Target(
        "acm-pca", "ACMPrivateCA", "CreateCertificateAuthority", AUTHORITY, "ListCertificateAuthorities", _authorities
    ),
]


class Caller:
    """A gateway that believes any signature, called with the key of a user who has only ``iam:GetUser``."""

    def __init__(self) -> None:
        self.world = World(Settings(verify_signatures=False), Clock(start=1_000_000.0, scale=None))
        self._gateway = Gateway(self.world, _no_control)
        for target in TARGETS:
            asyncio.run(self._gateway.preload([target.service]))
        moto_store.load()
        store = moto_store.backend(ACCOUNT)
        for name in ("admin", "reader"):
            if name not in store.users:
                store.create_user(REGION, name)
        statement = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}
        store.put_user_policy("reader", "own", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        self.key = str(store.create_access_key("reader").access_key_id)
        moto_store.record_change()

    def __call__(self, service: str, request: Request, key: str | None = None) -> Response:
        """Send a request as if the user had signed it."""
        scope = f"AWS4-HMAC-SHA256 Credential={key or self.key}/20260101/{REGION}/{service}/aws4_request"
        headers = {**request.headers, "authorization": f"{scope}, SignedHeaders=host, Signature=0", "host": "127.0.0.1"}
        answer = self._gateway(request._replace(headers=headers))
        assert not isinstance(answer, Awaitable)
        return answer


async def _no_control(request: Request) -> Response:
    raise AssertionError(request.path)


@pytest.fixture(scope="module")
def caller() -> Caller:
    """Return the user who may call GetUser and nothing else."""
    return Caller()


def forbidden_form(target: Target) -> dict[str, str]:
    """Return the forbidden operation as a form."""
    scalars = {name: str(value) for name, value in target.params.items() if isinstance(value, str)}
    return {"Action": target.forbidden, "Version": "2010-05-08", **scalars}


def bodies(target: Target, rng: random.Random) -> bytes:
    """Return a body: of the harmless operation, of the forbidden one, of both, in one of many encodings."""
    harmless = {**ALLOWED, "Action": target.harmless}
    form, other = urlencode(forbidden_form(target)), urlencode(harmless)
    text = json.dumps(target.params)
    inside = json.dumps({"NamePrefix": f"x&{form}&y=", "QueueNamePrefix": f"&{form}&", "NextToken": f"&{form}"})
    part = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in forbidden_form(target).items()
    )
    choices: list[bytes] = [
        b"", b"{}", form.encode(), other.encode(), f"{other}&{form}".encode(), f"{form}&{other}".encode(),
        f"{other};{form}".encode(), form.replace("Action", "%41ction").encode(),
        form.replace("Action", "action").encode(),
        f"{other}&action={target.forbidden}".encode(), f"{other}&Action.1={target.forbidden}".encode(),
        f"{other}&Action[]={target.forbidden}".encode(), f"{other}\n&{form}".encode(), f"\ufeff{form}".encode(),
        form.encode("utf-16"), f"{part}--b--\r\n".encode(), gzip.compress(form.encode()),
        gzip.compress(form.encode() + b"&" + other.encode()) + b"&" + other.encode() + b"&",
        text.encode(), inside.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16"), text.encode("utf-32"),
        (text[:-1] + "," + text[1:]).encode(), cbor2.dumps(dict(target.params)),
        cbor2.dumps({"NamePrefix": f"&{form}&"}), text.encode() + b"&" + form.encode(), b"[" + text.encode() + b"]",
    ]  # fmt: skip
    return rng.choice(choices)


def encoded(target: Target, rng: random.Random) -> Request:
    """Return one of many requests that somewhere contain the forbidden operation."""
    form, other = urlencode(forbidden_form(target)), urlencode({**ALLOWED, "Action": target.harmless})
    query = rng.choice(
        ["", "", form, other, f"{other}&{form}", f"{form}&{other}", form.replace("=", "%3D"), f"a=1?{form}"]
    )
    path = rng.choice([
        "/", "/", "/", "//", "/%2f", f"/{target.forbidden}", f"/service/{target.prefix}/operation/{target.forbidden}",
        f"/service/{target.prefix}/operation/{target.harmless}", f"/?{form}".partition("?")[0], f"/{ACCOUNT}/q",
    ])  # fmt: skip
    names = [target.harmless, target.forbidden, target.forbidden.lower(), f"{target.harmless}.{target.forbidden}",
             f"{target.harmless},{target.prefix}.{target.forbidden}"]  # fmt: skip
    drawn = {
        "x-amz-target": rng.choice([None, *(f"{target.prefix}.{name}" for name in names)]),
        "content-type": rng.choice([
            None, FORM, FORM.upper(), f"{FORM}; charset=utf-16", f"{FORM}; charset=utf-7", "text/plain", JSON,
            "application/x-amz-json-1.0", "application/json", f"{JSON}; charset=utf-16", "application/cbor",
            "multipart/form-data; boundary=b", "multipart/mixed; boundary=b",
        ]),
        "content-encoding": rng.choice([None, None, None, "gzip", "deflate", "identity", "br"]),
        "smithy-protocol": rng.choice([None, None, "rpc-v2-cbor"]),
        "x-http-method-override": rng.choice([None, "POST"]),
        "x-moto-account-id": rng.choice([None, "999999999999"]),
    }  # fmt: skip
    headers = {name: value for name, value in drawn.items() if value is not None}
    return Request(rng.choice(["POST", "POST", "POST", "GET", "PUT"]), path, query, headers, bodies(target, rng))


def plain(target: Target, operation: str) -> Request:
    """Return an operation as clients send it."""
    if not target.prefix:
        form = {**ALLOWED, **target.params, "Action": operation}
        return Request("POST", "/", "", {"content-type": FORM}, urlencode(form).encode())
    headers = {"content-type": JSON, "x-amz-target": f"{target.prefix}.{operation}"}
    return Request("POST", "/", "", headers, json.dumps(target.params).encode())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.service)
def test_no_encoding_reaches_another_operation(caller: Caller, target: Target) -> None:
    """Of 200 encodings of each service's request none is carried out by a user who has only ``iam:GetUser``."""
    rng = random.Random(f"encodings of {target.service}")
    before = target.count()
    assert caller(target.service, plain(target, target.forbidden)).status in (400, 403)
    for _ in range(200):
        request = encoded(target, rng)
        answer = caller(target.service, request)
        if answer.status < 400:
            assert b"<GetUserResult>" in answer.body, request
        assert answer.status < 500 or answer.status == 501, request
        assert target.count() == before, request


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.service)
def test_one_reading_for_who_may_all(caller: Caller, target: Target) -> None:
    """The owner of the account reaches the forbidden operation exactly if the answer is that operation's."""
    rng = random.Random(f"readings of {target.service}")
    for _ in range(200):
        request = encoded(target, rng)
        before = target.count()
        answer = caller(target.service, request, ACCOUNT)
        if target.count() != before:
            assert answer.status == 200, request
            is_named = target.forbidden in request.headers.get("x-amz-target", "").split(".")
            assert is_named or not target.prefix or target.forbidden in request.path, request
    assert caller(target.service, plain(target, target.harmless), ACCOUNT).status == 200


def attacks(target: Target) -> dict[str, Request]:
    """Return requests that name the harmless operation where one reader looks, and the forbidden one elsewhere."""
    form, other = urlencode(forbidden_form(target)), urlencode({**ALLOWED, "Action": target.harmless})
    inside, extra = f"x&{form}&y=", {"x-amz-target": f"{target.prefix}.{target.harmless}"} if target.prefix else {}
    body = b"{}" if target.prefix else other.encode()
    kind = JSON if target.prefix else FORM
    path = f"/service/{target.prefix}/operation/{target.harmless}"
    zipped = gzip.compress(form.encode()) + b"&" + other.encode() + b"&"
    part = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in forbidden_form(target).items()
    ).encode()
    cbor = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return {
        "query beside a body": Request("POST", "/", form, {"content-type": kind, **extra}, body),
        "query beside a plain text": Request("POST", "/", form, {"content-type": "text/plain", **extra}, body),
        "multipart": Request(
            "POST", "/", "", {"content-type": "multipart/form-data; boundary=b", **extra}, part + b"--b--\r\n" + body
        ),
        "gzip": Request("POST", "/", "", {"content-type": FORM, "content-encoding": "gzip", **extra}, zipped),
        "form beside a target": Request("POST", "/", "", {"content-type": FORM, **extra}, form.encode()),
        "form in a text": Request(
            "POST", "/", "", {"content-type": kind, **extra},
            json.dumps({"NamePrefix": inside, "QueueNamePrefix": inside, "logGroupNamePrefix": inside}).encode()
            if target.prefix else f"{other}&{urlencode({'UserName': inside})}".encode(),
        ),
        "form in a text of CBOR": Request("POST", path, "", cbor, cbor2.dumps({"NamePrefix": inside})),
        "CBOR path beside a target": Request(
            "POST", path.replace(target.harmless, target.forbidden), "", {"content-type": kind, **extra}, body
        ),
    }  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.service)
@pytest.mark.parametrize("name", attacks(TARGETS[0]))
def test_attacks(caller: Caller, target: Target, name: str) -> None:
    """Neither a user without permission nor the owner of the account carries out the operation that is hidden."""
    before, request = target.count(), attacks(target)[name]
    for key in (None, ACCOUNT) if target.prefix or name != "form beside a target" else (None,):
        assert caller(target.service, request, key).status < 500
        assert target.count() == before
