"""Preflight: checks before the first write; a failed check ends the run with one line and creates nothing."""

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
    from tests.account.conftest import EmulatorAccount


def refusal(emulator: EmulatorAccount, **options: Any) -> str:
    """Return the line with which preflight refuses these options."""
    target = emulator.target(**{key: value for key, value in options.items() if key != "now"})
    with pytest.raises(TargetUnavailable) as refused:
        preflight(target, Clients(target, emulator.endpoint, Evidence()), options.get("now", time.time))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_right_account_passes(emulator: EmulatorAccount) -> None:
    """With the right account, preflight passes and creates nothing."""
    evidence, target = Evidence(), emulator.target()
    preflight(target, Clients(target, emulator.endpoint, evidence))
    called = [entry.get("operation", "") for entry in evidence.entries()]
    assert [operation for operation in called if operation.startswith(("Create", "Register", "Run"))] == []


def test_both_accounts_are_named_if_they_differ(emulator: EmulatorAccount) -> None:
    """The line names the expected and the actual account."""
    assert refusal(emulator, account="111111111111") == (
        "expected account 111111111111 (--account); the credentials are of account 444455556666 "
        "(arn:aws:iam::444455556666:root); nothing was created"
    )


def test_wrong_secret_says_what_to_check(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line explains a refused signature."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "SignatureDoesNotMatch: the secret does not belong to the access key" in refusal(emulator)


@pytest.mark.parametrize(("ahead", "direction"), [(MAX_CLOCK_SKEW + 5, "ahead of"), (-MAX_CLOCK_SKEW - 5, "behind")])
def test_skewed_clock_is_refused(emulator: EmulatorAccount, ahead: float, direction: str) -> None:
    """A local clock that is wrong by minutes is refused before a signature is."""
    line = refusal(emulator, now=lambda: time.time() + ahead)
    assert f"s {direction} that of aws" in line


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SomethingNew"])
def test_refused_identity_is_one_line(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """The line has the code with which GetCallerIdentity was refused, and what to do."""
    refuse(monkeypatch, "get_caller_identity", code)
    line = refusal(emulator)
    assert code in line
    assert line.endswith("nothing was created")


@pytest.mark.parametrize(
    ("method", "name"),
    [("delete_service", "servicediscovery:DeleteService"), ("delete_hosted_zone", "route53:DeleteHostedZone"),
     ("terminate_instances", "ec2:TerminateInstances"), ("list_operations", "servicediscovery:ListOperations")],
)  # fmt: skip
def test_missing_permission_to_clean_up_is_named(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, method: str, name: str
) -> None:
    """A denied call that clean-up needs stops the run."""
    refuse(monkeypatch, method, "AccessDenied")
    assert f"{name} is denied in account 444455556666, and set-up or clean-up needs it" in refusal(emulator)


def refuse(monkeypatch: pytest.MonkeyPatch, method: str, code: str) -> None:
    """Make every client refuse one operation with `code`."""
    create = Clients.client

    def client(self: Clients, *args: Any, **kwargs: Any) -> Any:
        created = create(self, *args, **kwargs)
        name = created.meta.method_to_api_mapping.get(method)
        if name:
            error = ClientError({"Error": {"Code": code, "Message": "no"}}, name)
            monkeypatch.setattr(created, method, lambda **_: raise_(error))
        return created

    monkeypatch.setattr(Clients, "client", client)


def raise_(error: Exception) -> None:
    """Raise the error."""
    raise error
