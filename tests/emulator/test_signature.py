"""Signature Version 4: the embedded target accepts what botocore signs, and nothing else."""

from __future__ import annotations

import hashlib
import re
import time
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.sts import sessions
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.authentication import authenticate
from surveyor_emulator.server.signature import Authorization, Credential, read_authorization, verify

KEY, SECRET = "111111111111", "secret"
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), max_size=12)


def signed(
    method: str = "POST",
    path: str = "/",
    query: str = "",
    body: bytes = b"{}",
    secret: str = SECRET,
    token: str | None = None,
) -> Request:
    """Return a request signed by botocore."""
    url = f"http://127.0.0.1:4566{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, headers={"Content-Type": "application/x-amz-json-1.1"}, data=body)
    SigV4Auth(Credentials(KEY, secret, token), "servicediscovery", "us-east-1").add_auth(request)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    return Request(method, path, query, {"host": "127.0.0.1:4566", **headers}, body)


def find(access_key: str) -> Credential | None:
    """Return the only known credential for its access key."""
    return Credential(SECRET, KEY, f"arn:aws:iam::{KEY}:root") if access_key == KEY else None


def authorization(request: Request) -> Authorization:
    """Return the scope and the signature of a signed request."""
    found = read_authorization(request)
    assert found is not None
    return found


def error_code(request: Request, *, xml: bool = False, wall: float | None = None) -> str:
    """Return the error code with which a request is rejected."""
    with pytest.raises(ServiceError) as caught:
        verify(request, authorization(request), find, xml=xml, wall=wall)
    return caught.value.code


@given(st.lists(st.tuples(NAMES, NAMES), max_size=4), st.lists(NAMES, max_size=3), st.binary(max_size=64))
def test_accepts_what_botocore_signs(query: list[tuple[str, str]], path: list[str], body: bytes) -> None:
    """Any path, query and body that botocore can sign is accepted."""
    target = "/" + "/".join(quote(part, safe="") for part in path if part)
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query if name)
    request = signed("GET", target, text, body)
    assert verify(request, authorization(request), find, xml=False).account == KEY


@pytest.mark.parametrize(
    ("xml", "code"), [(False, "InvalidSignatureException"), (True, "SignatureDoesNotMatch")], ids=["json", "xml"]
)
def test_rejects_changed_requests_and_other_secrets(xml: bool, code: str) -> None:
    """After a change of body, header, path, query or secret the signature does not match."""
    good = signed()
    assert error_code(good._replace(body=b"{ }"), xml=xml) == code
    assert error_code(good._replace(path="/other"), xml=xml) == code
    assert error_code(good._replace(query="a=b"), xml=xml) == code
    assert error_code(good._replace(headers={**good.headers, "host": "elsewhere"}), xml=xml) == code
    assert error_code(signed(secret="another"), xml=xml) == code


def test_accepts_the_fields_of_the_header_in_any_order() -> None:
    """The signature is found wherever it stands in the header, and checked there."""
    good = signed()
    algorithm, _, fields = good.headers["authorization"].partition(" ")
    credential, names, signature = fields.split(", ")
    for order in ([signature, credential, names], [credential, signature, names], [names, credential, signature]):
        moved = good._replace(headers={**good.headers, "authorization": f"{algorithm} {','.join(order)}"})
        assert authorization(moved) == authorization(good)
        assert verify(moved, authorization(moved), find, xml=False).account == KEY
        assert error_code(moved._replace(body=b"[]")) == "InvalidSignatureException"


