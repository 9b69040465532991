"""Life-cycle hooks that are Lambda functions: what they are given, and what their answers do."""

from __future__ import annotations

import io
import zipfile

import pytest

from surveyor.testing import for_each, proves, timeouts

FUNCTION = "def handler(event, context):\n    return {result}\n"
COUNTING = """
def handler(event, context):
    seen = event.get("hookDetails", {}).get("seen", 0)
    if seen < 2:
        return {"hookStatus": "IN_PROGRESS", "callBackDelay": 200, "hookDetails": {"seen": seen + 1}}
    return {"hookStatus": "SUCCEEDED" if event["hookDetails"]["given"] == "here" else "FAILED"}
"""
CHECKING = """
def handler(event, context):
    weights = event["executionDetails"]["productionTrafficWeights"]
    target = event["executionDetails"]["targetServiceRevisionArn"]
    is_known = event["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT" and ":service-deployment/" in event["resourceArn"]
    is_shift = set(weights.values()) in ({25, 75}, {100, 0}) and weights[target] in (25, 100)
    return {"hookStatus": "SUCCEEDED" if is_known and is_shift and event["executionId"] else "FAILED"}
"""


@pytest.fixture
def make_hook(client, make_service_role, unique_name):
    """Return `make_hook(code, *stages, **members)`: a life-cycle hook that is a new function of this code."""

    def make(code, *stages, **members):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("hook.py", code)
        role = make_service_role("lambda.amazonaws.com", "ecs.amazonaws.com", may="lambda:InvokeFunction")
        created = client("lambda").create_function(
            FunctionName=unique_name("hook"), Runtime="python3.11", Role=role, Handler="hook.handler",
            Code={"ZipFile": buffer.getvalue()}, Timeout=30,
        )  # fmt: skip
        target = {"targetType": "AWS_LAMBDA", "hookTargetArn": created["FunctionArn"], "roleArn": role}
        return {**target, "lifecycleStages": list(stages), **members}

    return make


@pytest.fixture
def deployed_with(make_connect_service, wait_until_steady, deploy, reached_status):
    """Return `deployed_with(hook)`: the end of a deployment with this hook."""

    def run(hook, **strategy):
        settings = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook], **strategy}
        server = make_connect_service("backend", deploymentConfiguration=settings)
        wait_until_steady(server.service)
        deploy(server.service)
        return reached_status(
            server.service, "SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", within=2 * timeouts.DEPLOYMENT
        )

    return run


@proves("deployments.functions.status")
@for_each(
    "result, status",
    {
        "succeeded": ({"hookStatus": "SUCCEEDED"}, "SUCCESSFUL"),
        "failed": ({"hookStatus": "FAILED"}, "ROLLBACK_SUCCESSFUL"),
        "unknown": ({"hookStatus": "MAYBE"}, "ROLLBACK_SUCCESSFUL"),
        "none": (None, "ROLLBACK_SUCCESSFUL"),
    },
)
def test_the_answer_of_a_function_decides(make_hook, deployed_with, result, status):
    """SUCCEEDED lets the deployment continue; FAILED, and what is no valid status, rolls it back."""
    # guide, lambda-lifecycle-hooks: "If your function doesn't return a valid hookStatus, or if it fails, Amazon ECS
    # rolls back the deployment."
    hook = make_hook(FUNCTION.format(result=result), "POST_SCALE_UP")
    assert deployed_with(hook)["status"] == status


@proves("deployments.functions.in-progress", "deployments.functions.details")
def test_a_function_is_invoked_again(make_hook, deployed_with):
    """A function that is IN_PROGRESS is invoked again after its delay, with its details and those of the hook."""
    # guide, lambda-lifecycle-hooks: "IN_PROGRESS - Amazon ECS invokes the function again after a delay."
    hook = make_hook(COUNTING, "PRE_SCALE_UP", hookDetails={"given": "here"})
    end = deployed_with(hook)
    assert end["status"] == "SUCCESSFUL"
    assert (end["finishedAt"] - end["createdAt"]).total_seconds() >= 400


@proves("deployments.functions.each-shift")
def test_a_function_is_invoked_at_each_shift(make_hook, deployed_with):
    """At each shift of a canary the function is given the stage, the deployment and the weights of both revisions."""
    # guide, lambda-lifecycle-hooks: "hooks configured at PRODUCTION_TRAFFIC_SHIFT ... are invoked at each traffic shift
    # step."
    hook = make_hook(CHECKING, "PRODUCTION_TRAFFIC_SHIFT")
    canary = {"canaryPercent": 25.0, "canaryBakeTimeInMinutes": 0}
    assert deployed_with(hook, strategy="CANARY", canaryConfiguration=canary)["status"] == "SUCCESSFUL"
