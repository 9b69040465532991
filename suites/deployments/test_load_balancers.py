"""Canary deployments behind an Application Load Balancer: the weights of its rule, and the shares of calls."""

from __future__ import annotations

import math

import pytest

from surveyor.testing import TASK_PORT, address_of, for_each, proves, timeouts

CALLS = 300
PERCENT = 25
STEP = "PRE_PRODUCTION_TRAFFIC_SHIFT"


@pytest.fixture
def rule(client, make_load_balancer, make_service_role, task_vpc, network, unique_name):
    """Return the load balancer, the ARN of its production rule, and the `loadBalancers` of a service that uses it."""
    elb = client("elbv2")
    balancer = make_load_balancer(task_vpc, network["awsvpcConfiguration"]["subnets"])
    [group] = elb.describe_target_groups(TargetGroupArns=[balancer.group])["TargetGroups"]
    alternate = elb.create_target_group(
        Name=unique_name("alt"), Protocol="HTTP", Port=TASK_PORT, VpcId=group["VpcId"], TargetType="ip",
        HealthCheckPath="/health", HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    [listener] = elb.describe_listeners(LoadBalancerArn=group["LoadBalancerArns"][0])["Listeners"]
    production = elb.create_rule(
        ListenerArn=listener["ListenerArn"], Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": balancer.group}],
    )["Rules"][0]["RuleArn"]  # fmt: skip
    advanced = {
        "alternateTargetGroupArn": alternate,
        "productionListenerRule": production,
        "roleArn": make_service_role("ecs.amazonaws.com", may="elasticloadbalancing:*"),
    }
    entry = {"targetGroupArn": balancer.group, "containerName": "app", "containerPort": TASK_PORT}
    return balancer, production, [{**entry, "advancedConfiguration": advanced}]


@proves("deployments.load-balancer.weights", "deployments.load-balancer.alternates")
def test_a_rule_has_the_weights_of_a_canary(
    client, make_task_definition, make_ecs_service, wait_until_steady, deploy, waiting_hooks, proceed, reached_status,
    eventually, ecs, rule,
):  # fmt: skip
    """During a canary the rule forwards to both target groups with the weights of the step; then to the new one."""
    # guide, alb-resources-for-blue-green: "Amazon ECS deploys the new tasks and registers them with the alternate
    # target group."
    elb = client("elbv2")
    _, production, load_balancers = rule
    [entry] = load_balancers
    pause = {"targetType": "PAUSE", "lifecycleStages": [STEP]}
    settings = {
        "strategy": "CANARY", "bakeTimeInMinutes": 0, "lifecycleHooks": [pause],
        "canaryConfiguration": {"canaryPercent": float(PERCENT), "canaryBakeTimeInMinutes": 0},
    }  # fmt: skip
    service = make_ecs_service(make_task_definition(), loadBalancers=load_balancers, deploymentConfiguration=settings)
    assert service["loadBalancers"] == load_balancers
    wait_until_steady(service)
    primary, alternate = entry["targetGroupArn"], entry["advancedConfiguration"]["alternateTargetGroupArn"]

    def weights():
        [found] = elb.describe_rules(RuleArns=[production])["Rules"]
        groups = found["Actions"][0]["ForwardConfig"]["TargetGroups"]
        return {one["TargetGroupArn"]: one["Weight"] for one in groups if one["Weight"]}

    def targets(group):
        found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in found]

    for old, new in ((primary, alternate), (alternate, primary)):
        started = deploy(service)
        known: set[str] = set()
        for percent in (0, PERCENT):
            [hook] = eventually(
                lambda known=frozenset(known): [
                    one for one in waiting_hooks(service, STEP) if one["hookId"] not in known
                ],
                within=timeouts.DEPLOYMENT,
            )
            found = weights()
            total = sum(found.values())
            assert math.isclose(found.get(new, 0) / total, percent / 100, abs_tol=0.01)
            assert targets(new) == ["healthy"]
            known.add(hook["hookId"])
            proceed(started, hook)
        end = reached_status(service, "SUCCESSFUL")
        assert set(weights()) == {new}
        arn = end["targetServiceRevision"]["arn"]
        [revision] = ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"]
        [resolved] = revision["resolvedConfiguration"]["loadBalancers"]
        assert (resolved["targetGroupArn"], resolved["productionListenerRule"]) == (new, production)
        eventually(lambda old=old: "healthy" not in targets(old), within=timeouts.TASK)


@proves("deployments.load-balancer.share-of-calls")
@for_each(
    "strategy, percents",
    {
        "canary": ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 25.0}}, [25.0]),
        "linear": ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}}, [40.0, 80.0]),
    },
)
def test_the_share_of_calls_behind_a_load_balancer(
    make_task_definition, make_ecs_service, wait_until_steady, call_from_task, tasks_of, deploy,
    waiting_hooks, proceed, reached_status, eventually, report_figure, is_share, run_task, describe_task, rule,
    strategy, percents,
):  # fmt: skip
    """At each step the load balancer sends the new task its share of the calls of a client, and in the end all."""
    # guide, canary-deployment: "PRE_PRODUCTION_TRAFFIC_SHIFT: Occurs before each production traffic shift step."
    balancer, _, load_balancers = rule
    pause = {"targetType": "PAUSE", "lifecycleStages": [STEP]}
    name, member = {
        "CANARY": ("canaryConfiguration", "canaryBakeTimeInMinutes"),
        "LINEAR": ("linearConfiguration", "stepBakeTimeInMinutes"),
    }[strategy["strategy"]]
    settings = {**strategy, name: {**strategy[name], member: 0}, "bakeTimeInMinutes": 0, "lifecycleHooks": [pause]}
    definition = make_task_definition()
    service = make_ecs_service(definition, loadBalancers=load_balancers, deploymentConfiguration=settings)
    wait_until_steady(service)
    [blue] = tasks_of(service)
    client = run_task(definition)
    client = eventually(
        lambda: found if (found := describe_task(client))["lastStatus"] == "RUNNING" else None, within=timeouts.TASK
    )
    url = f"http://{balancer.name}:{balancer.port}/"
    started = deploy(service)
    known: set[str] = set()
    for percent in [0.0, *percents]:
        [hook] = eventually(
            lambda known=frozenset(known): [one for one in waiting_hooks(service, STEP) if one["hookId"] not in known],
            within=timeouts.DEPLOYMENT,
        )
        calls = call_from_task(client, url, times=CALLS)
        assert {call.status for call in calls} == {200}
        moved = sum(call.address != address_of(blue) for call in calls)
        report_figure(f"calls to the new task at {percent:g} %", 100 * moved / CALLS, unit="%")
        assert is_share(moved, CALLS, percent), f"{moved} of {CALLS} calls at {percent} %"
        known.add(hook["hookId"])
        proceed(started, hook)
    reached_status(service, "SUCCESSFUL")
    [green] = [task for task in tasks_of(service) if task["taskArn"] != blue["taskArn"]]
    assert {call.address for call in call_from_task(client, url, times=5)} == {address_of(green)}
