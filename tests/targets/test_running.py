"""Running targets: the embedded target started by Surveyor, and reached as an ordinary endpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.account.ledger import Ledger, Owner, read_ledger
from surveyor.clock import ControlledClock, WallClock
from surveyor.errors import FeatureLacking, TargetUnavailable, UsageError
from surveyor.layout import find_layout
from surveyor.targets import Credentials, Dns, Start, Target, all_versions, load_target
from surveyor.targets.control import ControlRefused
from surveyor.targets.options import TargetOptions
from surveyor.targets.process import StartedProcess, free_port, start
from surveyor.targets.reachable import check_reachable
from surveyor.targets.running import run_target
from tests.emulators import emulator

TARGETS = find_layout().targets
ACCOUNT = "111122223333"


def embedded(*options: str) -> Start:
    """Return the command that starts the embedded target, with further options."""
    command = load_target("embedded", TARGETS).start
    assert command is not None
    return replace(command, argv=(*command.argv, *options))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[StartedProcess]:
    """Provide an embedded target that is already running."""
    started = start("embedded", embedded(), seed=7)
    yield started
    started.stop()


@pytest.mark.soak
def test_started_target_has_what_it_declares() -> None:
    """Every feature that can be probed is present, its clock can be advanced, and it ends with the context."""
    with run_target(load_target("embedded", TARGETS), seed=7) as running:
        assert running.absent == ()
        assert {"cloudmap", "dns", "clock-control", "route53", "ec2"} <= running.features
        assert isinstance(running.clock, ControlledClock)
        before = running.clock.now()
        running.clock.wait(3600)
        assert running.clock.now() - before == pytest.approx(3600)
        assert running.dead() is None
        assert running.process is not None
    assert "embedded ended" in (running.dead() or "")


@pytest.mark.soak
def test_features_of_a_bare_url_are_probed(endpoint: StartedProcess) -> None:
    """A control endpoint at the URL is used, and the features are those that answer."""
    with run_target(load_target(endpoint.endpoint, TARGETS), seed=7) as running:
        assert {"cloudmap", "dns", "public-dns", "clock-control", "route53", "ec2", "custom-health"} <= running.features
        assert "quotas" not in running.features
        assert isinstance(running.clock, ControlledClock)
        vpc = running.clients.client("ec2", ACCOUNT).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        assert running.resolver(ACCOUNT, "us-east-1", vpc).address.startswith("127.")
        with pytest.raises(ControlRefused, match="has no VPC"):
            running.resolver(ACCOUNT, "us-east-1", "vpc-0")
        assert running.name_servers(ACCOUNT, str).port > 0
    assert endpoint.ended() is None


def test_calls_use_the_account_of_the_test(endpoint: StartedProcess) -> None:
    """The access key id is the account, and each call is recorded as evidence in service time."""
    with run_target(load_target(endpoint.endpoint, TARGETS), seed=7) as running:
        running.evidence.begin()
        assert running.clients.client("sts", ACCOUNT).get_caller_identity()["Account"] == ACCOUNT
        entry = running.evidence.entries()[0]
        assert (entry.get("service"), entry.get("operation"), entry.get("status")) == ("sts", "GetCallerIdentity", 200)
        assert abs(entry["at"] - running.clock.now()) < 1


@pytest.mark.soak
def test_waits_follow_the_scale_of_a_flowing_clock() -> None:
    """If time of the target flows sixty times as fast, a wait takes a sixtieth, and time cannot be advanced."""
    started = start("embedded", embedded("--clock", "flow", "--scale", "60"), seed=7)
    try:
        with run_target(load_target(started.endpoint, TARGETS), seed=7) as running:
            assert isinstance(running.clock, WallClock)
            assert "clock-control" not in running.features
            wall, before = time.monotonic(), running.clock.now()
            running.clock.wait(30)
            assert running.clock.now() - before >= 29
            assert time.monotonic() - wall < 20
    finally:
        started.stop()


def test_an_unreachable_endpoint_is_one_line() -> None:
    """If no server listens at the endpoint, the error is one line."""
    target = load_target(f"http://127.0.0.1:{free_port()}", TARGETS)
    with (
        pytest.raises(TargetUnavailable, match=r"^127\.0\.0\.1:\d+ cannot be reached at http://.*refused$"),
        run_target(target, 7),
    ):
        pass


@pytest.fixture
def account_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set credentials of ACCOUNT in the environment: they are looked for before an account is reached."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "surveyor")


@pytest.mark.usefixtures("account_keys")
def test_a_clock_that_stands_still_is_refused(endpoint: StartedProcess) -> None:
    """A target that is tested in wall time must not be an emulator whose clock has to be advanced."""
    options = TargetOptions(account=ACCOUNT, endpoint=endpoint.endpoint)
    with pytest.raises(TargetUnavailable, match="clock stands still; start it with --clock flow"):
        check_reachable(load_target("aws", TARGETS, options))
    check_reachable(load_target(endpoint.endpoint, TARGETS))


@pytest.mark.usefixtures("account_keys")
def test_a_control_endpoint_that_wants_another_token_is_named(
    endpoint: StartedProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the token an emulator that runs already could be neither advanced nor asked for its DNS servers."""
    for token in ("", "another"):
        monkeypatch.setenv("SURVEYOR_TOKEN", token)
        target = load_target(endpoint.endpoint, TARGETS)
        with (
            pytest.raises(TargetUnavailable, match=r"^the emulator at 127\.0\.0\.1:\d+ wants .* set SURVEYOR_TOKEN to"),
            run_target(target, 7),
        ):
            pass
        with pytest.raises(TargetUnavailable, match="set SURVEYOR_TOKEN"):
            check_reachable(load_target("aws", TARGETS, TargetOptions(account=ACCOUNT, endpoint=endpoint.endpoint)))
    monkeypatch.setenv("SURVEYOR_TOKEN", "two\nlines")
    with pytest.raises(TargetUnavailable, match="SURVEYOR_TOKEN holds no token"):
        check_reachable(load_target("aws", TARGETS, TargetOptions(account=ACCOUNT, endpoint=endpoint.endpoint)))


