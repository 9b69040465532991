"""Errors at the limits of tags, resources and requests. suites/quotas checks the limits themselves."""

import pytest

from surveyor.testing import Inconclusive, proves, raises


def tags(count):
    """Return `count` tags with different keys."""
    return [{"Key": f"key-{number}", "Value": "v"} for number in range(count)]


@proves("errors.fifty-tags-a-resource")
def test_fifty_first_tag_is_refused(cloudmap, make_namespace):
    """Fifty tags fit, even if some are written again; one more raises TooManyTagsException and changes nothing."""
    arn = make_namespace("http", Tags=[])["Arn"]
    cloudmap.tag_resource(ResourceARN=arn, Tags=tags(49))
    cloudmap.tag_resource(ResourceARN=arn, Tags=tags(50))
    with raises("TooManyTagsException"):
        cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "key-50", "Value": "v"}])
    found = cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert {tag["Key"] for tag in found} == {tag["Key"] for tag in tags(50)}


@proves("errors.fifty-tags-a-resource")
@pytest.mark.parametrize("count", [51, 200])
def test_call_with_too_many_tags_is_refused(cloudmap, make_namespace, count):
    """A call may list 200 tags, but a resource takes 50: more raise TooManyTagsException, and none is added."""
    arn = make_namespace("http", Tags=[])["Arn"]
    with raises("TooManyTagsException"):
        cloudmap.tag_resource(ResourceARN=arn, Tags=tags(count))
    assert cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


@proves("errors.fifty-tags-a-resource")
def test_resources_are_created_with_fifty_tags_at_most(cloudmap, wait_for_success, make_service, unique_name):
    """A namespace and a service are created with 50 tags; 51 raise TooManyTagsException."""
    with raises("TooManyTagsException"):
        cloudmap.create_http_namespace(Name=unique_name("ns"), Tags=tags(51))
    operation = wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns"), Tags=tags(50)))
    namespace = operation["Targets"]["NAMESPACE"]
    with raises("TooManyTagsException"):
        make_service(namespace, Tags=tags(51))
    service = make_service(namespace, Tags=tags(50))
    assert len(cloudmap.list_tags_for_resource(ResourceARN=service["Arn"])["Tags"]) == 50


@proves("errors.resource-limit-exceeded")
def test_full_quota_refuses_until_a_namespace_is_deleted(cloudmap, wait_for_success, unique_name):
    """Namespaces beyond the quota raise ResourceLimitExceeded; after one deletion one more is accepted."""
    started = []
    with raises("ResourceLimitExceeded"):
        for _ in range(1_000):  # more than the quota of any test account
            started.append(cloudmap.create_http_namespace(Name=unique_name("ns")))  # noqa: PERF401  # an error ends the loop
    if not started:
        raise Inconclusive("the quota was exhausted before the test began")
    created = [wait_for_success(operation)["Targets"]["NAMESPACE"] for operation in started]
    wait_for_success(cloudmap.delete_namespace(Id=created[0]))
    wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))
    with raises("ResourceLimitExceeded"):
        cloudmap.create_http_namespace(Name=unique_name("ns"))


@proves("errors.request-limit-exceeded")
def test_discovery_beyond_the_quota_is_refused(cloudmap, make_service, http_namespace, clock):
    """DiscoverInstances beyond 2,000 calls, plus 1,000 for each second that passes, raises RequestLimitExceeded."""
    service, start = make_service(http_namespace)["Name"], clock.now()
    with raises("RequestLimitExceeded"):
        for _ in range(4_000):
            cloudmap.discover_instances(NamespaceName=http_namespace["Name"], ServiceName=service)
        if 2_000 + 1_000 * (clock.now() - start) >= 4_000:
            raise Inconclusive("the calls were too slow to exhaust the quota")
    clock.wait(10)  # so that the next test finds the quota unused
