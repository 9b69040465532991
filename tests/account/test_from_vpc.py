"""`conform --from-vpc`: a run from outside of the VPC, which calls nothing but the endpoint of the account."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from surveyor.cli.application import _with_default_vpc
from surveyor.errors import UsageError
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.vantage import choose_place
from tests.account.conftest import ACCOUNT, TARGETS, EmulatorAccount, flowing, inventory
from tests.account.test_runs import conform, surveyor
from tests.vantage.outside import sitecustomize

CLAIMS = (
    "dns.private.resolves-in-its-vpc-only",
    "dns.tcp.several-queries-on-one-connection",
    "ecs.dns.tasks-resolve-each-other",
)


@pytest.fixture(scope="module")
def account() -> Iterator[EmulatorAccount]:
    """Run an account in which images are pulled by routes, and in which a minute passes in a second."""
    with flowing(60, egress="routed", traffic="ruled") as running, mock.patch.dict(os.environ, running.environment):
        running.clients().client("ec2", ACCOUNT).describe_vpcs()  # the default VPC exists from the first call on
        yield running


@pytest.mark.soak
def test_a_run_outside_judges_what_is_inside(account: EmulatorAccount, tmp_path: Path) -> None:
    """Names are asked and tasks called though nothing but the endpoint can be reached; nothing is left."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "sitecustomize.py").write_text(sitecustomize(int(account.endpoint.rpartition(":")[2])))
    before = inventory(account)
    claims = [word for claim in CLAIMS for word in ("--claim", claim)]
    limits = {"PYTHONPATH": f"{tmp_path / 'outside'}{os.pathsep}{Path(__file__).parents[2]}"}
    done = surveyor(account, *conform(account, tmp_path), "--from-vpc", *claims, "--workers", "2", **limits)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"claims judged from here: 0, with the vantage: {len(CLAIMS)}" in done.stdout
    assert "vantage: a task in vpc-" in done.stdout
    assert "reaches S3; nothing reaches it" in done.stdout
    assert f"{len(CLAIMS)} of {len(CLAIMS)} judged claims hold" in done.stdout
    assert inventory(account) == before


@pytest.mark.soak
def test_a_vantage_that_cannot_start_leaves_nothing(account: EmulatorAccount, tmp_path: Path) -> None:
    """The line has the reason for which the task stopped, verbatim, and what to do; the exit code is 3."""
    clients = account.clients()
    ec2 = clients.client("ec2", ACCOUNT)
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    before = inventory(account)
    claim = ("--claim", CLAIMS[0])
    done = surveyor(account, *conform(account, tmp_path), f"--from-vpc={subnet}", *claim)
    assert done.returncode == 3
    [line] = done.stderr.splitlines()[-1:]
    assert line.startswith(f"surveyor: the vantage cannot start in {subnet} of {vpc} without a public address: Cannot")
    assert "CannotPullContainerError: pull image manifest has been retried" in line
    assert "i/o timeout; the task needs a way to public.ecr.aws and to S3: name subnets whose route" in line
    assert line.endswith("; nothing is left")
    assert inventory(account) == before
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


@pytest.mark.soak
def test_a_vantage_without_a_way_to_s3_says_so(tmp_path: Path) -> None:
    """Where the image is there, but no route to S3: the task ends with the reason; nothing is left."""
    with flowing(20, traffic="ruled") as running, mock.patch.dict(os.environ, running.environment):
        ec2 = running.clients().client("ec2", ACCOUNT)
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
        before = inventory(running)
        done = surveyor(running, *conform(running, tmp_path), f"--from-vpc={subnet}", "--claim", CLAIMS[0])
        assert done.returncode == 3
        [line] = done.stderr.splitlines()[-1:]
        assert line.startswith(f"surveyor: the vantage cannot start in {subnet} of {vpc} without a public address: Ess")
        assert "(it does not reach its mailbox in S3); the task needs a way to public.ecr.aws and to S3" in line
        assert line.endswith("; nothing is left")
        assert inventory(running) == before


