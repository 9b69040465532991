"""Hosted zones and health checks can be tagged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.core.errors import ServiceError


def test_tags_are_added_changed_and_removed(route53: Callable[..., Any], zone: str) -> None:
    """Within one request, removals are applied before additions."""
    own = zone.removeprefix("/hostedzone/")
    target = {"ResourceType": "hostedzone", "ResourceId": own}
    route53("ChangeTagsForResource", **target, AddTags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    route53("ChangeTagsForResource", **target, AddTags=[{"Key": "a", "Value": "3"}], RemoveTagKeys=["b"])
    expected = {**target, "Tags": [{"Key": "a", "Value": "3"}]}
    assert route53("ListTagsForResource", **target)["ResourceTagSet"] == expected
    sets = route53("ListTagsForResources", ResourceType="hostedzone", ResourceIds=[own])["ResourceTagSets"]
    assert sets == [expected]


def test_a_resource_has_at_most_ten_tags(route53: Callable[..., Any], zone: str) -> None:
    """An eleventh tag is refused, changing an existing tag is not."""
    target = {"ResourceType": "hostedzone", "ResourceId": zone.removeprefix("/hostedzone/")}
    route53("ChangeTagsForResource", **target, AddTags=[{"Key": str(n), "Value": ""} for n in range(10)])
    with pytest.raises(ServiceError, match="InvalidInput"):
        route53("ChangeTagsForResource", **target, AddTags=[{"Key": "10", "Value": ""}])
    route53("ChangeTagsForResource", **target, AddTags=[{"Key": "9", "Value": "new"}])


@pytest.mark.parametrize(("kind", "code"), [("hostedzone", "NoSuchHostedZone"), ("healthcheck", "NoSuchHealthCheck")])
def test_resources_must_exist(route53: Callable[..., Any], kind: str, code: str) -> None:
    """The error for an unknown resource depends on its type."""
    for operation, request in (
        ("ListTagsForResource", {"ResourceId": "none"}),
        ("ListTagsForResources", {"ResourceIds": ["none"]}),
        ("ChangeTagsForResource", {"ResourceId": "none", "RemoveTagKeys": ["a"]}),
    ):
        with pytest.raises(ServiceError, match=code):
            route53(operation, ResourceType=kind, **request)


def test_a_tag_must_have_a_key(route53: Callable[..., Any], zone: str) -> None:
    """The model does not require a key, but a tag without one is InvalidInput."""
    target = {"ResourceType": "hostedzone", "ResourceId": zone.removeprefix("/hostedzone/")}
    with pytest.raises(ServiceError, match="InvalidInput"):
        route53("ChangeTagsForResource", **target, AddTags=[{"Value": "map"}])
