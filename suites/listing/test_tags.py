"""Tags of namespaces and services."""

import pytest

from surveyor.testing import for_each, proves, raises


@pytest.fixture(params=["http", "private", "public", "service"])
def arn(request, make_service, make_namespace):
    """Return the ARN of a new namespace of each type, and of a new service."""
    if request.param != "service":
        return make_namespace(request.param, Tags=[])["Arn"]
    return make_service(make_namespace("http", Tags=[]), Tags=[])["Arn"]


def tags_of(cloudmap, arn):
    """Return the tags of a resource by key."""
    return {tag["Key"]: tag["Value"] for tag in cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"]}


@proves("listing.tags-round-trip")
def test_tags_are_added_overwritten_and_removed(cloudmap, arn):
    """TagResource adds and overwrites by key, UntagResource removes by key; other tags do not change."""
    assert tags_of(cloudmap, arn) == {}
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}, {"Key": "stage", "Value": "test"}])
    assert tags_of(cloudmap, arn) == {"team": "red", "stage": "test"}
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "blue"}, {"Key": "Team", "Value": "other"}])
    assert tags_of(cloudmap, arn) == {"team": "blue", "stage": "test", "Team": "other"}
    cloudmap.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert tags_of(cloudmap, arn) == {"stage": "test", "Team": "other"}
    cloudmap.untag_resource(ResourceARN=arn, TagKeys=["stage", "Team"])
    assert tags_of(cloudmap, arn) == {}


@proves("listing.tags-round-trip")
def test_resources_have_separate_tags(cloudmap, make_namespace, make_service):
    """Tags of a namespace are not those of its services, nor those of another service."""
    namespace = make_namespace("http", Tags=[])
    resources = [namespace, make_service(namespace, Tags=[]), make_service(namespace, Tags=[])]
    for number, resource in enumerate(resources):
        cloudmap.tag_resource(ResourceARN=resource["Arn"], Tags=[{"Key": "number", "Value": str(number)}])
    cloudmap.untag_resource(ResourceARN=resources[2]["Arn"], TagKeys=["number"])
    assert [tags_of(cloudmap, resource["Arn"]) for resource in resources] == [{"number": "0"}, {"number": "1"}, {}]


@proves("listing.tags-round-trip")
@for_each("kind", ["http", "private_dns", "public_dns"])
def test_tags_are_set_at_creation(cloudmap, wait_for_success, make_service, unique_name, vpc, kind):
    """A namespace of each type and a service have the tags of their create call."""
    params = {"Name": f"{unique_name('ns')}.surveyor.test"} | ({"Vpc": vpc} if kind == "private_dns" else {})
    tags = [{"Key": "team", "Value": "red"}, {"Key": "stage", "Value": ""}]
    operation = wait_for_success(getattr(cloudmap, f"create_{kind}_namespace")(**params, Tags=tags))
    namespace = cloudmap.get_namespace(Id=operation["Targets"]["NAMESPACE"])["Namespace"]
    assert tags_of(cloudmap, namespace["Arn"]) == {"team": "red", "stage": ""}
    service = make_service(namespace, Tags=[{"Key": "team", "Value": "blue"}])
    assert tags_of(cloudmap, service["Arn"]) == {"team": "blue"}


@proves("listing.tags-round-trip")
def test_longest_tags_are_accepted(cloudmap, arn):
    """Keys of 1 and 128 characters, and values of 0 and 256 characters, are accepted and removed again."""
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": ""}, {"Key": "k" * 128, "Value": "v" * 256}])
    assert tags_of(cloudmap, arn) == {"k": "", "k" * 128: "v" * 256}
    cloudmap.untag_resource(ResourceARN=arn, TagKeys=["k" * 128])
    assert tags_of(cloudmap, arn) == {"k": ""}


@proves("listing.tags-round-trip")
@for_each(
    "tag",
    {
        "empty key": {"Key": "", "Value": "v"},
        "key of 129": {"Key": "k" * 129, "Value": "v"},
        "value of 257": {"Key": "k", "Value": "v" * 257},
        # servicediscovery/Tag.Value: "You can set the value of a tag to an empty string, but you can't set the value of
        # a tag to null."
        "no value": {"Key": "k"},
        "no key": {"Value": "v"},
    },
)
def test_other_tags_are_refused(cloudmap, make_namespace, make_service, unique_name, tag):
    """Longer or missing keys and values raise InvalidInput, in TagResource and at creation, and change no tag."""
    namespace = make_namespace("http", Tags=[])
    cloudmap.tag_resource(ResourceARN=namespace["Arn"], Tags=[{"Key": "team", "Value": "red"}])
    with raises("InvalidInput"):
        cloudmap.tag_resource(ResourceARN=namespace["Arn"], Tags=[{"Key": "stage", "Value": "test"}, tag])
    assert tags_of(cloudmap, namespace["Arn"]) == {"team": "red"}
    with raises("InvalidInput"):
        cloudmap.create_http_namespace(Name=unique_name("ns"), Tags=[tag])
    with raises("InvalidInput"):
        make_service(namespace, Tags=[tag])
    if len(tag.get("Key", "k")) != 1:
        with raises("InvalidInput"):
            cloudmap.untag_resource(ResourceARN=namespace["Arn"], TagKeys=[tag["Key"]])
