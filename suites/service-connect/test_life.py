"""Tasks that start, drain and stop, as their callers see it."""

from __future__ import annotations

import threading

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, Inconclusive, TaskCall, address_of, for_each, id_of, proves, timeouts, workload

CHECK = {
    "healthCheck": {"command": ["CMD", *workload.command("check")], "interval": 30, "retries": 3, "startPeriod": 300}
}
NEVER_HEALTHY = {
    "healthCheck": {"command": ["CMD", *workload.command("check", "--port", "9")], "interval": 300, "retries": 10}
}
LATE_CALL = 15
"""Service seconds by which a call may end late: half of the time to the end of the eight minutes."""
LATE_READ = 10
"""Service seconds by which a read of the health may be late here; the check passes after 30 s at the earliest."""


@proves("service-connect.health.withheld-until-healthy")
def test_a_task_gets_no_calls_before_it_is_healthy(
    ecs, make_connect_service, wait_for_task, tasks_of, call_from_task, eventually, cluster
):
    """A second task gets no calls until its check has passed, and gets calls soon after."""
    server = make_connect_service("backend", container=CHECK)
    first = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=2)

    states = set()

    def second():
        return next((task for task in tasks_of(server.service) if task["taskArn"] != first["taskArn"]), None)

    def is_healthy():
        return second()["healthStatus"] == "HEALTHY"

    def healthy():
        if not (task := second()) or task["healthStatus"] == "HEALTHY":
            return task
        states.add(task["lastStatus"])
        calls = call_from_task(client, server.url, times=6)
        if {call.address for call in calls} != {address_of(first)}:
            # The check may have passed during the calls, and a read may be late.
            eventually(is_healthy, within=LATE_READ)
        return None

    newcomer = eventually(healthy, within=timeouts.TASK, poll_every=3)
    if not states & {"ACTIVATING", "RUNNING"}:
        raise Inconclusive(
            "the second task was HEALTHY when its containers were first seen running; run it again with fewer workers"
        )
    eventually(
        lambda: address_of(newcomer) in {call.address for call in call_from_task(client, server.url, times=6)},
        within=timeouts.DISCOVERY,
        poll_every=5,
    )


@proves("service-connect.health.withheld-until-healthy")
def test_a_task_that_is_never_healthy_gets_calls_after_eight_minutes(
    make_connect_service, wait_for_task, tasks_of, call_from_task, clock, eventually
):
    """A task whose check never passes gets no calls in its first 7.5 minutes, and gets calls after 8.5 minutes."""
    server = make_connect_service("backend", container=NEVER_HEALTHY)
    client = wait_for_task(make_connect_service())

    def running():
        return [task for task in tasks_of(server.service) if task["lastStatus"] == "RUNNING"]

    [task] = eventually(running, within=timeouts.TASK)
    # Not documented: whether the eight minutes begin with its containers or when it is RUNNING.
    begun, running_since = (task[name].timestamp() for name in ("pullStoppedAt", "startedAt"))
    for since, elapsed, expected in ((running_since, 60, False), (begun, 450, False), (running_since, 510, True)):
        clock.wait(since + elapsed - clock.now())
        assert [task["healthStatus"] for task in running()] == ["UNKNOWN"]
        answered = [call.status == 200 for call in call_from_task(client, server.url, within=10)]
        if not expected and clock.now() - begun > 450 + LATE_CALL:
            late = clock.now() - begun
            raise Inconclusive(
                f"a call that was due after 450 s ended after {late:.0f} s; run it again with fewer workers"
            )
        assert answered == [expected], f"after {elapsed} s"


