"""Canary and linear deployments: the steps, what they wait for, and the share of calls that reaches the new tasks."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import Any

from surveyor.testing import address_of, for_each, proves, raises, timeouts

STEP = "PRE_PRODUCTION_TRAFFIC_SHIFT"
PAUSE = {"targetType": "PAUSE", "lifecycleStages": [STEP]}
CALLS = 300
SHIFTS = {
    "canary": ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 25.0}}, [25.0]),
    "linear": ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}}, [40.0, 80.0]),
}
POLL = 10
"""Service seconds between two looks at a deployment that waits."""


def gradual(configuration, minutes=0, hooks=(PAUSE,)):
    """Return a deploymentConfiguration whose steps take no time by themselves."""
    found = dict(configuration)
    for name, member in (
        ("canaryConfiguration", "canaryBakeTimeInMinutes"),
        ("linearConfiguration", "stepBakeTimeInMinutes"),
    ):
        if name in found:
            found[name] = {**found[name], member: minutes}
    return {"bakeTimeInMinutes": 0, "lifecycleHooks": list(hooks), **found}


@proves(
    "deployments.canary.share-of-calls",
    "deployments.linear.share-of-calls",
    "deployments.weights.described",
    "deployments.hooks.pause-before-each-shift",
)
@for_each("configuration, percents", SHIFTS)
def test_the_share_of_calls_is_the_weight(
    make_connect_service, wait_for_task, call_from_task, tasks_of, deploy, waiting_hooks, proceed, newest_deployment,
    reached_status, eventually, report_figure, is_share, configuration, percents,
):  # fmt: skip
    """At each step the new task gets as large a share of the calls as its weight says, and in the end all calls."""
    # guide, canary-deployment: "PRE_PRODUCTION_TRAFFIC_SHIFT: Occurs before each production traffic shift step."
    server = make_connect_service("backend", deploymentConfiguration=gradual(configuration))
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    started = deploy(server.service)
    hook_ids: set[str] = set()
    for percent in [0.0, *percents]:
        hooks = eventually(
            lambda known=frozenset(hook_ids): [
                one for one in waiting_hooks(server.service, STEP) if one["hookId"] not in known
            ],
            within=timeouts.DEPLOYMENT,
        )
        deployment = newest_deployment(server.service)
        [source], target = deployment["sourceServiceRevisions"], deployment["targetServiceRevision"]
        assert target["requestedProductionTrafficWeight"] == percent
        assert source["requestedProductionTrafficWeight"] == 100.0 - percent
        calls = call_from_task(client, server.url, times=CALLS)
        assert {call.status for call in calls} == {200}
        moved = sum(call.address != address_of(blue) for call in calls)
        report_figure(f"calls to the new task at {percent:g} %", 100 * moved / CALLS, unit="%")
        assert is_share(moved, CALLS, percent), f"{moved} of {CALLS} calls at {percent} %"
        hook_ids |= {hook["hookId"] for hook in hooks}
        proceed(started, hooks[0])
    assert len(hook_ids) == len(percents) + 1
    reached_status(server.service, "SUCCESSFUL")
    [green] = [task for task in tasks_of(server.service) if task["taskArn"] != blue["taskArn"]]
    assert {call.address for call in call_from_task(client, server.url, times=5)} == {address_of(green)}


@proves("deployments.canary.then-the-rest", "deployments.linear.equal-steps", "deployments.linear.no-wait-at-the-end")
@for_each(
    "configuration, expected",
    {
        "canary": ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.1}}, [0.1, 100.0]),
        "linear": ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 30.0}}, [30.0, 60.0, 90.0, 100.0]),
    },
)
def test_the_steps_of_a_strategy(
    make_connect_service, wait_until_steady, deploy, newest_deployment, production_weight, eventually, clock,
    configuration, expected,
):  # fmt: skip
    """The weights are those of the strategy, each held for its minutes; at 100 percent nothing waits any more."""
    # ecs/LinearConfiguration.stepBakeTimeInMinutes: "This bake time is not applied after reaching 100 percent traffic."
    settings = gradual(configuration, minutes=5, hooks=())
    server = make_connect_service("backend", deploymentConfiguration=settings)
    wait_until_steady(server.service)
    deploy(server.service)
    seen: dict[float, float] = {}
    stages: dict[str, float] = {}

    def is_over():
        deployment = newest_deployment(server.service)
        seen.setdefault(production_weight(deployment), clock.now())
        if production_weight(deployment) == 100.0:
            stages.setdefault(deployment.get("lifecycleStage", ""), clock.now())
        return deployment["status"] == "SUCCESSFUL"

    eventually(is_over, within=len(expected) * 300 + timeouts.DEPLOYMENT, poll_every=5)
    assert [weight for weight in seen if weight] == expected
    moments = [seen[weight] for weight in expected]
    assert all(later - earlier >= 300 - 15 for earlier, later in itertools.pairwise(moments))
    after_shift = [
        moment
        for stage, moment in stages.items()
        if stage in ("POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP")
    ]
    assert after_shift
    assert min(after_shift) - moments[-1] < 300


@proves("deployments.canary.defaults", "deployments.linear.defaults")
@for_each(
    "strategy, first, second, minutes", {"canary": ("CANARY", 5.0, 100.0, 10), "linear": ("LINEAR", 10.0, 20.0, 6)}
)
def test_the_defaults_of_a_strategy(
    make_connect_service, wait_until_steady, deploy, newest_deployment, production_weight, eventually, clock, ecs,
    strategy, first, second, minutes,
):  # fmt: skip
    """Without a configuration the first step has the documented share and waits for the documented minutes."""
    # ecs/CanaryConfiguration: "The default value is 5.0." "The default value is 10."
    settings = {"strategy": strategy, "bakeTimeInMinutes": 0}
    server = make_connect_service("backend", deploymentConfiguration=settings)
    wait_until_steady(server.service)
    started = deploy(server.service)
    seen: dict[float, float] = {}

    def has_shifted_twice():
        deployment = newest_deployment(server.service)
        seen.setdefault(production_weight(deployment), clock.now())
        return production_weight(deployment) >= second or deployment["status"] == "SUCCESSFUL"

    eventually(has_shifted_twice, within=minutes * 60 + timeouts.DEPLOYMENT, poll_every=POLL)
    assert [weight for weight in seen if weight] == [first, second]
    assert seen[second] - seen[first] >= minutes * 60 - 2 * POLL
    if newest_deployment(server.service)["status"] == "IN_PROGRESS":
        with suppress(ecs.exceptions.ConflictException):  # it has ended since
            ecs.stop_service_deployment(serviceDeploymentArn=started["serviceDeploymentArn"])


REFUSED: dict[str, list[dict[str, Any]]] = {
    "deployments.canary.range": [
        {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": percent}}
        for percent in (0.0, 0.05, 5.25, 100.1)
    ],
    "deployments.canary.minutes": [
        {"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": minutes}} for minutes in (-1, 1441)
    ],
    "deployments.linear.range": [
        {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": percent}} for percent in (0.0, 2.9, 10.05, 100.1)
    ],
    "deployments.linear.minutes": [
        {"strategy": "LINEAR", "linearConfiguration": {"stepBakeTimeInMinutes": minutes}} for minutes in (-1, 1441)
    ],
    "deployments.strategy.one-configuration": [
        {
            "strategy": "CANARY",
            "canaryConfiguration": {"canaryPercent": 5.0},
            "linearConfiguration": {"stepPercent": 10.0},
        },
        {"strategy": "LINEAR", "canaryConfiguration": {"canaryPercent": 5.0}},
        {"strategy": "CANARY", "linearConfiguration": {"stepPercent": 10.0}},
        {"strategy": "ROLLING", "linearConfiguration": {"stepPercent": 10.0}},
        {"canaryConfiguration": {"canaryPercent": 5.0}},
    ],
    "deployments.bake-time.needed": [{"strategy": "BLUE_GREEN"}],
}
ACCEPTED: dict[str, list[dict[str, Any]]] = {
    "deployments.canary.range": [
        {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": percent}} for percent in (0.1, 99.9, 100.0)
    ],
    "deployments.canary.minutes": [
        {"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": minutes}} for minutes in (0, 1440)
    ],
    "deployments.linear.range": [
        {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": percent}} for percent in (3.0, 33.3, 100.0)
    ],
    "deployments.linear.minutes": [
        {"strategy": "LINEAR", "linearConfiguration": {"stepBakeTimeInMinutes": minutes}} for minutes in (0, 1440)
    ],
    "deployments.strategy.one-configuration": [{"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 10.0}}],
    "deployments.bake-time.needed": [{"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}],
}


@proves(
    "deployments.bake-time.needed",
    "deployments.canary.minutes",
    "deployments.canary.range",
    "deployments.linear.minutes",
    "deployments.linear.range",
    "deployments.strategy.one-configuration",
)
@for_each("claim", sorted(REFUSED))
def test_configurations_that_are_refused(make_connect_service, ecs, cluster, claim):
    """CreateService and UpdateService accept what the reference allows, and refuse what it does not."""
    services = []
    for configuration in ACCEPTED[claim]:
        given = {"bakeTimeInMinutes": 0, **configuration}
        services.append(make_connect_service("backend", count=0, deploymentConfiguration=given).service)
        described = services[-1]["deploymentConfiguration"]
        assert {name: described[name] for name in given} == given
    for configuration in REFUSED[claim]:
        with raises("InvalidParameterException"):
            make_connect_service("backend", count=0, deploymentConfiguration=configuration)
        if claim == "deployments.bake-time.needed":
            continue  # UpdateService keeps the bake time that the service has
        with raises("InvalidParameterException"):
            name = services[-1]["serviceName"]
            fresh = {"strategy": configuration.get("strategy", "ROLLING"), **configuration}
            ecs.update_service(cluster=cluster, service=name, deploymentConfiguration=fresh)


@proves("deployments.strategy.needs-traffic")
@for_each("strategy", ["CANARY", "LINEAR"])
def test_a_gradual_strategy_needs_what_shifts_traffic(
    ecs, make_task_definition, make_ecs_service, make_connect_service, cluster, strategy
):
    """Without a load balancer and without Service Connect the strategy is refused, at the creation and later."""
    # guide, canary-deployment-implementation: "your service must use one of the following features: Elastic Load
    # Balancing, Service Connect"
    configuration = {"strategy": strategy, "bakeTimeInMinutes": 0}
    definition = make_task_definition()
    with raises("InvalidParameterException"):
        make_ecs_service(definition, count=0, deploymentConfiguration=configuration)
    plain = make_ecs_service(definition, count=0)
    with raises("InvalidParameterException"):
        ecs.update_service(
            cluster=cluster,
            service=plain["serviceName"],
            deploymentConfiguration=configuration,
            forceNewDeployment=True,
        )
    make_connect_service("backend", count=0, deploymentConfiguration=configuration)


@proves("deployments.bake-time.both-run", "deployments.stages.in-order")
def test_old_and_new_tasks_run_during_the_bake_time(
    make_connect_service, wait_for_task, tasks_of, deploy, newest_deployment, eventually, clock
):
    """The stages come in their order; the old task runs until the bake time is over, and not after the end."""
    # ecs/DeploymentConfiguration.bakeTimeInMinutes: "The time period when both blue and green service revisions are
    # running simultaneously after the production traffic has shifted."
    order = [
        "RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT", STEP, "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME",
        "CLEAN_UP",
    ]  # fmt: skip
    settings = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 3}
    server = make_connect_service("backend", deploymentConfiguration=settings)
    blue = wait_for_task(server)
    deploy(server.service)
    seen: dict[str, float] = {}
    with_both = 0

    def is_over():
        nonlocal with_both
        deployment = newest_deployment(server.service)
        stage = deployment.get("lifecycleStage", "")
        if stage == "BAKE_TIME":
            arns = [task["taskArn"] for task in tasks_of(server.service) if task["lastStatus"] == "RUNNING"]
            if newest_deployment(server.service).get("lifecycleStage") == "BAKE_TIME":
                assert blue["taskArn"] in arns
                assert len(arns) == 2
                with_both += 1
        seen.setdefault(stage, clock.now())
        return deployment["status"] == "SUCCESSFUL"

    eventually(is_over, within=180 + timeouts.DEPLOYMENT, poll_every=2)
    stages = [stage for stage in seen if stage]
    assert stages == sorted(stages, key=order.index)
    assert {"SCALE_UP", "BAKE_TIME"} <= set(stages)
    assert with_both
    ended = clock.now() if "CLEAN_UP" not in seen else seen["CLEAN_UP"]
    assert ended - seen["BAKE_TIME"] >= 180 - 15
    assert blue["taskArn"] not in [task["taskArn"] for task in tasks_of(server.service)]


@proves("deployments.stages.reconcile")
def test_a_deployment_during_a_deployment(
    make_connect_service, wait_for_task, call_from_task, tasks_of, deploy, waiting_hooks, proceed, newest_deployment,
    reached_status, eventually, ecs, cluster,
):  # fmt: skip
    """A deployment that starts during another reconciles first, ends the other one, and replaces what was completed."""
    # ecs/ServiceDeployment.lifecycleStage: "RECONCILE_SERVICE The reconciliation stage that only happens when you start
    # a new service deployment with more than 1 service revision in an ACTIVE state."
    reconcile = {"targetType": "PAUSE", "lifecycleStages": ["RECONCILE_SERVICE", "POST_TEST_TRAFFIC_SHIFT"]}
    settings = gradual(SHIFTS["canary"][0], hooks=(PAUSE, reconcile))
    server = make_connect_service("backend", deploymentConfiguration=settings)
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    first = deploy(server.service)
    [hook] = eventually(lambda: waiting_hooks(server.service, "POST_TEST_TRAFFIC_SHIFT"), within=timeouts.DEPLOYMENT)
    proceed(first, hook)
    [hook] = eventually(lambda: waiting_hooks(server.service, STEP), within=timeouts.DEPLOYMENT)
    second = deploy(server.service)
    [hook] = eventually(lambda: waiting_hooks(server.service, "RECONCILE_SERVICE"), within=timeouts.DEPLOYMENT)
    described = ecs.describe_service_deployments(serviceDeploymentArns=[first["serviceDeploymentArn"]])
    assert described["serviceDeployments"][0]["status"] != "SUCCESSFUL"
    assert {call.address for call in call_from_task(client, server.url, times=5)} == {address_of(blue)}
    proceed(second, hook)
    [hook] = eventually(lambda: waiting_hooks(server.service, "POST_TEST_TRAFFIC_SHIFT"), within=timeouts.DEPLOYMENT)
    assert len([task for task in tasks_of(server.service) if task["lastStatus"] == "RUNNING"]) == 2
    proceed(second, hook)
    for _ in range(2):
        [hook] = eventually(lambda: waiting_hooks(server.service, STEP), within=timeouts.DEPLOYMENT)
        proceed(second, hook)
        eventually(lambda hook=hook: hook not in waiting_hooks(server.service, STEP), within=timeouts.DEPLOYMENT)
    reached_status(server.service, "SUCCESSFUL")
    [green] = tasks_of(server.service)
    assert green["taskArn"] != blue["taskArn"]
    assert {call.address for call in call_from_task(client, server.url, times=5)} == {address_of(green)}


@proves("deployments.rollback.under-traffic")
def test_a_bad_canary_is_rolled_back_under_traffic(
    make_connect_service, wait_for_task, call_from_task, tasks_of, deploy, waiting_hooks, proceed, newest_deployment,
    reached_status, eventually, ecs,
):  # fmt: skip
    """After a rollback at 25 percent no call reaches the new task, none failed, and the old one has all traffic."""
    settings = gradual(SHIFTS["canary"][0])
    server = make_connect_service("backend", deploymentConfiguration=settings)
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    started = deploy(server.service)
    [hook] = eventually(lambda: waiting_hooks(server.service, STEP), within=timeouts.DEPLOYMENT)
    proceed(started, hook)
    [hook] = eventually(
        lambda: [one for one in waiting_hooks(server.service, STEP) if one["hookId"] != hook["hookId"]],
        within=timeouts.DEPLOYMENT,
    )
    during = call_from_task(client, server.url, times=50)
    assert {call.status for call in during} == {200}
    ecs.stop_service_deployment(serviceDeploymentArn=started["serviceDeploymentArn"])
    eventually(
        lambda: {call.address for call in call_from_task(client, server.url, times=40)} == {address_of(blue)},
        within=timeouts.DEPLOYMENT,
    )
    end = reached_status(server.service, "ROLLBACK_SUCCESSFUL")
    [source], target = end["sourceServiceRevisions"], end["targetServiceRevision"]
    assert end["rollback"]["serviceRevisionArn"] == source["arn"]
    weights = (source["requestedProductionTrafficWeight"], target["requestedProductionTrafficWeight"])
    assert weights == (100.0, 0.0)
    after = call_from_task(client, server.url, times=40)
    assert {(call.status, call.address) for call in after} == {(200, address_of(blue))}
    eventually(
        lambda: [task["taskArn"] for task in tasks_of(server.service)] == [blue["taskArn"]], within=timeouts.TASK
    )
