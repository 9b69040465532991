"""Permissions of ECS: it registers tasks with its service-linked role, not as the caller or as the task."""

from contextlib import nullcontext

from surveyor.testing import is_allowed, proves, raises, timeouts


@proves("iam.ecs.registers-with-service-linked-role")
def test_a_task_without_permissions_is_registered(
    client_limited_to,
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    eventually,
    unique_name,
    cluster,
    network,
    http_namespace,
):
    """A task without a role is registered even if the creator of the service has no Cloud Map permission."""
    registry, definition = make_service(http_namespace), make_task_definition()
    caller = client_limited_to({"Effect": "Allow", "Action": "ecs:*", "Resource": "*"})
    with raises("AccessDeniedException"):
        caller("servicediscovery").list_instances(ServiceId=registry["Id"])
    name = unique_name("service")
    caller("ecs").create_service(
        cluster=cluster,
        serviceName=name,
        taskDefinition=definition["taskDefinitionArn"],
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=network,
        serviceRegistries=[{"registryArn": registry["Arn"]}],
    )
    eventually(lambda: cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)
    ecs.delete_service(cluster=cluster, service=name, force=True)


@proves("iam.ecs.service-linked-role-is-mandatory")
def test_a_role_with_a_registry_is_refused(
    make_service, make_task_definition, make_ecs_service, account, http_namespace
):
    """CreateService with a registry and a role raises InvalidParameterException; without the role it is accepted."""
    registry, definition = make_service(http_namespace), make_task_definition()
    role = f"arn:aws:iam::{account}:role/ecsServiceRole"
    with raises("InvalidParameterException"):
        make_ecs_service(definition, registry, count=0, role=role)
    make_ecs_service(definition, registry, count=0)


@proves("iam.ecs.namespace-key")
def test_a_role_is_limited_to_a_namespace(
    client_limited_to, ecs, make_namespace, make_task_definition, unique_name, own_cluster, network
):
    """A service is created and updated with the namespace in ecs:namespace, not with another, named or by default."""
    allowed, other = make_namespace("http"), make_namespace("http")
    ports = [{"containerPort": 8080, "name": "web"}]
    definition = make_task_definition(container={"portMappings": ports})["taskDefinitionArn"]
    condition = {"ArnEquals": {"ecs:namespace": allowed["Arn"]}}
    caller = client_limited_to(
        {
            "Effect": "Allow",
            "Action": ["ecs:CreateService", "ecs:UpdateService"],
            "Resource": "*",
            "Condition": condition,
        },
    )

    name = unique_name("service")

    def create(configuration):
        caller("ecs").create_service(
            cluster=own_cluster,
            serviceName=name if configuration else unique_name("service"),
            taskDefinition=definition,
            desiredCount=0,
            launchType="FARGATE",
            networkConfiguration=network,
            serviceConnectConfiguration={"enabled": True, **configuration},
        )

    create({"namespace": allowed["Arn"]})
    with raises("AccessDeniedException"):
        create({"namespace": other["Arn"]})
    for namespace in (other, allowed):
        configuration = {"enabled": True, "namespace": namespace["Arn"]}
        with raises("AccessDeniedException") if namespace is other else nullcontext():
            caller("ecs").update_service(cluster=own_cluster, service=name, serviceConnectConfiguration=configuration)
    ecs.update_cluster(cluster=own_cluster, serviceConnectDefaults={"namespace": other["Arn"]})
    with raises("AccessDeniedException"):
        create({})


@proves("iam.ecs.tags-decide")
def test_tags_of_the_request_decide(client_limited_to, make_task_definition):
    """TagResource is allowed with the tag and not with another value; both calls only if all keys are listed."""
    arn = make_task_definition()["taskDefinitionArn"]

    def limited(operator, key, value):
        condition = {operator: {key: value}}
        return client_limited_to({"Effect": "Allow", "Action": "ecs:*", "Resource": "*", "Condition": condition})("ecs")

    by_value = limited("StringEquals", "aws:RequestTag/env", "test")
    by_key = limited("ForAllValues:StringEquals", "aws:TagKeys", ["env", "owner"])
    for tags, value_allowed, keys_allowed in (
        ({"env": "live"}, False, True),
        ({"env": "test", "team": "red"}, True, False),
        ({"team": "red"}, False, False),
        ({"env": "test", "owner": "a"}, True, True),
    ):
        pairs = [{"key": key, "value": value} for key, value in tags.items()]
        assert is_allowed(by_value.tag_resource, resourceArn=arn, tags=pairs) is value_allowed, tags
        assert is_allowed(by_key.tag_resource, resourceArn=arn, tags=pairs) is keys_allowed, tags
        assert is_allowed(by_key.untag_resource, resourceArn=arn, tagKeys=list(tags)) is keys_allowed, tags