@pytest.fixture
def call_while_it_stops(
    ecs, make_connect_service, wait_for_task, call_from_task, call_task, clock, eventually, cluster
):
    """Return `call_while_it_stops(*arguments)`: a call of 10 s, during which its task is stopped.

    `arguments` of the workload say what the task does at SIGTERM.
    """

    def call(*arguments):
        server = make_connect_service("backend", arguments=("serve", *arguments))
        callee = wait_for_task(server)
        client = wait_for_task(make_connect_service())
        calls: list[TaskCall] = []
        thread = threading.Thread(target=lambda: calls.extend(call_from_task(client, f"{server.url}/?after=10")))
        thread.start()
        eventually(lambda: call_task(callee, "/executions")["served"] == 1, within=timeouts.DISCOVERY)
        ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=0)
        clock.wait(20)
        thread.join(timeouts.REMOTE_ANSWER)
        [done] = calls
        return done

    return call


@proves("service-connect.drain.calls-end-before-containers-do")
def test_a_call_outlives_sigterm(call_while_it_stops):
    """If a task is stopped while it answers a call, and its workload drains after SIGTERM, the answer arrives."""
    call = call_while_it_stops("--on-term", "drain", "--drain", "15")
    assert call.status == 200, call


@proves("service-connect.drain.calls-end-before-containers-do")
def test_a_call_to_a_workload_that_dies_at_sigterm(call_while_it_stops, report_figure):
    """If the workload ends at SIGTERM, it is recorded whether the call is answered: whether SIGTERM waits for it."""
    call = call_while_it_stops()
    report_figure("calls of 1 answered by a workload that ends at SIGTERM", int(call.status == 200), unit="calls")


@proves("service-connect.registry.edited-by-hand")
def test_an_instance_deregistered_by_hand(
    cloudmap, ecs, make_connect_service, wait_for_task, call_from_task, read_until, clock, report_figure, cluster
):
    """The only instance is deregistered; the number of calls that fail in the next minute is recorded."""
    server = make_connect_service("backend")
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, server.url)] == [200]
    services = read_until(
        lambda: ecs.describe_services(cluster=cluster, services=[server.service["serviceName"]])["services"], bool
    )
    [resource] = services[0]["deployments"][0]["serviceConnectResources"]
    cloudmap.deregister_instance(ServiceId=resource["discoveryArn"].rpartition("/")[2], InstanceId=id_of(callee))
    failed = 0
    for _ in range(6):
        clock.wait(10)
        failed += call_from_task(client, server.url, within=5)[0].status != 200
    report_figure("calls of 6 that failed in the minute after", failed, unit="calls")


@pytest.fixture
def is_proxied(call_from_task):
    """Return `is_proxied(client, task, port)`: whether a task's port leads through its proxy.

    Proxies refuse HTTP/1.0 (`service-connect.unsupported.http-1-0`); the workload answers it.
    """

    def ask(client, task, port):
        url = f"http://{address_of(task)}:{port}"
        assert [call.status for call in call_from_task(client, url)] == [200], url
        [old] = call_from_task(client, url, http="HTTP/1.0", within=10)
        return old.status != 200

    return ask


@proves("service-connect.port.override")
@for_each("port", {"overridden": 9090, "the container's": None})
def test_the_port_of_a_proxy(
    cloudmap, make_connect_service, wait_for_task, call_from_task, eventually, http_namespace, is_proxied, port
):
    """Instances have the overriding port, which leads to the proxy; the container port then bypasses it."""
    # ecs/ServiceConnectService.ingressPortOverride: "In awsvpc mode and Fargate, the default value is the container
    # port number."
    server = make_connect_service("backend", endpoint={"ingressPortOverride": port}, wall_second=0.03)
    callee = wait_for_task(server)
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": server.alias}
    [found] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert found["Attributes"]["AWS_INSTANCE_PORT"] == str(port or TASK_PORT)
    client = wait_for_task(make_connect_service(wall_second=0.03))
    assert [call.status for call in call_from_task(client, server.url)] == [200]
    assert is_proxied(client, callee, port or TASK_PORT)
    if port is not None:
        assert not is_proxied(client, callee, TASK_PORT)


