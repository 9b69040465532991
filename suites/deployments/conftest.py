"""What the tests of gradual deployments share: the newest deployment of a service, and the hooks that it waits at."""

from __future__ import annotations

import math

import pytest

from surveyor.testing import timeouts

DEVIATIONS = 4.5
"""Standard deviations by which a share may differ: seven of a million shares differ by more."""


@pytest.fixture
def is_share():
    """Return `is_share(count, calls, percent)`: whether a count of calls is one that a share of `percent` makes."""

    def judge(count, calls, percent):
        share = percent / 100
        return abs(count - calls * share) <= DEVIATIONS * math.sqrt(calls * share * (1 - share)) + 1

    return judge


UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})


@pytest.fixture
def newest_arns():
    """Return the newest known service deployment of each service, by the name of the service."""
    return {}


@pytest.fixture
def list_newest(ecs, cluster):
    """Return `list_newest(service)`: the ARN of the service's newest deployment, by ListServiceDeployments."""

    def newest(service):
        listed = ecs.list_service_deployments(cluster=cluster, service=service["serviceName"])["serviceDeployments"]
        return max(listed, key=lambda brief: brief["createdAt"])["serviceDeploymentArn"]

    return newest


@pytest.fixture
def newest_deployment(ecs, list_newest, newest_arns):
    """Return `newest_deployment(service)`: DescribeServiceDeployments of the service's newest deployment.

    One that is under way is described without a list: a later one ends it.
    """

    def describe(arn):
        return ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]

    def newest(service):
        name = service["serviceName"]
        if name in newest_arns and (found := describe(newest_arns[name]))["status"] in UNDER_WAY:
            return found
        newest_arns[name] = list_newest(service)
        return describe(newest_arns[name])

    return newest


@pytest.fixture
def deploy(ecs, list_newest, newest_deployment, newest_arns, eventually, cluster):
    """Return `deploy(service, **params)`: force a new deployment, and return it once it is described."""

    def start(service, **params):
        before = list_newest(service)
        request = {"forceNewDeployment": True, **params}
        ecs.update_service(cluster=cluster, service=service["serviceName"], **request)

        def described():
            found = list_newest(service)
            if found == before:
                return None
            newest_arns[service["serviceName"]] = found
            return newest_deployment(service)

        return eventually(described, within=timeouts.DISCOVERY)

    return start


@pytest.fixture
def waiting_hooks(newest_deployment):
    """Return `waiting_hooks(service, stage)`: the newest deployment's hooks that wait for an answer at this stage."""

    def waiting(service, stage):
        deployment = newest_deployment(service)
        if deployment.get("lifecycleStage") != stage:
            return []
        hooks = deployment.get("lifecycleHookDetails") or []
        return [hook for hook in hooks if hook["status"] == "AWAITING_ACTION"]

    return waiting


@pytest.fixture
def proceed(ecs):
    """Return `proceed(deployment, hook, action="CONTINUE")`: answer a hook of a deployment."""

    def answer(deployment, hook, action="CONTINUE"):
        arn = deployment["serviceDeploymentArn"]
        return ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"], action=action)

    return answer


@pytest.fixture
def production_weight():
    """Return `production_weight(deployment)`: the share of production traffic of its target, in percent."""

    def weight(deployment):
        return deployment["targetServiceRevision"].get("requestedProductionTrafficWeight", 0.0)

    return weight


@pytest.fixture
def reached_status(newest_deployment, eventually):
    """Return `reached_status(service, *statuses)`: the newest deployment once its status is one of these."""

    def reached(service, *statuses, within=timeouts.DEPLOYMENT):
        def described():
            found = newest_deployment(service)
            return found if found["status"] in statuses else None

        return eventually(described, within=within, coarse=True)

    return reached
