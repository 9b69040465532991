"""Life-cycle hooks that pause a deployment: where they can, what ends them, and what is reported of them."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import address_of, for_each, proves, raises, timeouts

STAGES = [
    "PRE_SCALE_UP", "POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
]  # fmt: skip
EARLY = "POST_SCALE_UP"


def pause(*stages, **members):
    """Return a hook that pauses at these stages."""
    return {"targetType": "PAUSE", "lifecycleStages": list(stages), **members}


def blue_green(*hooks):
    """Return a deploymentConfiguration with these hooks."""
    return {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": list(hooks)}


@pytest.fixture
def started(make_connect_service, wait_until_steady, deploy):
    """Return `started(*hooks)`: a service with these hooks, and a new deployment of it."""

    def start(*hooks):
        server = make_connect_service("backend", deploymentConfiguration=blue_green(*hooks))
        wait_until_steady(server.service)
        return server, deploy(server.service)

    return start


@proves("deployments.hooks.pause-at-every-stage")
def test_a_deployment_pauses_at_every_stage(
    make_connect_service, wait_for_task, call_from_task, tasks_of, deploy, waiting_hooks, proceed, reached_status,
    eventually, clock,
):  # fmt: skip
    """At each pause as many tasks run and receive calls as the stage says; an answer lets the deployment continue."""
    # ecs/DeploymentLifecycleHook.lifecycleStages: "PRE_SCALE_UP The green service revision has not started."
    server = make_connect_service("backend", deploymentConfiguration=blue_green(pause(*STAGES)))
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    started = deploy(server.service)
    for stage in STAGES:
        [hook] = eventually(lambda stage=stage: waiting_hooks(server.service, stage), within=timeouts.DEPLOYMENT)
        assert hook["targetType"] == "PAUSE"
        if stage == "PRE_SCALE_UP":
            clock.wait(60)
        running = [task for task in tasks_of(server.service) if task["lastStatus"] == "RUNNING"]
        assert len(running) == (1 if stage == "PRE_SCALE_UP" else 2)
        reached = {call.address for call in call_from_task(client, server.url, times=4)}
        assert (reached == {address_of(blue)}) == (stage != "POST_PRODUCTION_TRAFFIC_SHIFT")
        proceed(started, hook)
    reached_status(server.service, "SUCCESSFUL")


@proves("deployments.hooks.no-pause-during-shifts")
@for_each("stage", ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])
def test_a_pause_is_refused_during_shifts(make_connect_service, stage):
    """A pause hook at a stage that shifts traffic is refused, alone and among others."""
    # ecs/DeploymentLifecycleHook.lifecycleStages: "PAUSE hooks cannot be configured at TEST_TRAFFIC_SHIFT or
    # PRODUCTION_TRAFFIC_SHIFT stages."
    for stages in ([stage], [EARLY, stage]):
        with raises("InvalidParameterException"):
            make_connect_service("backend", count=0, deploymentConfiguration=blue_green(pause(*stages)))
    make_connect_service("backend", count=0, deploymentConfiguration=blue_green(pause(EARLY)))


@proves("deployments.hooks.ten-of-a-type")
def test_a_service_has_ten_pause_hooks(make_connect_service):
    """Ten pause hooks are accepted, eleven refused."""
    # guide, pause-lifecycle-hooks: "You can configure a maximum of 10 pause hooks and 10 Lambda hooks per service."
    make_connect_service("backend", count=0, deploymentConfiguration=blue_green(*[pause(EARLY)] * 10))
    with raises("InvalidParameterException"):
        make_connect_service("backend", count=0, deploymentConfiguration=blue_green(*[pause(EARLY)] * 11))


@proves("deployments.hooks.timeout-by-default")
def test_a_hook_expires_after_a_day(started, waiting_hooks, eventually, ecs):
    """Without timeoutConfiguration a hook that waits expires a day after it began, with a rollback."""
    # ecs/DeploymentLifecycleHookTimeoutConfiguration.timeoutInMinutes: "Default: 1440 (24 hours)"
    server, deployment = started(pause("PRE_SCALE_UP"))
    [hook] = eventually(lambda: waiting_hooks(server.service, "PRE_SCALE_UP"), within=timeouts.DEPLOYMENT)
    waits = (hook["expiresAt"] - deployment["createdAt"]).total_seconds()
    assert 1440 * 60 <= waits <= 1440 * 60 + timeouts.DEPLOYMENT
    assert hook["timeoutAction"] == "ROLLBACK"
    ecs.stop_service_deployment(serviceDeploymentArn=deployment["serviceDeploymentArn"])


@proves("deployments.hooks.timeout-action")
@for_each("action, status", {"continue": ("CONTINUE", "SUCCESSFUL"), "rollback": ("ROLLBACK", "ROLLBACK_SUCCESSFUL")})
def test_a_hook_that_is_not_answered(started, waiting_hooks, newest_deployment, eventually, clock, action, status):
    """After its minutes the deployment continues, or rolls back, as the time-out's action says; not before."""
    # ecs/DeploymentLifecycleHookTimeoutConfiguration.action: "CONTINUE - Proceeds the deployment to the next lifecycle
    # stage. ROLLBACK - Rolls back the deployment to the previous service revision."
    server, _ = started(pause(EARLY, timeoutConfiguration={"timeoutInMinutes": 2, "action": action}))
    [hook] = eventually(lambda: waiting_hooks(server.service, EARLY), within=timeouts.DEPLOYMENT)
    assert hook["timeoutAction"] == action
    expires = hook["expiresAt"].timestamp()
    last = clock.now()

    def has_ended():
        nonlocal last
        found = newest_deployment(server.service)
        if found["status"] == "IN_PROGRESS" and found.get("lifecycleStage") == EARLY:
            last = clock.now()
        return found["status"] if found["status"] not in ("IN_PROGRESS", "ROLLBACK_IN_PROGRESS") else None

    assert eventually(has_ended, within=120 + timeouts.DEPLOYMENT, poll_every=5) == status
    assert last >= expires - 15


