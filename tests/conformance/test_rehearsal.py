"""The target of a rehearsal: an account in use on an advanced clock, with what the real run brings along."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surveyor.conformance.rehearsal import rehearsal_target
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import DEFAULT_VPC, TargetOptions

LAYOUT = find_layout()


@pytest.mark.parametrize(
    ("options", "has_room"),
    [(TargetOptions(from_vpc=DEFAULT_VPC), True), (TargetOptions(vpc="vpc-0123456789abcdef0"), True),
     (TargetOptions(), False)],
    ids=["the default VPC", "a VPC by name", "none"],
)  # fmt: skip
def test_a_run_that_brings_its_vpc_has_room_for_it(options: TargetOptions, has_room: bool) -> None:
    """The rehearsal creates the VPC that the run has, so that the quota leaves as much for others as in the account."""
    chosen = load_target("aws", LAYOUT.targets, replace(options, account="111122223333"))
    with rehearsal_target(chosen, LAYOUT) as (file, _):
        argv = load_target(str(file), LAYOUT.targets).start.argv  # type: ignore[union-attr]  # it is started
    assert ("quotas.vpcs=6" in argv) is has_room
    assert "advance" in argv


def test_calls_to_stopped_tasks_are_answered() -> None:
    """The profile lets them vanish, and time-outs pass on the wall: with tasks that are called a plan took hours."""
    target = load_target("aws", LAYOUT.targets, TargetOptions(account="111122223333", enable=("ecs-processes",)))
    with rehearsal_target(target, LAYOUT) as (file, _):
        start = load_target(str(file), LAYOUT.targets).start
    assert start is not None
    assert "stopped_addresses=refuse" in start.argv
