"""The tag of a run on what it creates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surveyor.account.tags import TAG, add_run_tag, add_tags, without_tags
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions

ARN = "arn:aws:servicediscovery:us-east-1:111122223333:namespace/ns-1"


@pytest.mark.parametrize("operation", ["CreateHttpNamespace", "CreateService"])
def test_create_calls_of_cloud_map_carry_the_tag(operation: str) -> None:
    """The tag is added unless the call has tags; other calls are left as they are."""
    tagged = {"Name": "a", "Tags": [{"Key": TAG, "Value": "run"}]}
    assert add_run_tag("servicediscovery", operation, {"Name": "a"}, "run") == tagged
    assert add_run_tag("servicediscovery", operation, tagged, "run") is None
    assert add_run_tag("servicediscovery", "DeleteService", {"Id": "a"}, "run") is None


def test_services_in_another_accounts_namespace_carry_none() -> None:
    """A namespace that is named by its ARN may be shared, where AWS refuses tags at creation."""
    assert add_run_tag("servicediscovery", "CreateService", {"Name": "a", "NamespaceId": ARN}, "run") is None
    assert add_run_tag("servicediscovery", "CreateService", {"Name": "a", "NamespaceId": "ns-1"}, "run")
    named = {"Name": "a", "NamespaceId": ARN}
    assert add_run_tag("servicediscovery", "CreateService", named, "run", "999999999999") is None
    assert add_run_tag("servicediscovery", "CreateService", named, "run", "111122223333")


TAGS = {"cost-centre": "42", "Team": "platform"}
PAIRS = [{"Key": "cost-centre", "Value": "42"}, {"Key": "Team", "Value": "platform"}]
OWN = {"Key": "cost-centre", "Value": "own"}
RUN = {"key": TAG, "value": "r"}
LOWER = [{"key": "cost-centre", "value": "42"}, {"key": "Team", "value": "platform"}]


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("servicediscovery", "CreateService", {"Name": "a"}, {"Tags": PAIRS}),
        ("servicediscovery", "CreateService", {"NamespaceId": ARN}, {}),
        ("servicediscovery", "DeleteService", {"Id": "a"}, {}),
        ("servicediscovery", "CreateHttpNamespace", {"Tags": [OWN]}, {"Tags": [OWN, PAIRS[1]]}),
        ("servicediscovery", "CreateHttpNamespace", {"Tags": "x"}, {}),
        ("servicediscovery", "CreateHttpNamespace", {"Tags": [{"Key": str(number)} for number in range(50)]}, {}),
        ("ec2", "CreateVpc", {}, {"TagSpecifications": [{"ResourceType": "vpc", "Tags": PAIRS}]}),
        ("ecs", "RunTask", {}, {"tags": LOWER}),
        ("ecs", "CreateService", {}, {"tags": LOWER, "propagateTags": "SERVICE"}),
        ("ecs", "CreateService", {"tags": [RUN]}, {"tags": [RUN, *LOWER], "propagateTags": "SERVICE"}),
        ("ecs", "CreateService", {"propagateTags": "NONE"}, {"tags": LOWER, "propagateTags": "NONE"}),
        ("ecs", "CreateService", {"tags": [{"key": "a", "value": ""}]}, {"tags": [{"key": "a", "value": ""}, *LOWER]}),
        ("sqs", "CreateQueue", {}, {"tags": TAGS}),
        ("logs", "CreateLogGroup", {"tags": {"a": "b"}}, {"tags": {"a": "b", **TAGS}}),
        ("events", "PutRule", {}, {"Tags": PAIRS}),
        ("elbv2", "CreateLoadBalancer", {}, {"Tags": PAIRS}),
        ("acm-pca", "CreateCertificateAuthority", {}, {"Tags": PAIRS}),
        ("route53", "CreateHostedZone", {"Name": "a"}, {}),
    ],
)  # fmt: skip
def test_tags_of_the_user_are_added(
    service: str, operation: str, params: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Each call that creates something gets them, in its form; tags that it has stay, also wrong ones."""
    assert add_tags(service, operation, params, TAGS) == {**params, **expected}
    assert add_tags(service, operation, params, {}) == params