@pytest.mark.soak
def test_a_wrong_clock_is_found_at_the_start(account: EmulatorAccount, tmp_path: Path) -> None:
    """Nothing is created then."""
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(
        "import datetime, botocore.auth as auth\nright = auth.get_current_datetime\n"
        "auth.get_current_datetime = lambda *given, **named: right(*given, **named) + datetime.timedelta(minutes=20)\n"
    )
    before = inventory(account)
    clock = {"PYTHONPATH": str(tmp_path / "clock")}
    done = surveyor(account, *conform(account, tmp_path), "--from-vpc", "--claim", CLAIMS[0], **clock)
    assert done.returncode == 3
    assert "this machine's clock is wrong" in done.stderr.splitlines()[-1]
    assert inventory(account) == before


@pytest.mark.soak
def test_subnets_that_cannot_be_used_are_refused(account: EmulatorAccount) -> None:
    """Those of several VPCs, of a VPC without a resolver, and those that do not exist."""
    ec2 = account.clients().client("ec2", ACCOUNT)
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    for subnets, words in (
        ([subnet], f"--from-vpc: {vpc} has no DNS support (enableDnsSupport), so that nothing is resolved there: name"),
        ([subnet, default], f"--from-vpc: expected subnets of one VPC; {subnet} is in {vpc}, "),
        (["subnet-00000000000000000"], "--from-vpc subnet-00000000000000000: The "),
    ):
        with pytest.raises(UsageError) as caught:
            choose_place(ec2, subnets)
        assert str(caught.value).startswith(words)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        ("embedded", {}, "--from-vpc does not go with embedded, whose tasks this machine reaches"),
        ("aws", {"dns": "10.0.0.2:53"}, "--from-vpc does not go with --dns ADDRESS:PORT"),
        ("aws", {"from_vpc": "subnet-1234567"}, "expected ids of subnets, subnet-… separated by commas, got 'subnet-1"),
        ("aws", {"from_vpc": ""}, "got ''"),
        ("aws", {"from_vpc": "subnet-0123456789abcdef0,"}, "got ''"),
        ("aws", {"from_vpc": "vpc-0123456789abcdef0"}, "got 'vpc-0123456789abcdef0'"),
        ("aws", {"from_vpc": "subnet-\x1b[31m"}, r"got 'subnet-\x1b[31m'"),
        ("aws", {"from_vpc": "x" * 100_000}, f"got '{'x' * 100}'"),
    ],
)
def test_other_requests_are_refused(target: str, options: dict[str, Any], words: str) -> None:
    """Before any call, with what was expected."""
    account = None if target == "embedded" else ACCOUNT
    with pytest.raises(UsageError) as caught:
        load_target(target, TARGETS, replace(TargetOptions(account=account, from_vpc="default"), **options))
    assert words in str(caught.value)


def test_subnets_are_those_of_tasks() -> None:
    """Subnets that are named take the place of those in the target file; calls to tasks become possible."""
    named = "subnet-0123456789abcdef0, subnet-0123456789abcdef1,subnet-0123456789abcdef0"
    target = load_target("aws", TARGETS, TargetOptions(account=ACCOUNT, from_vpc=named))
    assert target.from_vpc == ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1") == target.place.subnets
    assert {"ecs-processes", "health"} <= (target.features or set())
    assert load_target("aws", TARGETS, TargetOptions(account=ACCOUNT, from_vpc="default")).from_vpc == ()


def test_the_option_needs_no_value() -> None:
    """Without one it means the default VPC; a value that follows is taken."""
    assert _with_default_vpc(["conform", "--from-vpc"]) == ["conform", "--from-vpc=default"]
    assert _with_default_vpc(["conform", "--from-vpc", "--quick"]) == ["conform", "--from-vpc=default", "--quick"]
    assert _with_default_vpc(["--from-vpc", "subnet-1", "--quick"]) == ["--from-vpc", "subnet-1", "--quick"]
    assert _with_default_vpc([]) == []
