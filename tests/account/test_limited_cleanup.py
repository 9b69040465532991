"""Clean-up by a role that may change only what has the tag of a run: what is gone has no tags, and is denied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.account.ledger import Ledger, Owner
from surveyor.account.removal.cloudmap import delete_namespaces, delete_services
from surveyor.account.removal.ec2 import (
    delete_instances,
    delete_internet_gateways,
    delete_security_groups,
    delete_subnets,
    delete_vpcs,
)
from surveyor.account.removal.resolver import (
    delete_domain_lists,
    delete_endpoints,
    delete_rule_group_associations,
    delete_rule_groups,
    delete_rules,
    disassociate_rules,
)
from surveyor.report.build import find_leaked_resources
from surveyor.targets.running import reach_target
from surveyor.targets.sweep import close_run, not_searched
from tests.account.conftest import ACCOUNT
from tests.account.limited import limited, policies_for, without
from tests.account.test_runs import conform, surveyor

if TYPE_CHECKING:
    from tests.account.conftest import EmulatorAccount

REGION = "us-east-1"


@pytest.mark.soak
@pytest.mark.parametrize(
    ("delete", "identity"),
    [
        (delete_namespaces, "ns-0123456789abcdef"),
        (delete_services, "srv-0123456789abcdef"),
        (delete_subnets, "subnet-0123456789abcdef0"),
        (delete_security_groups, "sg-0123456789abcdef0"),
        (delete_internet_gateways, "igw-0123456789abcdef0"),
        (delete_vpcs, "vpc-0123456789abcdef0"),
        (delete_instances, "i-0123456789abcdef0"),
        (disassociate_rules, "rslvr-rrassoc-0123456789abcdef0"),
        (delete_rules, "rslvr-rr-0123456789abcdef0"),
        (delete_endpoints, "rslvr-out-0123456789abcdef0"),
        (delete_rule_group_associations, "rslvr-frgassoc-0123456789abcdef0"),
        (delete_rule_groups, "rslvr-frg-0123456789abcdef0"),
        (delete_domain_lists, "rslvr-fdl-0123456789abcdef0"),
    ],
)
def test_what_is_gone_is_no_problem(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, delete: Callable[..., Any], identity: str
) -> None:
    """It is denied and then looked for; what exists and is denied is a problem that names the action."""
    for name, value in limited(emulator, *policies_for("sweep")).items():
        monkeypatch.setenv(name, value)
    with reach_target(emulator.target(), 0) as running:
        assert dict(delete(running.account("0123abcd"), REGION, [identity])) == {}


@pytest.mark.soak
def test_what_must_not_be_looked_for_is_no_success(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is denied may be gone: if that cannot be read either, the problem names the read."""
    less = without(policies_for("sweep"), "servicediscovery:GetService")
    for name, value in limited(emulator, *less).items():
        monkeypatch.setenv(name, value)
    gone = "srv-0123456789abcdef"
    with reach_target(emulator.target(), 0) as running:
        problems = delete_services(running.account("0123abcd"), REGION, [gone])
        assert "servicediscovery:GetService" in problems[gone]


def test_what_belongs_to_others_is_denied(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A VPC without the tag stays, and the problem names the action."""
    vpc = emulator.clients().client("ec2", "444455556666").create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    for name, value in limited(emulator, *policies_for("sweep")).items():
        monkeypatch.setenv(name, value)
    with reach_target(emulator.target(), 0) as running:
        account = running.account("0123abcd")
        assert account.ownership is not None
        account.ownership.own([vpc])
        problems = delete_vpcs(account, REGION, [vpc])
        assert "ec2:DeleteVpc" in problems[vpc]
        assert account.client("ec2", REGION).describe_vpcs(VpcIds=[vpc])["Vpcs"]


@pytest.mark.soak
def test_a_run_says_what_it_could_not_search(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """It judges and deletes what it made; with all actions of its policy it says nothing."""
    policies = policies_for("conform")
    words = ("--claim", "services.create-is-synchronous", "--workers", "1")
    for missing in ((), ("sqs:ListQueues",)):
        environment = limited(emulator, *without(policies, *missing))
        done = surveyor(emulator, *conform(emulator, tmp_path / str(len(missing))), *words, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("not everything was searched for")]
        assert [action for line in lines for action in missing if action in line] == [*missing]
        assert len(lines) == len(missing)


@pytest.mark.soak
def test_the_end_of_a_run_says_which_action_kept_a_resource(
    emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each is named once, by the ledger and by its marks; one that must not be looked for is not taken for absent."""
    run = "0123abcd"
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "surveyor:run", "Value": run}]}]
    created = emulator.clients().client("ec2", ACCOUNT).create_vpc(CidrBlock="10.78.0.0/16", TagSpecifications=tags)
    owner = Owner(run, "aws", ACCOUNT, REGION)
    ledger = Ledger(tmp_path / "ledger-main.jsonl", owner)
    number = ledger.record_intent("ec2", "CreateVpc", {}, REGION)
    assert number
    ledger.record_result(number, "ec2:CreateVpc", created)
    ledger.record_intent("elbv2", "CreateTargetGroup", {"Name": f"surveyor-{run}-lb-1"}, REGION)
    ledger.close()
    less = without(policies_for("sweep"), "ec2:DeleteVpc", "elasticloadbalancing:DescribeTargetGroups")
    for name, value in limited(emulator, *less).items():
        monkeypatch.setenv(name, value)
    close_run(tmp_path, owner, emulator.target(), reach_target, not_searched(emulator.target()))
    assert find_leaked_resources(tmp_path) == (
        f"VPC {created['Vpc']['VpcId']}: not permitted: ec2:DeleteVpc",
        f"target group surveyor-{run}-lb-1 (may exist): not permitted: elasticloadbalancing:DescribeTargetGroups",
    )
