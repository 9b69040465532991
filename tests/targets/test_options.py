"""Options of the command line that change a target."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.account.budget import Budget
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.targets import Credentials, Dns, Target, load_target
from surveyor.targets.options import TargetOptions, split_features

ACCOUNT = "111122223333"


def load(name: str, **options: Any) -> Target:
    """Load a target with options."""
    return load_target(name, find_layout().targets, TargetOptions(**options))


def test_aws_needs_only_the_account() -> None:
    """AWS has its own endpoints, one account that outlives the run, a budget, and features that are off by default."""
    target = load("aws", account=ACCOUNT)
    assert (target.endpoint, target.start, target.account) == (None, None, ACCOUNT)
    assert target.is_one_account
    assert not target.is_local
    assert target.inject_host_prefix
    on_request = {"quotas", "throttling", "regions", "ecs-processes", "private-ca", "resolver", "principals"}
    assert target.on_request == on_request
    assert not target.on_request & (target.features or set())
    assert target.budget.dollars < 1_000


def test_aws_at_an_endpoint_is_otherwise_the_same() -> None:
    """Only endpoint, host prefix and vantage differ."""
    target = load("aws", account=ACCOUNT, endpoint="http://127.0.0.1:4566/", dns="control")
    assert (target.endpoint, target.inject_host_prefix, target.dns) == (
        "http://127.0.0.1:4566", False, Dns("control"),
    )  # fmt: skip
    assert (target.credentials, target.features) == (Credentials("environment"), load("aws", account=ACCOUNT).features)
    without_names = load("aws", account=ACCOUNT, endpoint="http://127.0.0.1:1")
    assert without_names.dns == Dns()
    assert (target.features or set()) - (without_names.features or set()) == {"dns", "public-dns"}
    assert load("aws", account=ACCOUNT, dns="none").features == without_names.features


def test_options_override_the_file() -> None:
    """Enabled features are tested, a budget tightens the file's, and a region of the list is used."""
    target = load("aws", account=ACCOUNT, region="eu-west-1", enable=("quotas",), budget="calls=5", vpc="vpc-1")
    assert (target.region, target.vpc, target.budget.calls) == ("eu-west-1", "vpc-1", 5)
    assert "quotas" in (target.features or ())
    assert "throttling" not in (target.features or ())
    assert target.budget.minutes == load("aws", account=ACCOUNT).budget.minutes


def test_private_names_need_a_resolver_of_the_vpc() -> None:
    """On AWS the address is the VPC's resolver; public names are still resolved by their zone's name servers."""
    assert load("aws", account=ACCOUNT).dns == Dns("zones")
    assert load("aws", account=ACCOUNT, dns="10.0.0.2:53").dns == Dns("zones", "10.0.0.2", 53)
    assert load("http://127.0.0.1:4566", dns="10.0.0.2:53").dns == Dns("address", "10.0.0.2", 53)


def test_tests_of_a_local_target_can_share_one_account() -> None:
    """With --account all tests use it; a target that Surveyor starts needs no credentials of the user for that."""
    started = load("embedded", account=ACCOUNT)
    assert (started.is_one_account, started.credentials.kind) == (True, "per-test")
    running = load("http://127.0.0.1:4566", account=ACCOUNT)
    assert (running.is_one_account, running.credentials.kind) == (True, "environment")
    assert load("embedded").budget == Budget()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("aws", {}, "name it with --account"),
        ("aws", {"account": "1234"}, "--account must be 12 digits, not '1234'"),
        ("aws", {"account": ACCOUNT, "region": "eu-wets-1"}, "not in eu-wets-1"),
        ("aws", {"account": ACCOUNT, "enable": ("quota",)}, "did you mean 'quotas'"),
        ("aws", {"account": ACCOUNT, "budget": "money=1"}, "but no 'money'"),
        ("aws", {"account": ACCOUNT, "dns": "here"}, 'must be "control", "none" or ADDRESS:PORT'),
        ("aws", {"account": ACCOUNT, "endpoint": "ftp://x"}, "is not an endpoint"),
        ("aws", {"account": ACCOUNT, "endpoint": "https://sts.amazonaws.com"}, "is a real account"),
        ("embedded", {"endpoint": "http://127.0.0.1:1"}, "--endpoint does not go with embedded"),
        ("http://127.0.0.1:1", {"endpoint": "http://127.0.0.1:1"}, "which has one"),
        ("embedded", {"enable": ("quotas",)}, "embedded has nothing to enable"),
        ("embedded", {"budget": "calls=1"}, "where nothing costs anything"),
        ("embedded", {"vpc": "vpc-1"}, "--vpc does not go with embedded"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(name: str, options: dict[str, Any], message: str) -> None:
    """The error is one line, before any call."""
    with pytest.raises(UsageError) as refusal:
        load(name, **options)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_features_are_enabled_separately_or_together() -> None:
    """`--enable a,b` is `--enable a --enable b`."""
    assert split_features(["quotas, throttling", "regions", ""]) == ("quotas", "throttling", "regions")


def test_workers_get_the_same_options() -> None:
    """Options of the command line become options of pytest."""
    options = TargetOptions(
        ACCOUNT, "eu-west-1", "http://127.0.0.1:1", "control", "vpc-1", "arn:role", ("quotas",), "calls=1"
    )
    assert options.arguments() == [
        "--account", ACCOUNT, "--region", "eu-west-1", "--endpoint", "http://127.0.0.1:1", "--dns", "control",
        "--vpc", "vpc-1", "--role", "arn:role", "--budget", "calls=1", "--enable", "quotas",
    ]  # fmt: skip
    assert TargetOptions().arguments() == []
