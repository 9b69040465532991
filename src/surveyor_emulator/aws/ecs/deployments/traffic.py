"""The traffic of a deployment that shifts it: which share of calls reaches the new tasks, and what the test reaches.

ECS Developer Guide, Service Connect resources, and Application Load Balancer resources, for blue/green, linear, and
canary deployments. The shares are weights in Envoy: of each caller's proxy, and of load balancers.
"""

from __future__ import annotations

from surveyor_emulator.aws.ecs.connect.endpoints import refresh
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_published
from surveyor_emulator.aws.ecs.state import Deployment, PublishedEndpoint, Service
from surveyor_emulator.aws.ecs.tasks import load_balancers
from surveyor_emulator.core.world import Call

__all__ = ["begin", "finish", "shift_production_traffic", "shift_test_traffic", "withdraw"]


def begin(call: Call, service: Service, deployment: Deployment, before: Deployment) -> None:
    """Send all calls to the tasks of the deployment before, also those that an unfinished one had got."""
    deployment.revision_percents = {before.revision: 100.0, deployment.revision: 0.0}
    green = _tasks_of(call, deployment)
    unfinished = {
        task.id
        for task in ecs_state(call).tasks.values()
        if task.service is service and task.deployment not in (deployment, before)
    }
    for published in _published_by(call, service, deployment):
        published.has_test_traffic, published.green_percent = False, 0.0
        published.green, published.leaving = green, unfinished
        refresh(call, _owner(deployment), published)
    load_balancers.set_share(call, deployment, 0.0)


def shift_test_traffic(call: Call, service: Service, deployment: Deployment) -> None:
    """Send calls with the test header, and those to a test listener, to the new tasks."""
    for published in _published_by(call, service, deployment):
        published.has_test_traffic = True
        refresh(call, _owner(deployment), published)
    load_balancers.set_share(call, deployment, 100.0, test=True)


def shift_production_traffic(call: Call, service: Service, deployment: Deployment, percent: float) -> None:
    """Send this share of all other calls to the new tasks from now on."""
    for revision in deployment.revision_percents:
        deployment.revision_percents[revision] = round(100.0 - percent, 1)
    deployment.revision_percents[deployment.revision] = percent
    for published in _published_by(call, service, deployment):
        published.green_percent = percent
        refresh(call, _owner(deployment), published)
    load_balancers.set_share(call, deployment, percent)


def finish(call: Call, service: Service, deployment: Deployment) -> None:
    """Have the new tasks be those of the service: later ones get calls as they do, and the old ones none."""
    old = {
        task.id
        for task in ecs_state(call).tasks.values()
        if task.service is service and task.deployment is not deployment
    }
    for published in _published_by(call, service, deployment):
        published.leaving, published.green, published.green_percent = old, set(), 0.0
        published.has_test_traffic = False
        refresh(call, _owner(deployment), published)


def withdraw(call: Call, service: Service, deployment: Deployment) -> None:
    """Send all calls to the old tasks again."""
    shift_production_traffic(call, service, deployment, 0.0)
    new = _tasks_of(call, deployment)
    for published in _published_by(call, service, deployment):
        published.has_test_traffic, published.green, published.leaving = False, set(), new
        refresh(call, _owner(deployment), published)
    load_balancers.set_share(call, deployment, 0.0, test=True)


def _tasks_of(call: Call, deployment: Deployment) -> set[str]:
    return {task.id for task in ecs_state(call).tasks.values() if task.deployment is deployment}


def _published_by(call: Call, service: Service, deployment: Deployment) -> list[PublishedEndpoint]:
    """Return the endpoints of the service in the namespace of the deployment."""
    connect = deployment.template.connect
    if connect is None:
        return []
    in_namespace = find_published(call, connect.owner, connect.namespace_id)
    return [published for published in in_namespace if published.service_arn == service.arn]


def _owner(deployment: Deployment) -> str:
    assert deployment.template.connect is not None
    return deployment.template.connect.owner
