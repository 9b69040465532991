"""Errors at the limits of tags, resources and requests. suites/quotas checks the limits themselves."""

from surveyor.testing import Inconclusive, for_each, proves, raises


def tags(count):
    """Return `count` tags with different keys."""
    return [{"Key": f"key-{number}", "Value": "v"} for number in range(count)]


@proves("errors.fifty-tags-a-resource")
def test_fifty_first_tag_is_refused(cloudmap, make_namespace, free_tags):
    """Fifty tags fit, even if some are written again; one more raises TooManyTagsException and changes nothing."""
    arn, free = make_namespace("http", Tags=[])["Arn"], free_tags("servicediscovery")
    cloudmap.tag_resource(ResourceARN=arn, Tags=tags(free - 1))
    cloudmap.tag_resource(ResourceARN=arn, Tags=tags(free))
    with raises("TooManyTagsException"):
        cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "key-50", "Value": "v"}])
    found = cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert {tag["Key"] for tag in found} == {tag["Key"] for tag in tags(free)}
    cloudmap.untag_resource(ResourceARN=arn, TagKeys=["key-0"])
    cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "key-50", "Value": "v"}])


@proves("errors.fifty-tags-a-resource")
@for_each("count", [51, 200])
def test_call_with_too_many_tags_is_refused(cloudmap, make_namespace, make_service, count):
    """A call may list 200 tags, but a resource takes 50: more raise TooManyTagsException, and none is added."""
    namespace = make_namespace("http", Tags=[])
    for resource in (namespace, make_service(namespace, Tags=[])):
        with raises("TooManyTagsException"):
            cloudmap.tag_resource(ResourceARN=resource["Arn"], Tags=tags(count))
        assert cloudmap.list_tags_for_resource(ResourceARN=resource["Arn"])["Tags"] == []


@proves("errors.fifty-tags-a-resource")
@for_each("kind", ["http", "private_dns", "public_dns"])
def test_resources_are_created_with_fifty_tags_at_most(
    cloudmap, wait_for_success, make_service, unique_name, vpc, free_tags, kind
):
    """A namespace of each type and a service are created with 50 tags; 51 raise TooManyTagsException."""
    free = free_tags("servicediscovery")
    create, of_vpc = getattr(cloudmap, f"create_{kind}_namespace"), {"Vpc": vpc} if kind == "private_dns" else {}
    with raises("TooManyTagsException"):
        create(Name=f"{unique_name('ns')}.surveyor.test", Tags=tags(51), **of_vpc)
    operation = wait_for_success(create(Name=f"{unique_name('ns')}.surveyor.test", Tags=tags(free), **of_vpc))
    namespace = cloudmap.get_namespace(Id=operation["Targets"]["NAMESPACE"])["Namespace"]
    with raises("TooManyTagsException"):
        make_service(namespace, Tags=tags(51))
    for resource in (namespace, make_service(namespace, Tags=tags(free))):
        assert len(cloudmap.list_tags_for_resource(ResourceARN=resource["Arn"])["Tags"]) == free


@proves("errors.resource-limit-exceeded")
def test_full_quota_refuses_until_a_namespace_is_deleted(cloudmap, wait_for_success, unique_name, vpc, beyond_quota):
    """Namespaces of any type beyond the quota raise ResourceLimitExceeded; after one deletion one more is accepted."""

    def create_one_of_each_type_too_many():
        name = f"{unique_name('ns')}.surveyor.test"
        with raises("ResourceLimitExceeded"), beyond_quota():
            cloudmap.create_http_namespace(Name=name)
        with raises("ResourceLimitExceeded"), beyond_quota():
            cloudmap.create_private_dns_namespace(Name=name, Vpc=vpc)
        with raises("ResourceLimitExceeded"), beyond_quota():
            cloudmap.create_public_dns_namespace(Name=name)

    started = []
    with raises("ResourceLimitExceeded"):
        for _ in range(1_000):  # more than the quota of any test account
            started.append(cloudmap.create_http_namespace(Name=unique_name("ns")))  # noqa: PERF401  # an error ends the loop
    if not started:
        raise Inconclusive("the quota of namespaces was exhausted before the test began; delete some of them")
    created = [wait_for_success(operation)["Targets"]["NAMESPACE"] for operation in started]
    create_one_of_each_type_too_many()
    wait_for_success(cloudmap.delete_namespace(Id=created[0]))
    wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))
    create_one_of_each_type_too_many()
