"""Runs with a second account, with which namespaces are shared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from surveyor.account.ledger import Ledger, Owner
from surveyor.account.needed_calls import CONSUMER
from surveyor.errors import UsageError
from surveyor.evidence import Evidence
from surveyor.report.file import load_report
from surveyor.targets.clients import Clients
from surveyor.targets.consumer import consumer_target
from tests.account.conftest import ACCOUNT, EmulatorAccount, flowing, inventory
from tests.account.limited import limited, policies_for
from tests.account.test_runs import surveyor

CONSUMER_ACCOUNT = "777788889999"
CLAIM = ("--claim", "cross-account.ecs.service-discovery-not-shared")
SHARING = (
    "--claim",
    "listing.shared-namespaces-by-owner",
    "--claim",
    "cross-account.share.of-owner-and-consumer",
    *CLAIM,
)


@pytest.fixture
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Write profiles of two accounts, and take the keys from the environment."""
    lines = [
        f"[profile {name}]\naws_access_key_id = {account}\naws_secret_access_key = surveyor\n"
        for name, account in {"own": ACCOUNT, "consumer": CONSUMER_ACCOUNT, "same": ACCOUNT}.items()
    ]
    path = tmp_path / "config"
    path.write_text("".join(lines))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("profiles")
def test_the_consumer_is_another_account(emulator: EmulatorAccount) -> None:
    """Claims about sharing can be judged with it."""
    target = emulator.target(profile="own", consumer_profile="consumer")
    assert {"accounts", "sharing"} <= (target.features or set())
    second = consumer_target(target)
    assert (second.account, second.credentials.profile, second.consumer) == (CONSUMER_ACCOUNT, "consumer", None)


@pytest.mark.usefixtures("profiles")
def test_the_account_of_the_run_is_no_consumer(emulator: EmulatorAccount) -> None:
    """One line, before anything is created."""
    with pytest.raises(UsageError, match=f"--consumer-profile same is of account {ACCOUNT}, as the run itself"):
        consumer_target(emulator.target(profile="own", consumer_profile="same"))


def conform(emulator: EmulatorAccount, out: Path, consumer: str) -> tuple[str, ...]:
    """Return the arguments of a run with these profiles."""
    return ("conform", "--target", "aws", "--account", ACCOUNT, "--profile", "own", "--consumer-profile", consumer,
            "--endpoint", emulator.endpoint, "--dns", "control", "--out", str(out))  # fmt: skip


@pytest.mark.soak
@pytest.mark.usefixtures("profiles")
def test_a_run_shares_with_the_consumer_and_leaves_nothing(tmp_path: Path) -> None:
    """In an account in use: a claim across accounts passes, both are as before, the report has no ids of them."""
    with flowing(60.0, residents="some") as emulator:
        for profile, account in {"own": ACCOUNT, "consumer": CONSUMER_ACCOUNT}.items():  # others' resources are made
            target = emulator.target(profile=profile, account=account)
            Clients(target, emulator.endpoint, Evidence()).client("servicediscovery", "").list_namespaces()
        before = [inventory(emulator, account) for account in (ACCOUNT, CONSUMER_ACCOUNT)]
        out = tmp_path / "out"
        done = surveyor(emulator, *conform(emulator, out, "consumer"), *CLAIM)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"shared with account {CONSUMER_ACCOUNT} as arn:aws:iam::{CONSUMER_ACCOUNT}:root" in done.stdout
        report = (out / "report.json").read_text()
        assert {claim.verdict.value for claim in load_report(out / "report.json").claims} == {"pass"}
        assert ACCOUNT not in report
        assert CONSUMER_ACCOUNT not in report
        assert "ecs:CreateCluster" in "".join(path.read_text() for path in out.glob("consumer/ledger-*.jsonl"))
        assert [inventory(emulator, account) for account in (ACCOUNT, CONSUMER_ACCOUNT)] == before


@pytest.mark.soak
@pytest.mark.usefixtures("profiles")
def test_the_policies_of_both_accounts_are_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those that `surveyor policy conform --consumer-profile NAME` prints: the claims pass, and nothing is left."""
    monkeypatch.setenv("AWS_PROFILE", "own")
    with flowing(60.0) as emulator:
        users = {
            "own": limited(emulator, *policies_for("conform", ("sharing",))),
            "consumer": limited(
                emulator, *policies_for(CONSUMER, account="*", shared_by=ACCOUNT), account=CONSUMER_ACCOUNT
            ),
        }
        lines = [
            f"[profile {name}]\naws_access_key_id = {user['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {user['AWS_SECRET_ACCESS_KEY']}\n"
            for name, user in users.items()
        ]
        Path(os.environ["AWS_CONFIG_FILE"]).write_text("".join(lines))
        out = tmp_path / "out"
        done = surveyor(emulator, *conform(emulator, out, "consumer"), *SHARING)
        assert done.returncode == 0, done.stdout + done.stderr
        verdicts = {claim.id: claim.verdict.value for claim in load_report(out / "report.json").claims}
        assert set(verdicts.values()) == {"pass"}, verdicts


@pytest.mark.soak
@pytest.mark.usefixtures("profiles")
def test_what_a_killed_run_left_in_both_accounts_is_swept(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """By its ledgers, with the profiles that they name."""
    places = ((tmp_path, ACCOUNT, "own"), (tmp_path / "consumer", CONSUMER_ACCOUNT, "consumer"))
    before = [inventory(emulator, account) for account in (ACCOUNT, CONSUMER_ACCOUNT)]
    for folder, account, profile in places:
        owner = Owner("0123abcd", "aws", account, "us-east-1", emulator.endpoint, profile=profile)
        ledger = Ledger(folder / "ledger-main.jsonl", owner)
        target = emulator.target(profile=profile, account=account)
        clients = Clients(target, emulator.endpoint, Evidence(), ledger)
        clients.client("servicediscovery", "").create_http_namespace(Name="surveyor-0123abcd-n")
        clients.client("ram", "").create_resource_share(name="surveyor-0123abcd-share")
        ledger.close()
    assert [inventory(emulator, account) for account in (ACCOUNT, CONSUMER_ACCOUNT)] != before
    done = surveyor(emulator, "sweep", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "deleted: resource share" in done.stdout
    assert [inventory(emulator, account) for account in (ACCOUNT, CONSUMER_ACCOUNT)] == before
