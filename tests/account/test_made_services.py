"""Policies have what a command makes and deletes, and nothing of services in which it makes nothing."""

from __future__ import annotations

import re

import pytest

from surveyor.account.marked import SEARCHED
from surveyor.account.needed_calls import PUBLIC_TASKS, made_services, needed_operations
from surveyor.account.permissions import required_actions
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.sweep import not_searched
from surveyor_policies.dependent import DEPENDENT
from tests.account.leftover_kinds import BY_LEDGER, BY_SEARCH, KINDS, kind_for


@pytest.mark.parametrize("command", ["recordings", "model", "chaos", "load", "advise"])
def test_commands_clean_up_only_where_they_make_something(command: str) -> None:
    """Nothing is deleted in other services, and a search at the end of a run asks no other."""
    made = made_services(command)
    assert made is not None
    deleted = {name for name in needed_operations(command) if ":Delete" in name and "Message" not in name}
    assert {name.partition(":")[0] for name in deleted} <= set(made)
    target = load_target("aws", find_layout().targets, TargetOptions(account="111122223333"))
    assert SEARCHED - not_searched(target, command) <= set(made)
    assert not_searched(target, command, service=True) == SEARCHED
    assert SEARCHED - not_searched(target, "conform") == SEARCHED - {"iam", "route53resolver"}


@pytest.mark.parametrize("command", ["conform", "recordings", "chaos", "load", "advise"])
def test_only_tasks_with_public_addresses_need_network_interfaces(command: str) -> None:
    """At which they are called."""
    read = "ec2:DescribeNetworkInterfaces"
    assert read not in needed_operations(command, ["ecs-processes"])
    assert needed_operations(command, ["ecs-processes", PUBLIC_TASKS]) - {read} == needed_operations(
        command, ["ecs-processes"]
    )
    assert read in needed_operations(command, ["ecs-processes", PUBLIC_TASKS])


def test_each_action_of_a_sweep_is_tried_where_something_is_left() -> None:
    """Those that search for it are asked for by each sweep of an account."""
    actions = required_actions(needed_operations("sweep"), DEPENDENT)
    without_trial = [action for action in actions if not (kind_for(action, BY_LEDGER) or kind_for(action, BY_SEARCH))]
    searching = re.compile(r":(?:List(?!Tags)|Describe|GetResourceShares)")
    assert [action for action in without_trial if not searching.search(action)] == []
    assert {*BY_LEDGER, *BY_SEARCH} <= {*KINDS}


def test_recordings_of_shares_delete_them() -> None:
    """Only with a second account."""
    assert "ram:DeleteResourceShare" not in needed_operations("recordings")
    shared = needed_operations("recordings", ["sharing"])
    assert {"ram:CreateResourceShare", "ram:DeleteResourceShare", "ram:GetResourceShares"} <= shared