@pytest.mark.soak
def test_dns_at_a_fixed_address(endpoint: StartedProcess) -> None:
    """A target file may name its DNS server; without one, DNS cannot be queried."""
    target = Target("there", "us-east-1", endpoint.endpoint, dns=Dns("address", "127.0.0.1", 5353), file=Path("there"))
    with run_target(target, 7) as running:
        assert (running.name_servers("a", str).port, running.resolver("a", "b", "c").port) == (5353, 5353)
    with run_target(replace(target, dns=Dns()), 7) as running, pytest.raises(FeatureLacking, match="no DNS server"):
        running.name_servers("a", str)
    inside = replace(target, dns=Dns("zones", "127.0.0.1", 5353), vpc="vpc-1")
    with run_target(inside, 7) as running:
        assert running.resolver("a", "us-east-1", "vpc-1").port == 5353
        with pytest.raises(FeatureLacking, match="names of vpc-2 resolve only inside that VPC"):
            running.resolver("a", "us-east-1", "vpc-2")


def test_calls_in_a_shared_account_are_in_the_ledger(
    endpoint: StartedProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the account outlives the run, each create call is in the ledger, which lists what was not deleted."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "444455556666")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "surveyor")
    target = Target(
        "there", "us-east-1", endpoint.endpoint, credentials=Credentials("environment"), account="444455556666",
        file=Path("there"),
    )  # fmt: skip
    ledger = Ledger(tmp_path / "ledger.jsonl", Owner("r1", "there", "444455556666", "us-east-1"))
    with run_target(target, 7, ledger) as running:
        ec2 = running.clients.client("ec2", ACCOUNT)
        kept = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]
        deleted = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        ec2.delete_vpc(VpcId=deleted)
        assert kept["OwnerId"] == "444455556666"
    ledger.close()
    events = [json.loads(line)["event"] for line in ledger.path.read_text().splitlines()]
    assert events == ["run", "intent", "created", "intent", "created", "deleted"]
    assert [str(resource) for resource in read_ledger(ledger.path).existing] == [f"VPC {kept['VpcId']}"]
    assert kept["Tags"] == [{"Key": "surveyor:run", "Value": "r1"}]


def test_no_credentials_is_one_line(endpoint: StartedProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the environment has no credentials, or there is no such profile, the error says so in one line."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file")
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    refusals: list[tuple[Credentials, type[Exception], str]] = [
        (Credentials("environment"), TargetUnavailable, "no credentials for there"),
        (Credentials("profile", profile="no-such-profile"), UsageError, "there is no profile 'no-such-profile'"),
    ]
    for credentials, kind, words in refusals:
        target = Target("there", "us-east-1", endpoint.endpoint, credentials=credentials, file=Path("there"))
        with pytest.raises(kind, match=words), run_target(target, 7):
            pass


@pytest.mark.soak
@pytest.mark.parametrize("name", all_versions(TARGETS))
def test_each_version_has_the_features_of_its_target_file(name: str) -> None:
    """Each version starts in its environment, and has what its target file declares."""
    with run_target(emulator(name), seed=7) as running:
        assert running.absent == ()
        assert running.features == running.target.features
