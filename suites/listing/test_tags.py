"""Tags of namespaces and services."""

import pytest

from surveyor.testing import proves, raises


@pytest.fixture(params=["namespace", "service"])
def arn(request, make_service, make_namespace):
    """Return the ARN of a new namespace, and of a new service."""
    kind = request.param
    namespace = make_namespace("http", Tags=[])
    return str(namespace["Arn"] if kind == "namespace" else make_service(namespace, Tags=[])["Arn"])


def tags_of(cloudmap, arn):
    """Return the tags of a resource by key."""
    return {tag["Key"]: tag["Value"] for tag in cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"]}


@proves("listing.tags-round-trip")
def test_tags_are_added_overwritten_and_removed(cloudmap, arn):
    """TagResource adds and overwrites by key, UntagResource removes by key; other tags do not change."""
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}, {"Key": "stage", "Value": "test"}])
    assert tags_of(cloudmap, arn) == {"team": "red", "stage": "test"}
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "blue"}, {"Key": "Team", "Value": "other"}])
    assert tags_of(cloudmap, arn) == {"team": "blue", "stage": "test", "Team": "other"}
    cloudmap.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert tags_of(cloudmap, arn) == {"stage": "test", "Team": "other"}


@proves("listing.tags-round-trip")
def test_tags_are_set_at_creation(cloudmap, wait_for_success, make_service, unique_name):
    """A namespace and a service have the tags of their create call."""
    operation = wait_for_success(
        cloudmap.create_http_namespace(Name=unique_name("ns"), Tags=[{"Key": "team", "Value": "red"}])
    )
    namespace = cloudmap.get_namespace(Id=operation["Targets"]["NAMESPACE"])["Namespace"]
    assert tags_of(cloudmap, namespace["Arn"]) == {"team": "red"}
    service = make_service(namespace, Tags=[{"Key": "team", "Value": "blue"}])
    assert tags_of(cloudmap, service["Arn"]) == {"team": "blue"}


@proves("listing.tags-round-trip")
def test_longest_tags_are_accepted(cloudmap, arn):
    """Keys of 1 and 128 characters, and values of 0 and 256 characters, are accepted."""
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": ""}, {"Key": "k" * 128, "Value": "v" * 256}])
    assert tags_of(cloudmap, arn) == {"k": "", "k" * 128: "v" * 256}


@proves("listing.tags-round-trip")
@pytest.mark.parametrize(
    "tag",
    [
        {"Key": "", "Value": "v"},
        {"Key": "k" * 129, "Value": "v"},
        {"Key": "k", "Value": "v" * 257},
        {"Key": "k"},
        {"Value": "v"},
    ],
    ids=["empty key", "key of 129", "value of 257", "no value", "no key"],
)
def test_other_tags_are_refused(cloudmap, make_namespace, tag):
    """Longer or missing keys and values raise InvalidInput and change no tag."""
    arn = make_namespace("http", Tags=[])["Arn"]
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}])
    with raises("InvalidInput"):
        cloudmap.tag_resource(ResourceARN=arn, Tags=[tag])
    assert tags_of(cloudmap, arn) == {"team": "red"}
