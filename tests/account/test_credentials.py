"""Credentials of a run that end: known before it begins, and never the fail of a claim when they do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError, CredentialRetrievalError

from surveyor.account.refusals import ended_session
from surveyor.errors import CredentialsEnded, TargetUnavailable, UsageError
from surveyor.pytest_plugin.verdict_rules import JudgeContext, judge
from surveyor.targets.credentials import RunCredentials, open_session
from surveyor.verdicts import Verdict
from tests.account.conftest import EmulatorAccount

END = "2030-01-31T12:00:00Z"
AT_END = datetime(2030, 1, 31, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def own(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunCredentials]:
    """Return the credentials of a run with these variables in its environment."""

    def read(**variables: str) -> RunCredentials:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        found = open_session(emulator.target())[1]
        assert found is not None
        return found

    return read


Own = Callable[..., RunCredentials]


def test_keys_of_a_user_do_not_end(own: Own) -> None:
    """There is nothing to say about them."""
    assert own().describe(AT_END, 3600.0) == ""


@pytest.mark.parametrize("name", ["AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION"])
@pytest.mark.parametrize("end", [END, "2030-01-31 12:00:00", "2030-01-31T14:00:00+02:00", str(AT_END)])
def test_the_end_of_a_session_is_said(own: Own, name: str, end: str) -> None:
    """Both variables, with and without a time zone, as text or as a number."""
    line = own(AWS_SESSION_TOKEN="token", **{name: end}).describe(AT_END - 3600, None)
    assert line == "the credentials of the run end at 2030-01-31T12:00:00Z, in 60 min"


def test_a_run_that_would_end_later_is_warned(own: Own) -> None:
    """The line compares the time that is left with the size of the run."""
    found = own(AWS_SESSION_TOKEN="token", AWS_CREDENTIAL_EXPIRATION=END)
    assert found.describe(AT_END - 3600, 3000.0).endswith("in 60 min")
    assert "takes about 70 min: it stops then, and `surveyor conform --resume` judges the rest" in found.describe(
        AT_END - 3600, 4200.0
    )


@pytest.mark.parametrize(("left", "words"), [(59, "end at 2030-01-31T12:00:00Z, in 59 s"), (-300, "ended at"),
                                             (-300, "5 min ago")])  # fmt: skip
def test_credentials_that_end_within_a_minute_are_refused(own: Own, left: float, words: str) -> None:
    """In one line with the cure."""
    found = own(AWS_SESSION_TOKEN="token", AWS_CREDENTIAL_EXPIRATION=END)
    with pytest.raises(UsageError, match="get new ones; nothing was created") as refused:
        found.describe(AT_END - left, None)
    assert words in str(refused.value)


def test_an_unknown_end_is_said(own: Own) -> None:
    """A session token without a variable for its end."""
    found = own(AWS_SESSION_TOKEN="token")
    assert found.describe(AT_END, None).endswith("would say it): if that is during the run, it stops")
    assert found.describe(AT_END, 60.0).endswith("it stops, and `surveyor conform --resume` judges the rest")


@pytest.mark.parametrize("text", ["soon", "2030-13-45", "9" * 40, "nan"])
def test_an_end_that_is_no_time_is_refused(own: Own, text: str) -> None:
    """In one line that names the variable; botocore would raise a ValueError or a TypeError."""
    with pytest.raises(UsageError, match=r"^AWS_CREDENTIAL_EXPIRATION is not a time such as"):
        own(AWS_SESSION_TOKEN="token", AWS_CREDENTIAL_EXPIRATION=text)


@pytest.mark.parametrize("key", ["x_security_token_expires", "aws_expiration", "expiration"])
def test_the_end_in_a_profile_is_read(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str
) -> None:
    """Programs that write session credentials to a profile write their end beside them."""
    path = tmp_path / "credentials"
    path.write_text(
        f"[default]\naws_access_key_id = A\naws_secret_access_key = S\naws_session_token = T\n{key} = {END}\n"
    )
    for name in emulator.environment:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    found = open_session(emulator.target())[1]
    assert found is not None
    assert found.end == AT_END


def refreshable(refresh: Callable[[], Any]) -> RunCredentials:
    """Return credentials that must be renewed now."""
    now = datetime.now(UTC) + timedelta(seconds=5)
    return RunCredentials(RefreshableCredentials("A", "S", "T", now, refresh, "assume-role"))


def refuse(error: Exception) -> Callable[[], Any]:
    """Return a renewal that raises this error."""

    def refresh() -> Any:
        raise error

    return refresh


OLD = {"access_key": "A", "secret_key": "S", "token": "T", "expiry_time": "2020-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "refresh",
    [
        refuse(ClientError({"Error": {"Code": "ExpiredToken", "Message": "ended"}}, "AssumeRole")),
        refuse(CredentialRetrievalError(provider="custom-process", error_msg="no login")),
        lambda: OLD,
    ],
    ids=["source ended", "no login", "new ones ended"],
)
def test_credentials_that_cannot_be_renewed_end_the_run(refresh: Callable[[], Any]) -> None:
    """The source of a role's session ended, a program failed, or the new ones have ended as well."""
    found = refreshable(refresh)
    assert found.describe(AT_END, 1e9) == ""
    with pytest.raises(CredentialsEnded, match=r"^the credentials of the run cannot be renewed: ") as first:
        found.require()
    assert found.ended == str(first.value)
    with pytest.raises(CredentialsEnded, match="cannot be renewed"):
        found.require()


