"""AWS managed policies: what they allow a caller to do, and which actions they contain."""

from fnmatch import fnmatch

from surveyor.testing import dns_config, proves, raises

REGISTERING = "arn:aws:iam::aws:policy/AWSCloudMapRegisterInstanceAccess"
DISCOVERING = "arn:aws:iam::aws:policy/AWSCloudMapDiscoverInstanceAccess"
ECS = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"
EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
ADDRESS = {"AWS_INSTANCE_IPV4": "192.0.2.1"}


def actions(client, arn):
    """Return the actions that the default version of a managed policy allows, as IAM returns it."""
    iam = client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    statements = document["Statement"]
    allowed = [entry["Action"] for entry in statements if entry["Effect"] == "Allow" and "Action" in entry]
    return [action for entry in allowed for action in (entry if isinstance(entry, list) else [entry])]


@proves("iam.managed.register-instance-access")
def test_register_instance_access(client_limited_to, make_service, private_namespace, wait_for_success):
    """The policy allows registering, discovering and deregistering, but not reporting health, creating or tagging."""
    checked = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
    service = make_service(private_namespace, DnsConfig=dns_config("A", policy=None), **checked)
    instance = {"ServiceId": service["Id"], "InstanceId": "i-1"}
    caller = client_limited_to(policies=[REGISTERING])("servicediscovery")
    wait_for_success(caller.register_instance(**instance, Attributes=ADDRESS))
    names = {"NamespaceName": private_namespace["Name"], "ServiceName": service["Name"]}
    assert caller.get_instance(**instance)["Instance"]["Id"] == "i-1"
    assert caller.get_instances_health_status(ServiceId=service["Id"])["Status"].keys() == {"i-1"}
    assert [entry["Id"] for entry in caller.list_instances(ServiceId=service["Id"])["Instances"]] == ["i-1"]
    assert caller.get_service(Id=service["Id"])["Service"]["Id"] == service["Id"]
    assert caller.get_namespace(Id=private_namespace["Id"])["Namespace"]["Id"] == private_namespace["Id"]
    for answer in (caller.list_namespaces(), caller.list_services(), caller.list_operations()):
        assert answer
    assert "Instances" in caller.discover_instances(**names)
    assert "InstancesRevision" in caller.discover_instances_revision(**names)
    with raises("AccessDeniedException"):
        caller.update_instance_custom_health_status(**instance, Status="UNHEALTHY")
    with raises("AccessDeniedException"):
        caller.create_service(Name="web", NamespaceId=private_namespace["Id"])
    with raises("AccessDeniedException"):
        caller.create_http_namespace(Name="surveyor-refused")
    with raises("AccessDeniedException"):
        caller.delete_service(Id=service["Id"])
    with raises("AccessDeniedException"):
        caller.tag_resource(ResourceARN=service["Arn"], Tags=[{"Key": "team", "Value": "red"}])
    with raises("AccessDeniedException"):
        caller.untag_resource(ResourceARN=service["Arn"], TagKeys=["team"])
    wait_for_success(caller.deregister_instance(**instance))
    assert caller.list_instances(ServiceId=service["Id"])["Instances"] == []


@proves("iam.managed.discover-instance-access")
def test_discover_instance_access(client_limited_to, make_service, http_namespace):
    """The policy allows discovering and reading the revision, but not listing, reading or registering."""
    service = make_service(http_namespace)
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
    caller = client_limited_to(policies=[DISCOVERING])("servicediscovery")
    assert caller.discover_instances(**names)["Instances"] == []
    assert "InstancesRevision" in caller.discover_instances_revision(**names)
    with raises("AccessDeniedException"):
        caller.list_services()
    with raises("AccessDeniedException"):
        caller.list_namespaces()
    with raises("AccessDeniedException"):
        caller.list_instances(ServiceId=service["Id"])
    with raises("AccessDeniedException"):
        caller.get_service(Id=service["Id"])
    with raises("AccessDeniedException"):
        caller.register_instance(ServiceId=service["Id"], InstanceId="i-1", Attributes={"colour": "red"})


@proves("iam.managed.ecs-service-role-covers-registration")
def test_policy_of_the_ecs_service_role(client):
    """The policy allows registering, deregistering, custom health, records and health checks."""
    found = actions(client, ECS)
    for needed in (
        "servicediscovery:RegisterInstance",
        "servicediscovery:DeregisterInstance",
        "servicediscovery:UpdateInstanceCustomHealthStatus",
        "servicediscovery:ListInstances",
        "servicediscovery:GetInstance",
        "route53:ChangeResourceRecordSets",
        "route53:CreateHealthCheck",
        "route53:DeleteHealthCheck",
        "route53:UpdateHealthCheck",
        "route53:GetHealthCheck",
    ):
        assert any(fnmatch(needed.lower(), action.lower()) for action in found), needed


@proves("iam.managed.execution-role-has-no-cloud-map")
def test_policy_of_the_execution_role(client):
    """The policy has no action of Cloud Map or Route 53; it allows fetching images and writing logs."""
    found = [action.lower() for action in actions(client, EXECUTION)]
    assert not [action for action in found if action == "*" or action.startswith(("servicediscovery:", "route53:"))]
    assert {"ecr:getdownloadurlforlayer", "logs:putlogevents"} <= set(found)
