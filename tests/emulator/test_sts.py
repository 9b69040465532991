"""STS through the gateway: identities, and temporary credentials with a lifetime."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.sts import sessions
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.gateway import Gateway

ACCOUNT = "123456789012"
MODEL: ServiceModel = get_session().get_service_model("sts")


async def no_control(request: Request) -> Response:
    """Answer requests to the control endpoint, which these tests do not send."""
    raise AssertionError(request.path)


class Sts:
    """A gateway whose clock does not advance by itself, called with requests signed by botocore."""

    def __init__(self) -> None:
        self.world = World(Settings(), Clock(start=1_000_000.0, scale=None))
        self._gateway = Gateway(self.world, no_control)
        asyncio.run(self._gateway.preload(["sts"]))

    def ask(self, body: str, credentials: Credentials | None = None) -> Any:
        """Send a form; return the result, or the code of the error."""
        body = f"{body}&Version=2011-06-15"
        request = AWSRequest("POST", "http://127.0.0.1/", data=body)
        SigV4Auth(credentials or Credentials(ACCOUNT, "surveyor"), "sts", "us-east-1").add_auth(request)
        headers = {name.lower(): str(value) for name, value in request.headers.items()} | {"host": "127.0.0.1"}
        answer = self._gateway(Request("POST", "/", "", headers, body.encode()))
        assert not isinstance(answer, Awaitable)
        raw = {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": answer.body}
        output = MODEL.operation_model(body.partition("&")[0].removeprefix("Action=")).output_shape
        assert output is not None
        parsed: dict[str, Any] = create_parser("query").parse(raw, output)
        return parsed["Error"]["Code"] if answer.status >= 400 else parsed

    def session(self, more: str = "") -> Any:
        """Return the temporary credentials of a GetSessionToken call."""
        return self.ask(f"Action=GetSessionToken{more}")["Credentials"]


def credentials_of(answer: Any, **changed: str) -> Credentials:
    """Return credentials to sign with."""
    values = {"AccessKeyId": answer["AccessKeyId"], "SecretAccessKey": answer["SecretAccessKey"]} | changed
    return Credentials(values["AccessKeyId"], values["SecretAccessKey"], changed.get("token", answer["SessionToken"]))


def test_a_root_key_is_its_account() -> None:
    """An access key id of twelve digits is the account, and the principal its root user."""
    caller = Sts().ask("Action=GetCallerIdentity")
    assert (caller["Account"], caller["UserId"], caller["Arn"]) == (ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")


def test_temporary_credentials_belong_to_their_creator() -> None:
    """They sign requests and identify their account."""
    sts = Sts()
    session = sts.session()
    assert sts.ask("Action=GetCallerIdentity", credentials_of(session))["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_temporary_credentials_of_a_root_user_last_an_hour() -> None:
    """They last an hour of service time, even if more is requested; then they are expired."""
    sts = Sts()
    session = sts.session("&DurationSeconds=43200")
    assert session["Expiration"].timestamp() == 1_000_000.0 + 3_600
    asyncio.run(sts.world.clock.advance(3_599))
    assert sts.ask("Action=GetCallerIdentity", credentials_of(session))["Account"] == ACCOUNT
    asyncio.run(sts.world.clock.advance(1))
    assert sts.ask("Action=GetCallerIdentity", credentials_of(session)) == "ExpiredToken"


def test_rejects_unknown_credentials() -> None:
    """Another secret, another key, another token and a missing token are rejected."""
    sts = Sts()
    session, other = sts.session(), sts.session()
    ask = "Action=GetCallerIdentity"
    assert sts.ask(ask, credentials_of(session, SecretAccessKey="moon")) == "SignatureDoesNotMatch"
    assert sts.ask(ask, credentials_of(session, AccessKeyId=other["AccessKeyId"])) == "InvalidClientTokenId"
    assert sts.ask(ask, credentials_of(session, token=other["SessionToken"])) == "InvalidClientTokenId"
    assert sts.ask(ask, credentials_of(session, token="")) == "InvalidClientTokenId"
    assert sts.ask(ask, credentials_of(session, token="A" * 100)) == "InvalidClientTokenId"
    assert sts.ask(ask, Credentials(ACCOUNT, "surveyor", session["SessionToken"])) == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Action=GetSessionToken&DurationSeconds=5", "ValidationError"),
        ("Action=GetSessionToken&SerialNumber=GAHT12345678&TokenCode=123456", "AccessDenied"),
        ("Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=se", "AccessDenied"),
    ],
)
def test_rejects_invalid_requests(body: str, code: str) -> None:
    """Each invalid request has the documented code."""
    assert Sts().ask(body) == code


@given(st.text(max_size=40), st.text(max_size=200))
def test_any_text_is_an_unknown_token(access_key: str, token: str) -> None:
    """Reading a token raises no other exception."""
    world = World(Settings(), Clock(start=0.0, scale=None))
    assert sessions.read(world, access_key, token) is None