def test_everything_that_an_instance_is_made_of_is_tagged() -> None:
    """Its volume and its interface get the tags too, and its own tags stay."""
    given = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]
    found = add_tags("ec2", "RunInstances", {"TagSpecifications": given}, TAGS)["TagSpecifications"]
    assert {entry["ResourceType"]: entry["Tags"] for entry in found} == {
        "instance": [{"Key": "a", "Value": "b"}, *PAIRS],
        "volume": PAIRS,
        "network-interface": PAIRS,
    }


def test_answers_have_no_tags_of_the_user() -> None:
    """Tests find the tags that they gave, also one of the same key with another value."""
    answer = {"Tags": [*PAIRS, OWN], "services": [{"tags": [*LOWER, {"key": "a", "value": "b"}]}], "n": 1}
    assert without_tags(answer, TAGS) == {"Tags": [OWN], "services": [{"tags": [{"key": "a", "value": "b"}]}], "n": 1}


@pytest.mark.parametrize(
    "texts",
    [
        ["a"], [""], ["=b"], ["a=1", "a=2"], ["a=1", "A=2"], ["aws:a=1"], ["AWS:a=1"], ["surveyor:run=1"],
        ["Surveyor:x=1"],
        ["k" * 129 + "=1"], ["a=" + "v" * 257], ["a<b=1"], ["a=b;c"], ["a\nb=1"], ["a=\x1b[31m"], ["a=\u202e"],
        [f"k{number}=1" for number in range(50)],
    ],
)  # fmt: skip
def test_tags_that_no_resource_may_have_are_refused(texts: list[str]) -> None:
    """Wrong form, twice the same key in any case, reserved prefixes, too long, other characters, too many."""
    with pytest.raises(UsageError, match=r"^--tag: [^\n]{1,300}$"):
        load_target("embedded", find_layout().targets, TargetOptions(tag=tuple(texts)))


@pytest.mark.parametrize("text", ["a=", "k=a=b", "Kostenstelle/Ü=4 2", f"{'k' * 128}={'v' * 256}"])
def test_tags_within_the_limits_are_taken(text: str) -> None:
    """An empty value, further equals signs, letters of other alphabets, and the longest ones."""
    key, _, value = text.partition("=")
    assert load_target("embedded", find_layout().targets, TargetOptions(tag=(text,))).tags == {key: value}


def test_tags_of_a_target_file(tmp_path: Path) -> None:
    """The table [tags] holds them; the command line replaces one; a wrong one is refused with file and line."""
    path = tmp_path / "mine.toml"
    path.write_text('endpoint = "aws"\n[tags]\nteam = "red"\nstage = "test"\n')
    assert load_target(str(path), tmp_path).tags == {"team": "red", "stage": "test"}
    assert load_target(str(path), tmp_path, TargetOptions(tag=("team=blue",))).tags == {"team": "blue", "stage": "test"}
    path.write_text('endpoint = "aws"\n[tags]\n"aws:team" = "red"\n')
    with pytest.raises(UsageError, match=r"mine.toml:\d+: tags: 'aws:team' begins with a reserved prefix"):
        load_target(str(path), tmp_path)


def test_cloud_map_has_the_tag_of_the_run_beside_those_of_a_test() -> None:
    """A policy can demand it of every creation; what is wrong, or full, stays as it is."""
    added = add_run_tag("servicediscovery", "CreateService", {"Tags": [OWN]}, "run")
    assert added == {"Tags": [OWN, {"Key": TAG, "Value": "run"}]}
    full = [{"Key": str(number), "Value": ""} for number in range(50)]
    for given in ("x", full):
        assert add_run_tag("servicediscovery", "CreateService", {"Tags": given}, "run") is None
