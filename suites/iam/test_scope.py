"""Resources to which permissions can be limited."""

from typing import Any

import pytest

from surveyor.testing import dns_config, for_each, is_allowed, proves, raises

RED = {"colour": "red"}
ADDRESS = {"AWS_INSTANCE_IPV4": "192.0.2.1"}
SERVICE = {"DnsConfig": dns_config("A"), "HealthCheckCustomConfig": {"FailureThreshold": 1}}
TEST, LIVE = [{"Key": "env", "Value": "test"}], [{"Key": "env", "Value": "live"}]
# Operations on a service, in an order in which all can succeed, with the members beside its id.
INSTANCE_CALLS: dict[str, dict[str, Any]] = {
    "register_instance": {"InstanceId": "i-2", "Attributes": ADDRESS},
    "list_instances": {},
    "get_instance": {"InstanceId": "i-1"},
    "get_instances_health_status": {},
    "update_instance_custom_health_status": {"InstanceId": "i-1", "Status": "HEALTHY"},
    "deregister_instance": {"InstanceId": "i-1"},
}
SERVICE_CALLS: dict[str, dict[str, Any]] = {
    "get_service": {},
    "update_service": {"Service": {"Description": "new"}},
    "update_service_attributes": {"Attributes": RED},
    "get_service_attributes": {},
    "delete_service_attributes": {"Attributes": ["colour"]},
    **INSTANCE_CALLS,
    "delete_service": {},
}
WRITES = ["update_service", "update_service_attributes", "delete_service_attributes", "register_instance",
          "update_instance_custom_health_status", "deregister_instance", "delete_service"]  # fmt: skip
NAMED_ID = ("get_service", "update_service", "delete_service")