def test_no_test_begins_in_the_last_minute(own: Own) -> None:
    """The run deletes what it made while its credentials are valid."""
    found = own(AWS_SESSION_TOKEN="token", AWS_CREDENTIAL_EXPIRATION=END)
    found.check_time(AT_END - 61)
    with pytest.raises(CredentialsEnded, match="too soon for another test"):
        found.check_time(AT_END - 59)


CONTEXT = JudgeContext(Path("/suites"), frozenset(), False, lambda: None, account=True)


@pytest.mark.parametrize("error", [AssertionError("expected 200"), ValueError("x"), KeyError("Id")])
def test_what_a_test_meets_after_the_end_is_no_verdict(error: Exception) -> None:
    """Whatever the line of a suite made of it."""
    ended = JudgeContext(Path("/suites"), frozenset(), False, lambda: None, account=True, ended="they ended")
    found = judge(error, "test", "call", ended)
    assert (found.verdict, found.detail, found.symptom) == (Verdict.NOT_RUN, "they ended", "")
    error.__cause__ = CredentialsEnded("they ended")
    assert judge(error, "test", "call", CONTEXT).verdict is Verdict.NOT_RUN


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException"])
def test_preflight_says_that_the_credentials_ended(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Also where their end was not known: one line with the cure."""
    from surveyor.evidence import Evidence
    from surveyor.targets.clients import Clients
    from surveyor.targets.identity import check_identity

    target = emulator.target()
    clients = Clients(target, emulator.endpoint, Evidence())
    monkeypatch.setattr(clients, "client", lambda *_: (_ for _ in ()).throw(CredentialsEnded("no longer", code)))
    with pytest.raises(CredentialsEnded, match=f"GetCallerIdentity with {code}: the credentials have expired: get new"):
        check_identity(target, clients)
    with pytest.raises(TargetUnavailable, match="nothing was created"):
        check_identity(target, clients)


def test_calls_after_the_end_are_not_sent(emulator: EmulatorAccount) -> None:
    """A loop in a test or in a clean-up ends at once."""
    clients = emulator.clients()
    assert clients.own is not None
    client, patient = clients.client("ecs", ""), clients.patient("ecs", "us-east-1")
    clients.own.ended = "they ended"
    for call in (client.list_clusters, patient.list_clusters):
        with pytest.raises(CredentialsEnded, match="they ended"):
            call()
    assert clients.silence() == "they ended"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"__type": "ExpiredTokenException"}, "ExpiredTokenException"),
        ({"__type": "com.amazon.coral.service#ExpiredTokenException"}, "ExpiredTokenException"),
        ({"__type": "UnrecognizedClientException"}, None),
        ({"__type": "InvalidSignatureException"}, None),
        ({"__type": ["ExpiredToken"]}, None),
        ({}, None),
    ],
    ids=["plain", "with a namespace", "another key", "another signature", "no text", "no code"],
)
def test_raw_answers_say_that_a_session_ended(document: dict[str, Any], code: str | None) -> None:
    """Requests that no client sends are signed with the credentials of the run, too."""
    assert ended_session(document) == code


def test_credentials_without_a_session_are_not_temporary() -> None:
    """Static keys have no token."""
    assert not RunCredentials(Credentials("A", "S")).temporary