@proves("deployments.hooks.timeout-range")
def test_the_time_out_of_a_pause_is_up_to_two_weeks(make_connect_service):
    """A pause waits from 1 to 20160 minutes; fewer and more are refused."""
    # guide, pause-lifecycle-hooks, timeoutInMinutes: "1 - 20,160 (14 days)"
    for minutes, is_valid in ((1, True), (20_160, True), (0, False), (20_161, False)):
        configuration = blue_green(pause(EARLY, timeoutConfiguration={"timeoutInMinutes": minutes}))
        if is_valid:
            make_connect_service("backend", count=0, deploymentConfiguration=configuration)
        else:
            with raises("InvalidParameterException"):
                make_connect_service("backend", count=0, deploymentConfiguration=configuration)


@proves("deployments.hooks.all-of-a-stage", "deployments.hooks.answered-once")
def test_all_hooks_of_a_stage_are_answered(started, waiting_hooks, proceed, reached_status, eventually, always):
    """Two hooks at a stage both wait; the deployment continues after the second answer; no hook is answered twice."""
    # guide, pause-lifecycle-hooks: "the deployment stays paused until all hooks at that stage are continued."
    server, deployment = started(pause(EARLY), pause(EARLY))
    first, second = eventually(
        lambda: (found := waiting_hooks(server.service, EARLY))[1:] and found, within=timeouts.DEPLOYMENT
    )
    assert first["hookId"] != second["hookId"]
    proceed(deployment, first)
    with pytest.raises(ClientError):
        proceed(deployment, first)

    def only_second_waits():
        return [hook["hookId"] for hook in waiting_hooks(server.service, EARLY)] == [second["hookId"]]

    eventually(only_second_waits, within=timeouts.SCHEDULER)
    always(only_second_waits, during=30)
    proceed(deployment, second)
    reached_status(server.service, "SUCCESSFUL")


@proves("deployments.hooks.one-rollback-is-enough")
def test_one_hook_of_a_stage_rolls_back(started, waiting_hooks, proceed, reached_status, tasks_of, eventually):
    """Of two hooks one is answered with ROLLBACK: the deployment rolls back though the other one was continued."""
    # guide, pause-lifecycle-hooks: "If any hook triggers a rollback, the entire deployment rolls back"
    server, deployment = started(pause(EARLY), pause(EARLY))
    before = {task["taskArn"] for task in tasks_of(server.service)}
    first, second = eventually(
        lambda: (found := waiting_hooks(server.service, EARLY))[1:] and found, within=timeouts.DEPLOYMENT
    )
    proceed(deployment, first)
    proceed(deployment, second, "ROLLBACK")
    reached_status(server.service, "ROLLBACK_SUCCESSFUL")
    eventually(lambda: len(tasks_of(server.service)) == 1, within=timeouts.TASK)
    assert len(before) == 2 or {task["taskArn"] for task in tasks_of(server.service)} == before


@proves("deployments.hooks.events")
def test_events_of_a_hook(
    make_connect_service, wait_until_steady, deploy, waiting_hooks, proceed, reached_status, capture_events, eventually
):
    """ECS sends an event when a hook begins to wait, and one that says how it ended."""
    # guide, pause-lifecycle-hooks: "Amazon ECS emits EventBridge events with the detail-type ECS Hook State Change"
    configuration = blue_green(pause(EARLY, "POST_TEST_TRAFFIC_SHIFT"))
    server = make_connect_service("backend", deploymentConfiguration=configuration)
    wait_until_steady(server.service)
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Hook State Change"]}
    received = capture_events(pattern)
    started = deploy(server.service)
    answered = []
    for stage, action in ((EARLY, "CONTINUE"), ("POST_TEST_TRAFFIC_SHIFT", "ROLLBACK")):
        [hook] = eventually(lambda stage=stage: waiting_hooks(server.service, stage), within=timeouts.DEPLOYMENT)
        proceed(started, hook, action)
        answered.append(hook["hookId"])
    reached_status(server.service, "ROLLBACK_SUCCESSFUL")
    expected = {
        ("HOOK_AWAITING_ACTION", EARLY, answered[0]),
        ("HOOK_SUCCEEDED", EARLY, answered[0]),
        ("HOOK_AWAITING_ACTION", "POST_TEST_TRAFFIC_SHIFT", answered[1]),
        ("HOOK_FAILED", "POST_TEST_TRAFFIC_SHIFT", answered[1]),
    }

    def own():
        details = [event["detail"] for event in received()]
        return [detail for detail in details if detail.get("serviceArn") == server.service["serviceArn"]]

    def seen():
        return {(detail["eventName"], detail["lifecycleStage"], detail["hookId"]) for detail in own()}

    eventually(lambda: seen() == expected, within=timeouts.DISCOVERY)
    assert {detail["hookType"] for detail in own()} == {"PAUSE"}
    assert {detail["serviceDeploymentArn"] for detail in own()} == {started["serviceDeploymentArn"]}
