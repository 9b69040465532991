"""Create the service of an experiment whose deployments shift traffic: its clients call by Service Connect.

ECS registers no tasks of such a service in a registry of the user's (Amazon ECS Developer Guide, Service discovery
considerations), so that clients by DNS and by the API do not find them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from surveyor.chaos.experiment import ServiceSetup
from surveyor.fixtures.tasks import TASK_PORT, TASK_TOKEN
from surveyor.observers.existing_service import find_service
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.targets.running import RunningTarget
from surveyor_agents import workload

__all__ = ["container_of", "create_connected_service", "drain_of"]

_PORT_NAME = "web"


def create_connected_service(
    fixture: Callable[[str], Any], running: RunningTarget, account: str, setup: ServiceSetup
) -> ServiceUnderTest:
    """Return a new service with an endpoint of Service Connect, all its tasks running, and a client task."""
    namespace, alias = fixture("http_namespace"), fixture("unique_name")("backend")
    ports = [{"containerPort": TASK_PORT, "name": _PORT_NAME, "appProtocol": "http"}]
    definition = fixture("make_task_definition")(
        "serve", *drain_of(setup), container={**container_of(setup), "portMappings": ports}
    )
    endpoint = {
        "portName": _PORT_NAME,
        "discoveryName": alias,
        "clientAliases": [{"port": TASK_PORT, "dnsName": alias}],
    }
    connect = {"enabled": True, "namespace": namespace["Arn"], "services": [endpoint]}
    service = fixture("make_ecs_service")(
        definition,
        count=setup.count,
        serviceConnectConfiguration=connect,
        deploymentConfiguration=dict(setup.deployment),
    )
    fixture("wait_until_steady")(service)
    caller = fixture("make_connect_client")(namespace, alias, setup.clients)
    name = f"{fixture('cluster')}/{service['serviceName']}"
    path = f"/?after={setup.response_seconds:g}" if setup.response_seconds else "/"
    found = find_service(fixture("client"), account, running.target.region, name, path, entry_points=True)
    return replace(
        found,
        temporary=True,
        health=True,
        token=TASK_TOKEN,
        proxy=caller.proxy if running.target.is_local else ("", 0),
        client_task=caller.task,
        client_zone=caller.zone,
        settings=setup.settings(),
    )


def drain_of(setup: ServiceSetup) -> tuple[str, ...]:
    """Return the arguments of the workload that let it drain as long as the setup says."""
    return ("--on-term", "drain", "--drain", str(setup.drain)) if setup.drain else ()


def container_of(setup: ServiceSetup) -> dict[str, Any]:
    """Return what differs from the usual container: its stopTimeout and its health check."""
    container: dict[str, Any] = {"stopTimeout": setup.stop_timeout}
    if setup.check:
        container["healthCheck"] = {
            "command": ["CMD", *workload.command("check")],
            "interval": setup.check_interval,
            "retries": setup.check_retries,
        }
    return container