def allow(action, resource="*", condition=None):
    """Return a statement that allows the action on the resource, on this condition if there is one."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition or {}}


# Cloud Map calls these services as the caller.
OTHERS = allow(["route53:*", "ec2:*"])


def allowed_calls(caller, service, calls):
    """Return which of these operations on the service the caller may do."""
    cloudmap, allowed = caller("servicediscovery"), []
    for operation in calls:
        params = {"Id" if operation in NAMED_ID else "ServiceId": service["Id"], **SERVICE_CALLS[operation]}
        allowed += [operation] if is_allowed(getattr(cloudmap, operation), **params) else []
    return allowed


@proves("errors.access-denied-is-not-modelled")
def test_registering_is_scoped_to_a_service(client_limited_to, make_service, http_namespace):
    """If RegisterInstance is allowed for the ARN of one service, it is refused for another in the same namespace."""
    ours, other = make_service(http_namespace), make_service(http_namespace)
    registrar = client_limited_to(allow("servicediscovery:RegisterInstance", ours["Arn"]))("servicediscovery")
    registrar.register_instance(ServiceId=ours["Id"], InstanceId="i-1", Attributes=RED)
    with raises("AccessDeniedException"):
        registrar.register_instance(ServiceId=other["Id"], InstanceId="i-1", Attributes=RED)


@pytest.mark.parametrize(
    ("limit", "calls"),
    [
        pytest.param("arn", SERVICE_CALLS, marks=proves("iam.resources-are-namespaces-and-services")),
        pytest.param("aws:ResourceTag/env", SERVICE_CALLS, marks=proves("iam.resource-tags-decide")),
        pytest.param("servicediscovery:ServiceArn", INSTANCE_CALLS, marks=proves("iam.instances-by-service-arn")),
    ],
)
def test_calls_are_limited_to_a_service(client_limited_to, make_service, register, private_namespace, limit, calls):
    """Each operation on a service or its instances is allowed for the service of the limit, and refused for another."""
    ours, other = (make_service(private_namespace, Tags=tags, **SERVICE) for tags in (TEST, LIVE))
    for service in (ours, other):
        register(service, "i-1", ADDRESS)
    value = "test" if limit == "aws:ResourceTag/env" else ours["Arn"]
    resource, condition = (value, None) if limit == "arn" else ("*", {"StringEquals": {limit: value}})
    caller = client_limited_to(allow("servicediscovery:*", resource, condition), OTHERS)
    assert allowed_calls(caller, other, calls) == []
    if calls is INSTANCE_CALLS:  # GetService does not have the key
        assert allowed_calls(caller, ours, ["get_service"]) == []
    assert allowed_calls(caller, ours, calls) == list(calls)


@proves("iam.writes-by-who-created-the-service")
def test_writes_on_services_of_one_account(client_limited_to, make_service, register, private_namespace, account):
    """Each write to a service of this account is allowed if the condition names this account, and refused otherwise."""
    service, key = make_service(private_namespace, **SERVICE), "servicediscovery:ServiceCreatedByAccount"
    register(service, "i-1", ADDRESS)
    other_account = "000000000000" if account != "000000000000" else "111111111111"
    for value, allowed in ((other_account, []), (account, WRITES)):
        caller = client_limited_to(allow("servicediscovery:*", "*", {"StringEquals": {key: value}}), OTHERS)
        assert allowed_calls(caller, service, WRITES) == allowed


@proves("iam.resources-are-namespaces-and-services", "iam.resource-tags-decide")
@for_each(
    "kind, update",
    [
        ("http", "update_http_namespace"),
        ("private", "update_private_dns_namespace"),
        ("public", "update_public_dns_namespace"),
    ],
)
def test_calls_are_limited_to_a_namespace(client_limited_to, make_namespace, kind, update):
    """Getting, updating and deleting a namespace is allowed by its ARN or tag, and refused for another namespace."""
    ours, other = make_namespace(kind, Tags=TEST), make_namespace(kind, Tags=LIVE)
    calls = {"get_namespace": {}, update: {"Namespace": {"Description": "new"}}, "delete_namespace": {}}
    for statement in (
        allow("servicediscovery:*", ours["Arn"]),
        allow("servicediscovery:*", "*", {"StringEquals": {"aws:ResourceTag/env": "test"}}),
    ):
        caller = client_limited_to(statement, OTHERS)("servicediscovery")
        for operation, params in calls.items():
            assert not is_allowed(getattr(caller, operation), Id=other["Id"], **params), operation
            if operation != "delete_namespace" or statement.get("Condition"):
                assert is_allowed(getattr(caller, operation), Id=ours["Id"], **params), operation


@proves("iam.resources-are-namespaces-and-services")
def test_creating_a_service_needs_namespace_and_service(client_limited_to, make_namespace, http_namespace, unique_name):
    """CreateService needs permission on its namespace and on services; the ARN of one kind alone does not allow it."""
    arn = http_namespace["Arn"]
    services = arn.partition(":namespace/")[0] + ":service/*"
    for resources, allowed in (([arn, services], True), ([arn], False), ([services], False)):
        tagging = allow("servicediscovery:TagResource")  # in an account that outlives the run the service has a tag
        caller = client_limited_to(allow("servicediscovery:CreateService", resources), tagging)("servicediscovery")
        arguments = {"Name": unique_name("svc"), "NamespaceId": http_namespace["Id"]}
        assert is_allowed(caller.create_service, **arguments) is allowed, resources


@proves("iam.resources-are-namespaces-and-services")
@for_each("operation", ["discover_instances", "discover_instances_revision"])
def test_discovery_needs_namespace_and_service(client_limited_to, make_service, http_namespace, operation):
    """Discovery needs permission on the namespace and on the service."""
    ours, namespace = make_service(http_namespace), http_namespace["Arn"]
    other, service = make_service(http_namespace)["Arn"], ours["Arn"]
    for resources, allowed in (
        ([namespace, service], True), ([namespace], False), ([service], False), ([namespace, other], False)
    ):  # fmt: skip
        caller = client_limited_to(allow("servicediscovery:*", resources))("servicediscovery")
        names = {"NamespaceName": http_namespace["Name"], "ServiceName": ours["Name"]}
        assert is_allowed(getattr(caller, operation), **names) is allowed, resources


@proves("iam.resources-are-namespaces-and-services")
def test_operations_are_limited_by_their_namespace(
    client_limited_to, cloudmap, make_namespace, make_service, register, http_namespace
):
    """GetOperation is allowed by the ARN of the namespace that the operation was done in, and refused by another."""
    ours = make_namespace("http")
    started = [
        cloudmap.update_http_namespace(Id=ours["Id"], Namespace={"Description": "new"})["OperationId"],
        register(make_service(ours), "i-1", RED)["Id"],
    ]
    for arn, allowed in ((ours["Arn"], True), (http_namespace["Arn"], False)):
        caller = client_limited_to(allow("servicediscovery:GetOperation", arn))("servicediscovery")
        for operation in started:
            assert is_allowed(caller.get_operation, OperationId=operation) is allowed


@proves("iam.some-actions-have-no-resource")
@for_each(
    "operation",
    ["create_http_namespace", "create_private_dns_namespace", "create_public_dns_namespace", "list_namespaces",
     "list_services", "list_operations", "list_tags_for_resource", "tag_resource", "untag_resource"],
)  # fmt: skip
def test_actions_without_resources_need_all(client_limited_to, http_namespace, unique_name, vpc, operation):
    """A statement for every ARN of Cloud Map does not allow these actions; one for all resources does."""
    domain = f"{unique_name('ns')}.surveyor.test"
    params = {
        "create_http_namespace": {"Name": unique_name("ns")},
        "create_private_dns_namespace": {"Name": domain, "Vpc": vpc},
        "create_public_dns_namespace": {"Name": domain},
        "list_tags_for_resource": {"ResourceARN": http_namespace["Arn"]},
        "tag_resource": {"ResourceARN": http_namespace["Arn"], "Tags": [{"Key": "team", "Value": "red"}]},
        "untag_resource": {"ResourceARN": http_namespace["Arn"], "TagKeys": ["team"]},
    }
    arguments, every = params.get(operation, {}), http_namespace["Arn"].partition(":namespace/")[0] + ":*/*"
    with raises("AccessDeniedException"):
        getattr(client_limited_to(allow("servicediscovery:*", every), OTHERS)("servicediscovery"), operation)(
            **arguments
        )
    getattr(client_limited_to(allow("servicediscovery:*"), OTHERS)("servicediscovery"), operation)(**arguments)


@proves("iam.actions-match-without-case")
def test_case_of_resources_matters(client_limited_to, make_service, http_namespace):
    """The exact ARN of a service allows GetService; the ARN in capital letters does not."""
    service = make_service(http_namespace)
    arn, identifier = service["Arn"], service["Id"]
    for resource, allowed in ((arn, True), (arn.replace(identifier, identifier.upper()), False)):
        caller = client_limited_to(allow("servicediscovery:GetService", resource))("servicediscovery")
        assert is_allowed(caller.get_service, Id=identifier) is allowed


@proves("iam.session-policies-only-narrow")
def test_session_may_do_only_what_both_allow(client_limited_to, cloudmap, http_namespace):
    """Although the role may do everything, its session may do only the action that the session policy names."""
    caller = client_limited_to(allow("servicediscovery:ListNamespaces"))("servicediscovery")
    assert "Namespaces" in caller.list_namespaces()
    with raises("AccessDeniedException"):
        caller.get_namespace(Id=http_namespace["Id"])
    assert cloudmap.get_namespace(Id=http_namespace["Id"])
