"""Condition keys of Cloud Map, and of the tags in a request."""

import pytest

from surveyor.testing import dns_config, for_each, is_allowed, proves, raises

TEST, LIVE = {"Key": "env", "Value": "test"}, {"Key": "env", "Value": "live"}
TEAM = {"Key": "team", "Value": "red"}


def allow(action, key, value, operator="StringEquals"):
    """Return a statement that allows the action on the condition that the key has the value."""
    return {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": {operator: {key: value}}}


def always(*actions):
    """Return a statement that allows the actions without a condition."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


@proves("iam.create-service-by-namespace")
@for_each(
    "named",
    {
        "by id": lambda namespace: {"NamespaceId": namespace["Id"]},
        "by ARN": lambda namespace: {"NamespaceId": namespace["Arn"]},
        "in DnsConfig": lambda namespace: {"DnsConfig": {**dns_config("A"), "NamespaceId": namespace["Id"]}},
    },
)
def test_services_are_created_in_one_namespace(client_limited_to, make_namespace, unique_name, named):
    """With a condition on the ARN of one namespace, CreateService succeeds there and is refused in another."""
    ours, other = make_namespace("private"), make_namespace("private")
    creating = allow("servicediscovery:CreateService", "servicediscovery:NamespaceArn", ours["Arn"])
    caller = client_limited_to(creating, always("servicediscovery:TagResource"))("servicediscovery")
    assert caller.create_service(Name=unique_name("svc"), **named(ours))["Service"]["Id"]
    with raises("AccessDeniedException"):
        caller.create_service(Name=unique_name("svc"), **named(other))


@proves("iam.discovery-by-names")
@for_each("operation", ["discover_instances", "discover_instances_revision"])
@for_each("key", ["NamespaceName", "ServiceName"])
def test_discovery_is_denied_by_name(client_limited_to, make_namespace, make_service, operation, key):
    """If discovery is denied for the name of one namespace or service, it is accepted for others."""
    ours, other = make_namespace("http"), make_namespace("http")
    services = {namespace["Name"]: make_service(namespace)["Name"] for namespace in (ours, other)}
    denied = ours["Name"] if key == "NamespaceName" else services[ours["Name"]]
    caller = client_limited_to(
        {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"},
        {**allow("servicediscovery:Discover*", f"servicediscovery:{key}", denied), "Effect": "Deny"},
    )("servicediscovery")
    getattr(caller, operation)(NamespaceName=other["Name"], ServiceName=services[other["Name"]])
    with raises("AccessDeniedException"):
        getattr(caller, operation)(NamespaceName=ours["Name"], ServiceName=services[ours["Name"]])


@pytest.fixture
def tagging_calls(http_namespace, unique_name, vpc, make_service):
    """Return the operations whose requests have tags, each as (action, function of a client and tags)."""
    arn = make_service(http_namespace)["Arn"]
    name, domain = unique_name, lambda: f"{unique_name('ns')}.surveyor.test"
    return {
        "CreateHttpNamespace": lambda client, tags: client.create_http_namespace(Name=name("ns"), **tags),
        "CreatePrivateDnsNamespace": lambda client, tags: client.create_private_dns_namespace(
            Name=domain(), Vpc=vpc, **tags
        ),
        "CreatePublicDnsNamespace": lambda client, tags: client.create_public_dns_namespace(Name=domain(), **tags),
        "CreateService": lambda client, tags: client.create_service(
            Name=name("svc"), NamespaceId=http_namespace["Id"], **tags
        ),
        "TagResource": lambda client, tags: client.tag_resource(ResourceARN=arn, **{"Tags": [], **tags}),
        "UntagResource": lambda client, tags: client.untag_resource(
            ResourceARN=arn, TagKeys=[tag["Key"] for tag in tags["Tags"]]
        ),
    }


OTHERS = always("route53:*", "ec2:*")
CREATES = ["CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace", "CreateService"]


def limited(client_limited_to, action, key, value, operator="StringEquals"):
    """Return a Cloud Map client limited by the condition; a create call with tags also needs TagResource."""
    tagging = [always("servicediscovery:TagResource")] if action != "TagResource" else []
    return client_limited_to(allow(f"servicediscovery:{action}", key, value, operator), OTHERS, *tagging)(
        "servicediscovery"
    )


@proves("iam.tags-at-creation-need-tag-resource")
@for_each("action", CREATES)
def test_tags_at_creation_need_tag_resource(client_limited_to, tagging_calls, action):
    """A create call with a tag is refused to a caller who may not tag, and accepted from one who may."""
    # Service Authorization Reference, "API operations defined by AWS Cloud Map": TagResource is beside each of them.
    own, call = always(f"servicediscovery:{action}"), tagging_calls[action]
    untagging = client_limited_to(own, OTHERS, always("servicediscovery:UntagResource"))("servicediscovery")
    assert not is_allowed(call, untagging, {"Tags": [TEST]})
    # Without tags it succeeds, but not in an account that outlives the run, where each create call has a tag.
    tagging = client_limited_to(own, OTHERS, always("servicediscovery:TagResource"))("servicediscovery")
    assert is_allowed(call, tagging, {"Tags": [TEST]})


@proves("iam.tags-decide")
@for_each("action", [*CREATES, "TagResource"])
def test_tags_of_the_request_decide(client_limited_to, tagging_calls, action):
    """A request is allowed with the tag, but not without it or with another value."""
    caller, call = limited(client_limited_to, action, "aws:RequestTag/env", "test"), tagging_calls[action]
    for tags, allowed in (([LIVE], False), ([TEAM], False), ([TEST], True), ([TEAM, TEST], True)):
        assert is_allowed(call, caller, {"Tags": tags}) is allowed, tags
    if action != "TagResource":
        assert not is_allowed(call, caller, {})


@proves("iam.tags-decide")
@for_each("action", [*CREATES, "TagResource", "UntagResource"])
def test_keys_of_tags_decide(client_limited_to, tagging_calls, run_tag_keys, action):
    """A request is allowed only if all its tags have a listed key."""
    listed = ["env", "owner", *run_tag_keys]
    caller = limited(client_limited_to, action, "aws:TagKeys", listed, "ForAllValues:StringEquals")
    for tags, allowed in (
        ([TEAM], False),
        ([TEST, TEAM], False),
        ([TEST], True),
        ([{"Key": "owner", "Value": "a"}], True),
    ):
        assert is_allowed(tagging_calls[action], caller, {"Tags": tags}) is allowed, tags


@proves("iam.tags-decide")
def test_requests_without_tags(client_limited_to, tagging_calls):
    """Null separates requests with tags from those without."""
    calls = {  # no create call: in an account that outlives the run all of these have a tag
        "TagResource": lambda caller: is_allowed(tagging_calls["TagResource"], caller, {"Tags": [TEST]}),
        "ListNamespaces": lambda caller: is_allowed(lambda client: client.list_namespaces(), caller),
    }
    for value, allowed in (("true", "ListNamespaces"), ("false", "TagResource")):
        limits = [allow(f"servicediscovery:{action}", "aws:TagKeys", value, "Null") for action in calls]
        caller = client_limited_to(*limits)("servicediscovery")
        assert {action: call(caller) for action, call in calls.items()} == {
            action: action == allowed for action in calls
        }
