"""Permissions of ECS: it registers tasks with its service-linked role, not as the caller or as the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor.testing import (
    ClientLimitedTo,
    Eventually,
    MakeEcsService,
    MakeNamespace,
    MakeService,
    MakeTaskDefinition,
    UniqueName,
    proves,
    raises,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("iam.ecs.registers-with-service-linked-role")
def test_a_task_without_permissions_is_registered(
    client_limited_to: ClientLimitedTo,
    ecs: ECSClient,
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    eventually: Eventually,
    unique_name: UniqueName,
    cluster: str,
    network: Any,
    http_namespace: dict[str, Any],
) -> None:
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
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    account: str,
    http_namespace: dict[str, Any],
) -> None:
    """CreateService with a registry and a role raises InvalidParameterException; without the role it is accepted."""
    registry, definition = make_service(http_namespace), make_task_definition()
    role = f"arn:aws:iam::{account}:role/ecsServiceRole"
    with raises("InvalidParameterException"):
        make_ecs_service(definition, registry, count=0, role=role)
    make_ecs_service(definition, registry, count=0)


@proves("iam.ecs.namespace-key")
def test_a_role_is_limited_to_a_namespace(
    client_limited_to: ClientLimitedTo,
    ecs: ECSClient,
    make_namespace: MakeNamespace,
    make_task_definition: MakeTaskDefinition,
    unique_name: UniqueName,
    cluster: str,
    network: Any,
) -> None:
    """CreateService is allowed with the namespace in ecs:namespace, and refused with another, named or by default."""
    allowed, other = make_namespace("http"), make_namespace("http")
    ports: Any = [{"containerPort": 8080, "name": "web"}]
    definition = make_task_definition(container={"portMappings": ports})["taskDefinitionArn"]
    condition = {"ArnEquals": {"ecs:namespace": allowed["Arn"]}}
    caller = client_limited_to(
        {"Effect": "Allow", "Action": "ecs:CreateService", "Resource": "*", "Condition": condition}
    )

    def create(configuration: Any) -> None:
        caller("ecs").create_service(
            cluster=cluster,
            serviceName=unique_name("service"),
            taskDefinition=definition,
            desiredCount=0,
            launchType="FARGATE",
            networkConfiguration=network,
            serviceConnectConfiguration={"enabled": True, **configuration},
        )

    create({"namespace": allowed["Arn"]})
    with raises("AccessDeniedException"):
        create({"namespace": other["Arn"]})
    ecs.update_cluster(cluster=cluster, serviceConnectDefaults={"namespace": other["Arn"]})
    with raises("AccessDeniedException"):
        create({})