@proves("service-connect.port.ephemeral-in-bridge-mode")
def test_the_port_of_a_proxy_in_bridge_mode(
    cloudmap, make_connect_service, wait_for_task, call_from_task, eventually, http_namespace, start_container_instances
):
    """In bridge mode instances have a port of the host that is not the container port, or the override."""
    # ecs/ServiceConnectService.ingressPortOverride: "In bridge mode, the default value is the ephemeral port of the
    # Service Connect proxy."
    start_container_instances()
    bridge = {"definition": {"requiresCompatibilities": None, "networkMode": "bridge"}, "launchType": "EC2"}
    servers = {
        port: make_connect_service("backend", endpoint={"ingressPortOverride": port}, **bridge) for port in (None, 9090)
    }
    for server in servers.values():
        wait_for_task(server)
    client = wait_for_task(make_connect_service())
    for override, server in servers.items():
        names = {"NamespaceName": http_namespace["Name"], "ServiceName": server.alias}
        [found] = eventually(lambda names=names: cloudmap.discover_instances(**names)["Instances"], timeouts.DISCOVERY)
        port = int(found["Attributes"]["AWS_INSTANCE_PORT"])
        assert port == override if override else port >= 32_768
        assert [call.status for call in call_from_task(client, server.url)] == [200]


DEFAULT = "x-amzn-ecs-blue-green-test"
RULES = {
    "default": (None, [f"{DEFAULT}: 1", f"{DEFAULT}: any"], ["x-canary: yes"]),
    "name": ({"name": "X-Canary"}, ["x-canary: yes", "x-canary: no"], [f"{DEFAULT}: 1"]),
    "name and value": (
        {"name": "X-Canary", "value": {"exact": "yes"}},
        ["x-canary: yes"],
        ["x-canary: no", "x-canary: yes-and-no", f"{DEFAULT}: 1"],
    ),
}


@pytest.fixture
def paused_at(ecs, cluster):
    """Return `paused_at(service, stage)`: ARN and hook of the newest deployment, None if it does not wait there."""

    def paused(service, stage):
        name = service["serviceName"]
        listed = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
        newest = max(listed, key=lambda brief: brief["createdAt"])
        arn = newest["serviceDeploymentArn"]
        [deployment] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        hooks = deployment.get("lifecycleHookDetails") or []
        waiting = [hook["hookId"] for hook in hooks if hook["status"] == "AWAITING_ACTION"]
        return (arn, waiting[0]) if waiting and deployment["lifecycleStage"] == stage else None

    return paused


@proves("service-connect.blue-green.test-traffic-by-header")
@for_each("rule, matching, others", RULES)
def test_test_traffic_goes_to_the_new_tasks(
    ecs, make_connect_service, wait_for_task, tasks_of, call_from_task, eventually, wait_until_steady, cluster,
    paused_at, rule, matching, others,
):  # fmt: skip
    """After the test traffic shift, and not before, calls with the header reach the new task; later all calls do."""
    # ecs/DeploymentLifecycleHook.lifecycleStages: "The green service revision has started. The blue service revision
    # is handling 100% of the production traffic. There is no test traffic."
    stages = ["POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"]
    pause = {"targetType": "PAUSE", "lifecycleStages": stages}
    strategy = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [pause]}
    alias = {} if rule is None else {"testTrafficRules": {"header": rule}}
    server = make_connect_service("backend", deploymentConfiguration=strategy, alias=alias)
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    name = server.service["serviceName"]
    ecs.update_service(cluster=cluster, service=name, forceNewDeployment=True)

    def reached(**options):
        return {call.address for call in call_from_task(client, server.url, times=3, **options)}

    green = blue
    for stage in stages:
        deployment_arn, hook_id = eventually(
            lambda stage=stage: paused_at(server.service, stage), within=timeouts.DEPLOYMENT
        )
        [green] = [task for task in tasks_of(server.service) if task["taskArn"] != blue["taskArn"]]
        tested = {address_of(blue if stage == "POST_SCALE_UP" else green)}
        assert reached() == {address_of(blue)}
        assert [reached(header=header) for header in matching] == [tested] * len(matching)
        assert [reached(header=header) for header in others] == [{address_of(blue)}] * len(others)
        ecs.continue_service_deployment(serviceDeploymentArn=deployment_arn, hookId=hook_id)
    eventually(lambda: reached() == {address_of(green)}, within=timeouts.DEPLOYMENT)
    assert reached(header=matching[0]) == {address_of(green)}
    wait_until_steady(server.service)
    assert [task["taskArn"] for task in tasks_of(server.service)] == [green["taskArn"]]


