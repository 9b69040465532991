"""Preflight: checks before the first write; a failed check ends the run with one line and creates nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.account.failed_calls import MAX_CLOCK_SKEW
from surveyor.account.ledger import Ledger, Owner, read_ledger
from surveyor.account.needed_calls import needed_operations
from surveyor.account.permissions import required_actions
from surveyor.errors import TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.targets.clients import Clients
from surveyor.targets.identity import check_identity
from surveyor.targets.preflight import check_permissions, services_of
from surveyor.targets.probes import probes_of
from surveyor_policies.dependent import DEPENDENT
from tests.account.conftest import ACCOUNT
from tests.account.kills import list_resources
from tests.account.limited import deny, limited, policies_for, without

if TYPE_CHECKING:
    from tests.account.conftest import EmulatorAccount


def refusal(emulator: EmulatorAccount, **options: Any) -> str:
    """Return the line with which preflight refuses these options."""
    target = emulator.target(**{key: value for key, value in options.items() if key != "now"})
    with pytest.raises(TargetUnavailable) as refused:
        check_identity(target, Clients(target, emulator.endpoint, Evidence()), options.get("now", time.time))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_right_account_passes(emulator: EmulatorAccount) -> None:
    """With the right account, preflight passes and creates nothing."""
    evidence, target = Evidence(), emulator.target()
    check_identity(target, Clients(target, emulator.endpoint, evidence))
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


RUN = "0123abcd"
CONFORM = frozenset(required_actions(needed_operations("conform"), DEPENDENT))


def permission_refusal(
    emulator: EmulatorAccount,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *policies: Mapping[str, Any],
    actions: Collection[str] = CONFORM,
    **options: Any,
) -> str:
    """Return why a user with these policies may not begin a run; "" if the user may."""
    for name, value in limited(emulator, *policies).items():
        monkeypatch.setenv(name, value)
    ledger = Ledger(tmp_path / "ledger-check.jsonl", Owner(RUN, "aws", ACCOUNT, "us-east-1", emulator.endpoint))
    target = replace(emulator.target(**{k: v for k, v in options.items() if k != "tags"}), tags=options.get("tags", {}))
    try:
        check_permissions(target, Clients(target, emulator.endpoint, Evidence(), ledger), actions, RUN, "conform")
    except TargetUnavailable as error:
        return str(error)
    finally:
        ledger.close()
        assert read_ledger(ledger.path).existing == ()
    return ""


Refusal = Callable[..., str]


@pytest.fixture
def refused(emulator: EmulatorAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refusal:
    """Return permission_refusal for this emulator."""
    return partial(permission_refusal, emulator, tmp_path, monkeypatch)


@pytest.mark.soak
def test_the_printed_policy_lets_a_run_begin(refused: Refusal, emulator: EmulatorAccount) -> None:
    """With all that `surveyor policy conform` prints nothing is missing, and nothing was created."""
    before = list_resources(emulator.clients())
    assert refused(*policies_for("conform")) == ""
    assert list_resources(emulator.clients()) == before


@pytest.mark.soak
def test_all_missing_actions_are_named_at_once(refused: Refusal) -> None:
    """One line has each of them, creating and deleting, and which command prints a policy."""
    missing = (
        "servicediscovery:CreateHttpNamespace", "servicediscovery:DeleteService", "servicediscovery:RegisterInstance",
        "route53:DeleteHostedZone", "ec2:CreateVpc", "ec2:TerminateInstances", "ecs:CreateCluster", "ecs:StopTask",
    )  # fmt: skip
    line = refused(*without(policies_for("conform"), *missing))
    assert line.startswith("8 actions that the run needs are not permitted in account 444455556666, us-east-1: ")
    assert [action for action in missing if action not in line] == []
    assert line.endswith(
        "`surveyor policy conform --account 444455556666 --region us-east-1` prints a policy with all of them; "
        "nothing was created"
    )


TRIED = sorted({probe.action for probe in probes_of(RUN, ACCOUNT, "us-east-1")})
TYPICAL = ("servicediscovery:CreateService", "route53:ChangeResourceRecordSets", "ec2:DeleteVpc", "ecs:RunTask")


@pytest.mark.parametrize(
    "action", [*TYPICAL, *(pytest.param(action, marks=pytest.mark.soak) for action in TRIED if action not in TYPICAL)]
)
def test_each_missing_action_is_named(refused: Refusal, action: str) -> None:
    """Of the actions that are tried, whichever is missing is named, and no other."""
    line = refused(*without(policies_for("conform"), action), actions={action})
    assert line.startswith(
        f"an action that the run needs is not permitted in account 444455556666, us-east-1: {action}; "
    )


@pytest.mark.soak
@pytest.mark.parametrize("action", ["ec2:CreateTags", "ecs:TagResource", "servicediscovery:TagResource"])
def test_the_right_to_tag_is_named(refused: Refusal, action: str) -> None:
    """What a run creates has its tag, for which AWS wants another permission, before or after the creation's own."""
    line = refused(*without(policies_for("conform"), action))
    assert f": {action}; what is checked after these may be missing, too; " in line


