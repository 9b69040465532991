"""Tags of hosted zones and health checks."""

import pytest

from surveyor.testing import for_each, proves, raises

# A public address; the check is disabled, so that it is not probed.
CHECK = {"Type": "TCP", "IPAddress": "205.251.192.1", "Port": 53, "Disabled": True}
UNKNOWN = {"hostedzone": "Z0123456789ABCDEFGHIJ", "healthcheck": "01234567-89ab-cdef-0123-456789abcdef"}
NOT_FOUND = {"hostedzone": "NoSuchHostedZone", "healthcheck": "NoSuchHealthCheck"}


@pytest.fixture
def resources(route53, make_zone, unique_name, kind):
    """Create two resources of a kind, and return their ids."""
    if kind == "hostedzone":
        return [make_zone()["HostedZone"]["Id"].rpartition("/")[2] for _ in range(2)]
    created = [
        route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=CHECK) for _ in range(2)
    ]
    return [check["HealthCheck"]["Id"] for check in created]


def tags(**values):
    """Return these tags."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


@proves("route53.tags.added-edited-and-removed")
@for_each("kind", ["hostedzone", "healthcheck"])
def test_tags_are_added_edited_and_removed(route53, resources, kind):
    """Tags of a resource are added, replaced and removed, and both list calls show them; the other has none."""
    # ChangeTagsForResource: "Adds, edits, or deletes tags for a health check or a hosted zone."
    tagged, other = ({"ResourceType": kind, "ResourceId": resource} for resource in resources)
    for call, expected in (
        ({"AddTags": tags(colour="red", size="1")}, tags(colour="red", size="1")),
        ({"AddTags": tags(size="2"), "RemoveTagKeys": ["colour"]}, tags(size="2")),
        ({"AddTags": tags(shape="round")}, tags(shape="round", size="2")),
        ({"RemoveTagKeys": ["absent", "size"]}, tags(shape="round")),
    ):
        route53.change_tags_for_resource(**tagged, **call)
        shown = route53.list_tags_for_resource(**tagged)["ResourceTagSet"]
        assert sorted(shown["Tags"], key=str) == sorted(expected, key=str)
        assert (shown["ResourceType"], shown["ResourceId"]) == (kind, resources[0])
    assert route53.list_tags_for_resource(**other)["ResourceTagSet"]["Tags"] == []
    sets = route53.list_tags_for_resources(ResourceType=kind, ResourceIds=resources)["ResourceTagSets"]
    assert {found["ResourceId"]: found["Tags"] for found in sets} == {
        resources[0]: tags(shape="round"),
        resources[1]: [],
    }


@proves("route53.tags.at-most-ten")
@for_each("kind", ["hostedzone", "healthcheck"])
def test_resource_has_at_most_ten_tags(route53, resources, kind):
    """An eleventh tag is refused; a tenth, and another value of an existing one, are accepted."""
    # ChangeTagsForResourceRequest.AddTags: "You can add a maximum of 10 tags to a health check or a hosted zone."
    named = {"ResourceType": kind, "ResourceId": resources[0]}
    ten = {f"key-{number}": "" for number in range(10)}
    route53.change_tags_for_resource(**named, AddTags=tags(**ten))
    with raises("InvalidInput"):
        route53.change_tags_for_resource(**named, AddTags=tags(another="1"))
    route53.change_tags_for_resource(**named, AddTags=tags(**{"key-3": "3"}))
    shown = route53.list_tags_for_resource(**named)["ResourceTagSet"]["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in shown} == {**ten, "key-3": "3"}


@proves("route53.tags.of-existing-resources")
@for_each("kind", ["hostedzone", "healthcheck"])
def test_unknown_resource_has_no_tags(route53, resources, kind):
    """Changing and listing tags of an absent resource is refused, also beside one that exists, and so is no key."""
    absent = {"ResourceType": kind, "ResourceId": UNKNOWN[kind]}
    with raises(NOT_FOUND[kind]):
        route53.change_tags_for_resource(**absent, AddTags=tags(colour="red"))
    with raises(NOT_FOUND[kind]):
        route53.list_tags_for_resource(**absent)
    with raises(NOT_FOUND[kind]):
        route53.list_tags_for_resources(ResourceType=kind, ResourceIds=[resources[0], UNKNOWN[kind]])
    with raises("InvalidInput"):
        route53.change_tags_for_resource(ResourceType=kind, ResourceId=resources[0], AddTags=[{"Value": "red"}])