@proves("service-connect.blue-green.rolls-back")
@for_each("how", ["ContinueServiceDeployment", "StopServiceDeployment"])
def test_a_deployment_is_rolled_back(
    ecs, make_connect_service, wait_for_task, tasks_of, call_from_task, eventually, wait_until_steady, cluster,
    paused_at, how,
):  # fmt: skip
    """While a hook waits the deployment is rolled back: the old task gets all calls, and the new one is stopped."""
    # ecs/ContinueServiceDeploymentRequest.action: "ROLLBACK - Rolls back the deployment to the previous service
    # revision."
    stage = "POST_PRODUCTION_TRAFFIC_SHIFT"
    pause = {"targetType": "PAUSE", "lifecycleStages": [stage]}
    strategy = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "lifecycleHooks": [pause]}
    server = make_connect_service("backend", deploymentConfiguration=strategy)
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    name = server.service["serviceName"]
    ecs.update_service(cluster=cluster, service=name, forceNewDeployment=True)
    arn, hook = eventually(lambda: paused_at(server.service, stage), within=timeouts.DEPLOYMENT)
    [green] = [task for task in tasks_of(server.service) if task["taskArn"] != blue["taskArn"]]

    def reached(**options):
        return {call.address for call in call_from_task(client, server.url, times=3, **options)}

    eventually(lambda: reached() == {address_of(green)}, within=timeouts.DISCOVERY)
    with pytest.raises(ClientError):
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId="another")
    if how == "ContinueServiceDeployment":
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, action="ROLLBACK")
    else:
        ecs.stop_service_deployment(serviceDeploymentArn=arn)
    eventually(lambda: reached() == {address_of(blue)}, within=timeouts.DEPLOYMENT)
    eventually(lambda: reached(header=f"{DEFAULT}: 1") == {address_of(blue)}, within=timeouts.DEPLOYMENT)
    wait_until_steady(server.service)
    assert [task["taskArn"] for task in tasks_of(server.service)] == [blue["taskArn"]]
    listed = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
    assert (listed[0]["serviceDeploymentArn"], listed[0]["status"]) == (arn, "ROLLBACK_SUCCESSFUL")
    with pytest.raises(ClientError):
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook)


@proves("service-connect.discovery-name.again-after-its-service")
def test_a_service_that_was_deleted_is_created_again(
    ecs, make_connect_service, wait_for_task, call_from_task, eventually, clock, cluster, unique_name
):
    """A deleted service can be created again with its name and endpoint, and a client reaches it, also later."""
    # ecs/ServiceNotActiveException: "If you have previously deleted a service, you can re-create it with CreateService"
    again = {"serviceName": unique_name("service"), "endpoint": {"discoveryName": unique_name("endpoint")}}
    server = make_connect_service("backend", **again)
    wait_for_task(server)
    ecs.delete_service(cluster=cluster, service=again["serviceName"], force=True)

    def is_inactive():
        [found] = ecs.describe_services(cluster=cluster, services=[again["serviceName"]])["services"]
        return found["status"] == "INACTIVE"

    eventually(is_inactive, within=timeouts.TASK)
    second = make_connect_service("backend", alias={"dnsName": server.alias}, **again)
    wait_for_task(second)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, second.url)] == [200]
    clock.wait(30)
    assert [call.status for call in call_from_task(client, second.url)] == [200]