def test_only_what_is_needed_is_asked_for(refused: Refusal) -> None:
    """A run of claims without zones, VPCs and tasks needs no permission for them."""
    wanted = {action for action in CONFORM if action.startswith("servicediscovery:")}
    others = [action for action in CONFORM if action not in wanted]
    assert refused(*without(policies_for("conform"), *others), actions=wanted) == ""


@pytest.mark.soak
def test_an_organization_that_denies_untagged_creations_is_no_obstacle(refused: Refusal) -> None:
    """The calls that try creations have the tag of the run; another tag that is demanded makes them denied."""
    creations = ("ec2:CreateVpc", "ec2:CreateSubnet", "servicediscovery:CreateHttpNamespace")
    assert refused(deny(*creations, Null={"aws:RequestTag/surveyor:run": "true"})) == ""
    demanded = deny(*creations, Null={"aws:RequestTag/cost-centre": "true"})
    assert refused(demanded, tags={"cost-centre": "42"}) == ""
    line = refused(demanded)
    assert "3 actions" in line
    assert "a statement denies it: change that statement" in line


@pytest.mark.soak
def test_a_role_that_cannot_be_assumed_is_named(refused: Refusal) -> None:
    """--role with a role that does not exist, or that does not trust the caller."""
    role = "arn:aws:iam::444455556666:role/missing"
    line = refused(deny("s3:Get*"), role=role)
    assert f"sts:AssumeRole on {role}; the trust policy of the role must allow it, too" in line


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("OptInRequired", "the Region is not enabled in the account"),
        ("ThrottlingException", "the account makes too many calls: try again later"),
        ("ServiceUnavailable", "it could not be answered now"),
    ],
)
def test_what_is_no_answer_ends_the_check(
    refused: Refusal, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    """A Region that is not enabled, throttling and failures say nothing about permissions."""
    refuse(monkeypatch, "list_namespaces", code)
    line = refused(deny("s3:Get*"))
    assert line.startswith(f"servicediscovery:ListNamespaces was refused with {code}: ")
    assert words in line
    assert line.endswith("nothing was created")


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"])
def test_a_region_that_is_not_enabled_may_be_the_reason(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Services of a Region that the account has not enabled do not know its keys."""
    refuse(monkeypatch, "get_caller_identity", code)
    assert "or the Region is not enabled in the account" in refusal(emulator)


@pytest.mark.parametrize(("wrong", "words"), [(600, "ahead of"), (-600, "behind")])
def test_a_clock_that_is_wrong_by_ten_minutes_is_named(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, wrong: float, words: str
) -> None:
    """AWS refuses the signature; the date of its answer says by how much the clock is wrong."""
    sent = formatdate(time.time() - wrong, usegmt=True)
    refuse(monkeypatch, "get_caller_identity", "SignatureDoesNotMatch", HTTPHeaders={"date": sent})
    line = refusal(emulator)
    assert re.search(rf"SignatureDoesNotMatch: this machine's clock is (59|60)\d s {words} the account's", line)


@pytest.mark.parametrize(
    ("features", "services"),
    [
        ((), {"servicediscovery"}),
        (("dns",), {"servicediscovery", "route53", "ec2"}),
        (("ecs", "events"), {"servicediscovery", "ecs", "ec2"}),
        (("iam", "principals"), {"servicediscovery", "iam"}),
    ],
)
def test_services_follow_from_features(features: tuple[str, ...], services: set[str]) -> None:
    """Cloud Map always, and what the features need."""
    assert services_of(features) == services


def refuse(monkeypatch: pytest.MonkeyPatch, method: str, code: str, **metadata: Any) -> None:
    """Make every client refuse one operation with `code`."""
    create = Clients.client

    def client(self: Clients, *args: Any, **kwargs: Any) -> Any:
        created = create(self, *args, **kwargs)
        name = created.meta.method_to_api_mapping.get(method)
        if name:
            error = ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}, name)  # type: ignore[typeddict-item]  # only what is read
            monkeypatch.setattr(created, method, lambda **_: raise_(error))
        return created

    monkeypatch.setattr(Clients, "client", client)


def raise_(error: Exception) -> None:
    """Raise the error."""
    raise error
