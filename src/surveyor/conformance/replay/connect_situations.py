"""Situations of Service Connect: services that offer endpoints, and their tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from surveyor import timeouts
from surveyor.clock import Clock
from surveyor.conformance.replay.cloudmap_situations import A_RECORD, namespace_variables
from surveyor.conformance.replay.ecs_situations import ecs_variables
from surveyor.conformance.replay.situations import situation
from surveyor.fixtures.service_connect import ConnectService

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

__all__: list[str] = []


@pytest.fixture
def endpoint_variables(
    cluster: str, cloudmap: ServiceDiscoveryClient, http_namespace: dict[str, Any], clock: Clock
) -> Callable[[ConnectService], dict[str, str]]:
    """Return a function that returns the variables of a service that offers an endpoint."""

    def describe(connect_service: ConnectService) -> dict[str, str]:
        name = connect_service.configuration["services"][0]["discoveryName"]
        filters: Any = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]

        def created() -> Any:
            pages = cloudmap.get_paginator("list_services").paginate(Filters=filters)
            return next((entry for page in pages for entry in page["Services"] if entry.get("Name") == name), None)

        entry = clock.eventually(created, within=timeouts.DISCOVERY)
        found = {"alias": connect_service.alias, "discovery_name": name, "port_name": "web", "cluster": cluster}
        found |= {"service": entry["Id"], "service_arn": entry["Arn"], "service_name": name}
        return found | namespace_variables(http_namespace) | {"ecs_service_arn": connect_service.service["serviceArn"]}

    return describe


@situation("endpoint", "ecs", "service-connect")
def with_endpoint(
    make_connect_service: Callable[..., ConnectService],
    endpoint_variables: Callable[[ConnectService], dict[str, str]],
) -> dict[str, str]:
    """Provide an ECS service without tasks that offers a Service Connect endpoint."""
    connect_service = make_connect_service("backend", count=0)
    return endpoint_variables(connect_service) | ecs_variables(connect_service.service)


@situation("endpoint-task", "ecs", "service-connect", "ecs-processes")
def with_endpoint_task(
    make_connect_service: Callable[..., ConnectService],
    endpoint_variables: Callable[[ConnectService], dict[str, str]],
    wait_for_task: Callable[..., dict[str, Any]],
) -> dict[str, str]:
    """Provide such a service with one running task."""
    connect_service = make_connect_service("backend")
    task = wait_for_task(connect_service)
    return endpoint_variables(connect_service) | ecs_variables(connect_service.service, task)


@situation("registry-and-endpoint", "ecs", "service-connect", "route53", "ec2")
def with_registry_and_endpoint(
    cluster: str,
    task_vpc: str,
    make_namespace: Callable[..., dict[str, Any]],
    make_service: Callable[..., dict[str, Any]],
    make_connect_service: Callable[..., ConnectService],
) -> dict[str, str]:
    """Provide an ECS service that has a registry and offers a Service Connect endpoint."""
    namespace = make_namespace("private", Vpc=task_vpc)
    registry = make_service(namespace, DnsConfig=A_RECORD)
    connect_service = make_connect_service("backend", count=0, registry=registry)
    return namespace_variables(namespace) | ecs_variables(connect_service.service) | {"cluster": cluster}
