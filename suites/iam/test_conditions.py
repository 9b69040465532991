"""Condition keys of Cloud Map and of tags."""

import pytest

from surveyor.testing import proves, raises

RED = {"colour": "red"}


def allow(action, key, value, operator="StringEquals"):
    """Return a statement that allows the action on the condition that the key has the value."""
    return {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": {operator: {key: value}}}


@proves("iam.create-service-by-namespace")
def test_services_are_created_in_one_namespace(client_limited_to, make_namespace, unique_name):
    """With a condition on the ARN of one namespace, CreateService succeeds there and is refused in another."""
    ours, other = make_namespace("http"), make_namespace("http")
    caller = client_limited_to(
        allow("servicediscovery:CreateService", "servicediscovery:NamespaceArn", ours["Arn"]),
        # CreateService tags the service if the request has tags.
        {"Effect": "Allow", "Action": "servicediscovery:TagResource", "Resource": "*"},
    )("servicediscovery")
    assert caller.create_service(Name=unique_name("svc"), NamespaceId=ours["Id"])["Service"]["Id"]
    with raises("AccessDeniedException"):
        caller.create_service(Name=unique_name("svc"), NamespaceId=other["Id"])


@proves("iam.discovery-by-names")
@pytest.mark.parametrize("operation", ["discover_instances", "discover_instances_revision"])
@pytest.mark.parametrize("key", ["NamespaceName", "ServiceName"])
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


@proves("iam.instances-by-service-arn")
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("register_instance", {"InstanceId": "i-2", "Attributes": RED}),
        ("list_instances", {}),
        ("get_instance", {"InstanceId": "i-1"}),
        ("get_instances_health_status", {}),
        ("update_instance_custom_health_status", {"InstanceId": "i-1", "Status": "HEALTHY"}),
        ("deregister_instance", {"InstanceId": "i-1"}),
    ],
)
def test_instances_of_one_service(client_limited_to, make_service, register, http_namespace, operation, params):
    """With a condition on the ARN of one service, a call about instances succeeds there and is refused for another."""
    checked = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
    ours, other = make_service(http_namespace, **checked), make_service(http_namespace, **checked)
    for service in (ours, other):
        register(service, "i-1", RED)
    caller = client_limited_to(allow("servicediscovery:*", "servicediscovery:ServiceArn", ours["Arn"]))(
        "servicediscovery"
    )
    getattr(caller, operation)(ServiceId=ours["Id"], **params)
    with raises("AccessDeniedException"):
        getattr(caller, operation)(ServiceId=other["Id"], **params)


@proves("iam.writes-by-who-created-the-service")
def test_writes_on_services_of_one_account(client_limited_to, make_service, http_namespace, account):
    """A write to a service of this account is allowed if the condition names this account, and refused otherwise."""
    service, key = make_service(http_namespace)["Id"], "servicediscovery:ServiceCreatedByAccount"
    other_account = "000000000000" if account != "000000000000" else "111111111111"
    with raises("AccessDeniedException"):
        caller = client_limited_to(allow("servicediscovery:*", key, other_account))("servicediscovery")
        caller.update_service_attributes(ServiceId=service, Attributes=RED)
    client_limited_to(allow("servicediscovery:*", key, account))("servicediscovery").update_service_attributes(
        ServiceId=service, Attributes=RED
    )


@proves("iam.tags-decide")
def test_tags_of_the_resource_decide(client_limited_to, make_namespace, cloudmap):
    """A namespace with the tag may be deleted; one without it may not."""
    tagged = make_namespace("http", Tags=[{"Key": "env", "Value": "test"}])["Id"]
    plain = make_namespace("http", Tags=[{"Key": "env", "Value": "live"}])["Id"]
    caller = client_limited_to(allow("servicediscovery:DeleteNamespace", "aws:ResourceTag/env", "test"))(
        "servicediscovery"
    )
    with raises("AccessDeniedException"):
        caller.delete_namespace(Id=plain)
    assert caller.delete_namespace(Id=tagged)["OperationId"]
    assert cloudmap.get_namespace(Id=plain)["Namespace"]["Id"] == plain


@proves("iam.tags-decide")
def test_tags_of_the_request_decide(client_limited_to, unique_name):
    """A namespace may be created with the tag, but not without it or with another value."""
    caller = client_limited_to(
        allow("servicediscovery:CreateHttpNamespace", "aws:RequestTag/env", "test"),
        {"Effect": "Allow", "Action": "servicediscovery:TagResource", "Resource": "*"},
    )("servicediscovery")
    for tags in ([], [{"Key": "env", "Value": "live"}]):
        with raises("AccessDeniedException"):
            caller.create_http_namespace(Name=unique_name("ns"), Tags=tags)
    assert caller.create_http_namespace(Name=unique_name("ns"), Tags=[{"Key": "env", "Value": "test"}])["OperationId"]


@proves("iam.tags-decide")
def test_keys_of_tags_decide(client_limited_to, make_namespace):
    """Only tags with the listed keys may be added."""
    arn = make_namespace("http", Tags=[])["Arn"]
    caller = client_limited_to(
        allow("servicediscovery:TagResource", "aws:TagKeys", "env", "ForAllValues:StringEquals")
    )("servicediscovery")
    with raises("AccessDeniedException"):
        caller.tag_resource(ResourceARN=arn, Tags=[{"Key": "env", "Value": "a"}, {"Key": "team", "Value": "b"}])
    caller.tag_resource(ResourceARN=arn, Tags=[{"Key": "env", "Value": "a"}])