def test_rejects_a_false_body_hash() -> None:
    """The hash of the received body counts, not that in a header."""
    good = signed()
    claimed = {**good.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert error_code(good._replace(body=b"[]", headers=claimed)) == "InvalidSignatureException"


def test_rejects_old_and_early_dates() -> None:
    """More than fifteen minutes of difference, either way, is rejected; fourteen are accepted."""
    request, now = signed(), time.time()
    assert error_code(request, wall=now + 901) == "InvalidSignatureException"
    assert error_code(request, wall=now - 901) == "InvalidSignatureException"
    assert verify(request, authorization(request), find, xml=False, wall=now + 840).account == KEY


def test_rejects_unknown_keys_and_tokens() -> None:
    """An unknown key, and a session token with a key that has none, are rejected."""
    request = signed(token="a session token")
    assert error_code(request) == "UnrecognizedClientException"
    assert error_code(request, xml=True) == "InvalidClientTokenId"
    stranger = signed()
    scope, signature = authorization(stranger)
    with pytest.raises(ServiceError, match="UnrecognizedClientException"):
        verify(stranger, (scope._replace(access_key="unknown"), signature), find, xml=False)


def test_rejects_an_incomplete_signature() -> None:
    """A missing date, missing signed headers and an invalid date are rejected."""
    good = signed()
    undated = {name: value for name, value in good.headers.items() if name != "x-amz-date"}
    assert error_code(good._replace(headers=undated)) == "IncompleteSignatureException"
    assert (
        error_code(good._replace(headers={**good.headers, "x-amz-date": "yesterday"})) == "IncompleteSignatureException"
    )


@given(st.text(max_size=80))
def test_reads_any_authorization_header(text: str) -> None:
    """Any header is read or ignored."""
    found = read_authorization(Request("POST", "/", "", {"authorization": f"AWS4-HMAC-SHA256 {text}"}, b""))
    assert found is None or found[0].access_key is not None


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        ("nowhere-9/servicediscovery/aws4_request", "valid Region, not 'nowhere-9'"),
        ("us-moon-1/servicediscovery/aws4_request", "valid Region, not 'us-moon-1'"),
        ("nowhere-9\"'><img>/servicediscovery/aws4_request", "valid Region, not 'nowhere-9\"'><img>'"),
        ("aws-global/servicediscovery/aws4_request", "valid Region, not 'aws-global'"),
        ("us-east-1%00/servicediscovery/aws4_request", "valid Region"),
        ("/servicediscovery/aws4_request", "valid Region, not ''"),
        ("us-east-1/servicediscovery/evil", "valid terminator: 'aws4_request', not 'evil'"),
        ("us-east-1/servicediscovery/", "valid terminator"),
    ],
)
@pytest.mark.parametrize("signatures", [True, False])
def test_refuses_a_scope_of_no_region_or_of_another_protocol(scope: str, named: str, signatures: bool) -> None:
    """The signature is not looked at, and none is needed for this answer."""
    request = signed()
    header = request.headers["authorization"].replace("us-east-1/servicediscovery/aws4_request", scope)
    request = request._replace(headers={**request.headers, "authorization": header})
    world = World(Settings(verify_signatures=signatures), Clock(scale=None))
    with pytest.raises(ServiceError, match=re.escape(named)) as caught:
        authenticate(world, request, authorization(request), xml=False)
    assert (caught.value.code, caught.value.status) == ("InvalidSignatureException", 403)


@pytest.mark.parametrize("field", ["Credential", "SignedHeaders", "Signature"])
@pytest.mark.parametrize("first", [True, False])
def test_refuses_a_field_of_the_header_that_stands_there_twice(field: str, first: bool) -> None:
    """Neither of the two is chosen."""
    header = signed().headers["authorization"]
    algorithm, _, rest = header.partition(" ")
    parts = [f"{field}=other", rest] if first else [rest, f"{field}=other"]
    for comma in (", ", ","):
        headers = {"authorization": f"{algorithm} {comma.join(parts)}"}
        assert read_authorization(Request("POST", "/", "", headers, b"")) is None


def test_the_operation_must_be_signed() -> None:
    """A target header that was added after signing is refused: it would choose what the signature is used for."""
    request = signed()
    assert error_code(request._replace(headers={**request.headers, "x-amz-target": "X.Delete"})) == (
        "InvalidSignatureException"
    )


def test_a_digest_must_be_that_of_the_body() -> None:
    """Clients may send it; a wrong one is refused, signed or not."""
    request = signed()
    right = {**request.headers, "x-amz-content-sha256": hashlib.sha256(request.body).hexdigest()}
    assert verify(request._replace(headers=right), authorization(request), find, xml=False).account == KEY
    for wrong in ("UNSIGNED-PAYLOAD", "0" * 64, ""):
        changed = request._replace(headers={**right, "x-amz-content-sha256": wrong})
        assert error_code(changed) == "InvalidSignatureException"


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_a_web_page_needs_a_signature_always(headers: dict[str, str]) -> None:
    """Without verification every program is the owner, but no page is."""
    world = World(Settings(verify_signatures=False), Clock(scale=None))
    assert authenticate(world, Request("POST", "/", "", {}, b""), None, xml=True).account == "000000000000"
    with pytest.raises(ServiceError, match="a web page must sign"):
        authenticate(world, Request("POST", "/", "", headers, b""), None, xml=True)


def test_session_tokens_of_one_target_are_none_of_another() -> None:
    """Settings that everybody knows are not enough to make one."""
    worlds = [World(Settings(), Clock(scale=None)) for _ in range(2)]
    session = sessions.issue(worlds[0], KEY, "arn:aws:iam::111111111111:root", 900)
    assert sessions.read(worlds[0], session.access_key, session.token) == session
    assert sessions.read(worlds[1], session.access_key, session.token) is None
