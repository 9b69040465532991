"""A run takes only as many VPCs as the account has room for, and says so when it takes the last."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.account.ledger import Ledger, Owner, Shared
from surveyor.account.room import Room, VpcRoom, find_vpc_room
from surveyor.account.side_effects import without_side_effects
from surveyor.clock import WallClock
from surveyor.errors import Inconclusive
from surveyor.report.file import load_report
from tests.account.conftest import EmulatorAccount, flowing
from tests.account.kills import list_resources
from tests.account.test_runs import conform, surveyor

OWNER = Owner("abcd1234", "aws", "111122223333", "us-east-1")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetServiceQuota")


class Ec2AndQuotas:
    """The clients of an account with this many VPCs, and this quota: a number, or the error of GetServiceQuota."""

    def __init__(self, vpcs: int, quota: int | Exception) -> None:
        self.vpcs, self.quota = vpcs, quota

    def __call__(self, service: str, region: str) -> Any:
        """Return itself, as the client of each service."""
        return self

    def get_paginator(self, operation: str) -> Any:
        """Return itself, as the paginator of DescribeVpcs."""
        return self

    def paginate(self) -> list[dict[str, Any]]:
        """Return the pages of DescribeVpcs."""
        return [{"Vpcs": [{"VpcId": f"vpc-{number}"}]} for number in range(self.vpcs)]

    def get_service_quota(self, **_: Any) -> dict[str, Any]:
        """Answer GetServiceQuota."""
        if isinstance(self.quota, Exception):
            raise self.quota
        return {"Quota": {"Value": float(self.quota)}}


@pytest.mark.parametrize(
    ("vpcs", "quota", "own", "places", "words"),
    [
        (1, 5, [], 4, ""),
        (3, 5, [], 2, ""),
        (4, 5, [], 1, "VPCs: 4 of 5 are in use in us-east-1: a run that needs one takes the last until it ends"),
        (5, 5, [], 0, "VPCs: 5 of 5 are in use in us-east-1: claims that need a new one are inconclusive"),
        (6, 5, [], 0, "6 of 5"),
        (5, 5, ["vpc-3", "vpc-4", "vpc-deleted"], 2, ""),
        (6, 20, [], 14, ""),
        (4, DENIED, [], 1, "4 of 5"),
        (5, DENIED, [], math.inf, ""),
        (9, LookupError("Quota"), [], math.inf, ""),
    ],
)
def test_room_is_what_others_leave(
    vpcs: int, quota: int | Exception, own: list[str], places: float, words: str
) -> None:
    """By the quota of the account, else by the default one, unless the account has as many already."""
    found = find_vpc_room(Ec2AndQuotas(vpcs, quota), "us-east-1", own)
    assert found.room().places == places
    assert words in found.describe()
    assert bool(words) == bool(found.describe())


@pytest.mark.parametrize(("quota", "words"), [(5, "the quota of us-east-1 is 5"), (DENIED, "permit that call")])
def test_a_quota_that_was_not_read_is_not_stated(quota: int | Exception, words: str) -> None:
    """The call that would have said it is named: the quota may have been raised."""
    why = find_vpc_room(Ec2AndQuotas(4, quota), "us-east-1", []).room().why
    assert words in why
    assert ("servicequotas:GetServiceQuota did not say the quota" in why) == (quota is DENIED)


def test_without_permission_to_list_nothing_is_limited() -> None:
    """EC2 decides then."""

    def refuse(service: str, region: str) -> Any:
        raise DENIED

    assert find_vpc_room(refuse, "us-east-1", []).room().places == math.inf


def create_vpc(ledger: Ledger, identifier: str) -> int:
    """Write that a VPC is created, and was."""
    number = ledger.record_intent("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"}, "us-east-1")
    assert number is not None
    ledger.record_result(number, "ec2:CreateVpc", {"Vpc": {"VpcId": identifier}})
    return number


def test_a_worker_waits_for_the_vpc_of_another(tmp_path: Path) -> None:
    """The room counts those of all workers in the Region; what tests share is not waited for."""
    ledgers = [Ledger(tmp_path / f"ledger-gw{number}.jsonl", OWNER) for number in range(2)]
    seen: list[list[str]] = []

    def room(region: str, own: Any) -> Room:
        seen.append(list(own))
        return VpcRoom(region, 5, 3, len(own)).room()

    for ledger in ledgers:
        ledger.rooms["VPC"] = room
    first, second = ledgers
    shared = create_vpc(first, "vpc-1")
    first.record_shared(Shared("VPC", "vpc-1", shared))
    other = create_vpc(first, "vpc-2")
    assert ledgers[1].record_intent("ec2", "CreateSubnet", {}, "us-east-1") == 1
    second.pause = lambda _: first.record_removed(other)
    create_vpc(second, "vpc-3")
    assert seen[-2:] == [["vpc-1", "vpc-2"], ["vpc-1"]]
    second.record_shared(Shared("VPC", "vpc-3", second.count))
    pauses: list[float] = []
    first.pause = pauses.append
    with pytest.raises(
        Inconclusive, match=r"VPCs per Region: the quota of us-east-1 is 5 \(L-F678F1CE\), others have 3 and this run 2"
    ):
        create_vpc(first, "vpc-4")
    assert pauses == []  # all that the run has is shared, and stays until its end
    for ledger in ledgers:
        ledger.close()


def test_a_cluster_has_no_container_insights() -> None:
    """Unless the call has settings: whatever the account's default is, no log group is made."""
    disabled = [{"name": "containerInsights", "value": "disabled"}]
    enabled = {"clusterName": "a", "settings": [{"name": "containerInsights", "value": "enabled"}]}
    assert without_side_effects("ecs", "CreateCluster", {"clusterName": "a"}) == {
        "clusterName": "a",
        "settings": disabled,
    }
    assert without_side_effects("ecs", "CreateCluster", enabled) is None
    assert without_side_effects("ecs", "CreateService", {}) is None


