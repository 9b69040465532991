"""Resources to which permissions can be limited, and how names match."""

import pytest

from surveyor.testing import proves, raises

RED = {"colour": "red"}


def allow(action, resource="*"):
    """Return a statement that allows the action on the resource."""
    return {"Effect": "Allow", "Action": action, "Resource": resource}


@proves("iam.resources-are-namespaces-and-services", "errors.access-denied-is-not-modelled")
def test_registering_is_scoped_to_a_service(client_limited_to, make_service, http_namespace, wait_for_success):
    """If RegisterInstance is allowed for the ARN of one service, it is refused for another in the same namespace."""
    ours, other = make_service(http_namespace), make_service(http_namespace)
    registrar = client_limited_to(
        allow("servicediscovery:RegisterInstance", ours["Arn"]), allow("servicediscovery:GetOperation")
    )("servicediscovery")
    started = registrar.register_instance(ServiceId=ours["Id"], InstanceId="i-1", Attributes=RED)
    wait_for_success(started)
    with raises("AccessDeniedException"):
        registrar.register_instance(ServiceId=other["Id"], InstanceId="i-1", Attributes=RED)


@proves("iam.some-actions-have-no-resource")
@pytest.mark.parametrize(
    "operation",
    ["create_http_namespace", "list_namespaces", "list_services", "list_operations", "list_tags_for_resource",
     "tag_resource", "untag_resource"],
)  # fmt: skip
def test_actions_without_resources_need_all(client_limited_to, http_namespace, unique_name, operation):
    """A statement for every ARN of Cloud Map does not allow these actions; one for all resources does."""
    params = {
        "create_http_namespace": {"Name": unique_name("ns")},
        "list_tags_for_resource": {"ResourceARN": http_namespace["Arn"]},
        "tag_resource": {"ResourceARN": http_namespace["Arn"], "Tags": [{"Key": "team", "Value": "red"}]},
        "untag_resource": {"ResourceARN": http_namespace["Arn"], "TagKeys": ["team"]},
    }
    arguments, every = params.get(operation, {}), http_namespace["Arn"].partition(":namespace/")[0] + ":*/*"
    with raises("AccessDeniedException"):
        getattr(client_limited_to(allow("servicediscovery:*", every))("servicediscovery"), operation)(**arguments)
    getattr(client_limited_to(allow("servicediscovery:*"))("servicediscovery"), operation)(**arguments)


@proves("iam.actions-match-without-case")
def test_case_of_resources_matters(client_limited_to, make_service, http_namespace):
    """The exact ARN of a service allows GetService; the ARN in capital letters does not."""
    service = make_service(http_namespace)
    arn, identifier = service["Arn"], service["Id"]
    capitals = arn.replace(identifier, identifier.upper())
    assert client_limited_to(allow("servicediscovery:GetService", arn))("servicediscovery").get_service(Id=identifier)
    with raises("AccessDeniedException"):
        client_limited_to(allow("servicediscovery:GetService", capitals))("servicediscovery").get_service(Id=identifier)


@proves("iam.session-policies-only-narrow")
def test_session_may_do_only_what_both_allow(client_limited_to, cloudmap, http_namespace):
    """Although the role may do everything, its session may do only the action that the session policy names."""
    caller = client_limited_to(allow("servicediscovery:ListNamespaces"))("servicediscovery")
    assert "Namespaces" in caller.list_namespaces()
    with raises("AccessDeniedException"):
        caller.get_namespace(Id=http_namespace["Id"])
    assert cloudmap.get_namespace(Id=http_namespace["Id"])
