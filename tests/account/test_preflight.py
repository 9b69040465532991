"""What is asked before the first write, and how it ends when an answer is wrong: one line, nothing created."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.errors import TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.targets.clients import Clients
from surveyor.targets.preflight import MAX_CLOCK_SKEW, preflight

if TYPE_CHECKING:
    from tests.account.conftest import Place


def refusal(place: Place, **given: Any) -> str:
    """The line with which it refuses."""
    target = place.target(**{key: value for key, value in given.items() if key != "now"})
    with pytest.raises(TargetUnavailable) as refused:
        preflight(target, Clients(target, place.endpoint, Evidence()), given.get("now", time.time))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_right_account_passes(place: Place) -> None:
    """Nothing is said, and nothing created, where all is well."""
    evidence, target = Evidence(), place.target()
    preflight(target, Clients(target, place.endpoint, evidence))
    created = [one for one in evidence.entries() if one.get("operation", "").startswith(("Create", "Register", "Run"))]
    assert created == []


def test_other_account_is_named_beside_the_one_asked_for(place: Place) -> None:
    """Both accounts stand in the line."""
    assert refusal(place, account="111111111111") == (
        "expected account 111111111111 (--account); the credentials are of account 444455556666 "
        "(arn:aws:iam::444455556666:root); nothing was created"
    )


def test_wrong_secret_says_what_to_check(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused signature is explained."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "SignatureDoesNotMatch: the secret does not belong to the access key" in refusal(place)


@pytest.mark.parametrize(("ahead", "way"), [(MAX_CLOCK_SKEW + 5, "ahead of"), (-MAX_CLOCK_SKEW - 5, "behind")])
def test_skewed_clock_is_told(place: Place, ahead: float, way: str) -> None:
    """A clock that is wrong by minutes is refused before signatures are."""
    line = refusal(place, now=lambda: time.time() + ahead)
    assert f"s {way} that of aws" in line


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SomethingNew"])
def test_refused_identity_is_one_line(place: Place, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Whatever GetCallerIdentity is refused with, the code and what to do stand in the line."""
    refuse(monkeypatch, "get_caller_identity", code)
    line = refusal(place)
    assert code in line
    assert line.endswith("nothing was created")


@pytest.mark.parametrize(
    ("method", "name"),
    [("delete_service", "servicediscovery:DeleteService"), ("delete_hosted_zone", "route53:DeleteHostedZone"),
     ("terminate_instances", "ec2:TerminateInstances"), ("list_operations", "servicediscovery:ListOperations")],
)  # fmt: skip
def test_missing_permission_to_clean_up_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch, method: str, name: str
) -> None:
    """A call that clean-up needs and that is denied stops the run."""
    refuse(monkeypatch, method, "AccessDenied")
    assert f"{name} is denied in account 444455556666, and set-up or clean-up needs it" in refusal(place)


def refuse(monkeypatch: pytest.MonkeyPatch, method: str, code: str) -> None:
    """Let one operation of every client be refused with `code`."""
    make = Clients.client

    def client(self: Clients, *args: Any, **kwargs: Any) -> Any:
        made = make(self, *args, **kwargs)
        name = made.meta.method_to_api_mapping.get(method)
        if name:
            error = ClientError({"Error": {"Code": code, "Message": "no"}}, name)
            monkeypatch.setattr(made, method, lambda **_: raise_(error))
        return made

    monkeypatch.setattr(Clients, "client", client)


def raise_(error: Exception) -> None:
    """Raise it."""
    raise error