OTHERS = 4
"""Cloud Map services of other teams, each in a namespace."""

CLAIMS = ("--claim", "namespaces.private.creates-zone-in-one-vpc", "--claim", "services.create-is-synchronous")
QUICK = "attributes.unknown-service"


def run(emulator: EmulatorAccount, out: Path, *claims: str) -> Any:
    """Judge claims, by default some that need two VPCs or none; nothing may be left."""
    clients = emulator.clients()
    WallClock().eventually(
        lambda: len(clients.client("servicediscovery", "").list_services()["Services"]) == OTHERS, within=30
    )
    before = list_resources(clients)
    done = surveyor(emulator, *conform(emulator, out), *(claims or CLAIMS), "--workers", "1")
    assert list_resources(emulator.clients()) == before
    return done


@pytest.mark.soak
def test_a_run_in_a_full_account_is_inconclusive_before_the_call(tmp_path: Path) -> None:
    """With four of five in use the second VPC is not asked for; the run says at once that it takes the last.

    A quick run takes none, and does not say so.
    """
    with flowing(residents="some") as emulator:
        done = run(emulator, tmp_path)
        quick = run(emulator, tmp_path / "quick", "--quick", "--claim", QUICK)
    assert (quick.returncode, "VPCs:" in quick.stderr) == (0, False), quick.stderr
    assert "VPCs: 4 of 5 are in use in us-east-1: a run that needs one takes the last until it ends" in done.stderr
    details = {test.detail for claim in load_report(tmp_path / "report.json").claims for test in claim.tests}
    assert any("the quota of us-east-1 is 5 (L-F678F1CE), others have 4 and this run 1" in text for text in details)
    assert not any("VpcLimitExceeded" in text for text in details)


@pytest.mark.soak
def test_a_raised_quota_is_respected(tmp_path: Path) -> None:
    """Service Quotas says how many there may be, and all claims are judged."""
    with flowing(20.0, **{"residents": "some", "quotas.vpcs": "8"}) as emulator:
        done = run(emulator, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VPCs:" not in done.stderr
