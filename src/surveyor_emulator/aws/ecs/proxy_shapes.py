"""The Service Connect proxy of a task in shapes of the ECS API: a container, an attachment, and overrides, each first.

As DescribeTasks of real tasks on Fargate has them (apptality/aws-ecs-cloudmap-prometheus-sd): the container has no
image, and what ECS sets for it is shown as overrides.
"""

from __future__ import annotations

from typing import Any

from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.service_connect.values import RESTARTS, WORKERS

from .state import Task
from .task_properties import task_set_arn

__all__ = ["format_proxy", "format_proxy_attachment", "format_proxy_override"]

DISCONNECTED_TIMEOUT = 10_800
"""Seconds for which the proxy counts as healthy without its control plane."""


def format_proxy(task: Task, interfaces: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return ecs Container of the proxy, in a list that is empty for a task without one."""
    proxy = task.proxy
    if proxy is None:
        return []
    document: dict[str, Any] = {
        "containerArn": proxy.arn,
        "taskArn": task.arn,
        "name": proxy.name,
        "lastStatus": proxy.status,
        "healthStatus": proxy.health,
        "networkBindings": [],
        "networkInterfaces": interfaces,
    }
    if proxy.exit_code is not None:
        document["exitCode"] = proxy.exit_code
    return [document]


def format_proxy_attachment(task: Task, status: str) -> list[dict[str, Any]]:
    """Return ecs Attachment of the proxy, in a list that is empty for a task without one."""
    if task.proxy is None:
        return []
    details = [{"name": "ContainerName", "value": task.proxy.name}]
    return [{"id": task.proxy.attachment, "type": "ServiceConnect", "status": status, "details": details}]


def format_proxy_override(call: Call, task: Task) -> list[dict[str, Any]]:
    """Return ecs ContainerOverride of the proxy, in a list that is empty for a task without one."""
    if task.proxy is None:
        return []
    variables = {
        "ENVOY_CONCURRENCY": WORKERS,
        "ENVOY_ADMIN_MODE": "UDS",
        "ENABLE_STATS_SNAPSHOT": "true",
        "APPMESH_METRIC_EXTENSION_VERSION": 1,
        "APPNET_ENVOY_RESTART_COUNT": RESTARTS,
        "HC_DISCONNECTED_TIMEOUT_S": DISCONNECTED_TIMEOUT,
        "APPNET_AGENT_ADMIN_MODE": "UDS",
        "APPMESH_RESOURCE_ARN": task_set_arn(call, task),
    }
    environment = [{"name": name, "value": str(value)} for name, value in variables.items()]
    return [{"name": task.proxy.name, "environment": environment}]
