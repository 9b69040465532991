"""Tasks that start, drain and stop, as their callers see it."""

from __future__ import annotations

import threading

from surveyor.testing import TaskCall, address_of, id_of, proves, timeouts, workload

CHECK = {
    "healthCheck": {"command": ["CMD", *workload.command("check")], "interval": 30, "retries": 3, "startPeriod": 300}
}


@proves("service-connect.health.withheld-until-healthy")
def test_a_task_gets_no_calls_before_it_is_healthy(
    ecs, make_connect_service, wait_for_task, tasks_of, call_from_task, clock, eventually, cluster
):
    """A second task that is RUNNING gets no calls until its check has passed, and gets calls soon after."""
    server = make_connect_service("backend", container=CHECK)
    first = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=2)

    def second():
        found = [task for task in tasks_of(server.service) if task["taskArn"] != first["taskArn"]]
        return found[0] if found and found[0]["lastStatus"] == "RUNNING" else None

    newcomer = eventually(second, within=timeouts.TASK)
    while (found := second()) is not None and found["healthStatus"] != "HEALTHY":
        calls = call_from_task(client, server.url, times=6)
        # The check may have passed during the calls.
        latest = second()
        if latest is None or latest["healthStatus"] == "HEALTHY":
            break
        assert {call.address for call in calls} == {address_of(first)}, "a task is called before it is HEALTHY"
        clock.wait(2)
    eventually(
        lambda: address_of(newcomer) in {call.address for call in call_from_task(client, server.url, times=6)},
        within=timeouts.DISCOVERY,
    )


@proves("service-connect.drain.calls-end-before-containers-do")
def test_a_call_ends_before_its_task_does(
    ecs, make_connect_service, wait_for_task, call_from_task, call_task, clock, eventually, cluster
):
    """If a task is stopped while it answers a call that takes 10 s, the answer arrives."""
    server = make_connect_service("backend")
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    calls: list[TaskCall] = []
    thread = threading.Thread(target=lambda: calls.extend(call_from_task(client, f"{server.url}/?after=10")))
    thread.start()
    eventually(lambda: call_task(callee, "/executions")["served"] == 1, within=timeouts.DISCOVERY)
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=0)
    clock.wait(15)
    thread.join(timeouts.REMOTE_ANSWER)
    assert [call.status for call in calls] == [200], calls


@proves("service-connect.registry.edited-by-hand")
def test_an_instance_deregistered_by_hand(
    cloudmap, make_connect_service, wait_for_task, call_from_task, clock, report_figure, http_namespace
):
    """The only instance is deregistered; the number of calls that fail in the next minute is recorded."""
    server = make_connect_service("backend")
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, server.url)] == [200]
    filters = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]
    services = cloudmap.list_services(Filters=filters)["Services"]
    [service] = [found for found in services if found["Name"] == server.alias]
    cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId=id_of(callee))
    failed = 0
    for _ in range(30):
        clock.wait(2)
        failed += call_from_task(client, server.url)[0].status != 200
    report_figure("calls of 30 that failed in the minute after", failed, unit="calls")


@proves("service-connect.port.override")
def test_an_overridden_port(cloudmap, make_connect_service, wait_for_task, call_from_task, eventually, http_namespace):
    """Instances have the overriding port, calls of clients succeed, and the task answers at both ports."""
    server = make_connect_service("backend", endpoint={"ingressPortOverride": 9090})
    callee = wait_for_task(server)
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": server.alias}
    found = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert found[0]["Attributes"]["AWS_INSTANCE_PORT"] == "9090"
    client = wait_for_task(make_connect_service())
    for url in (server.url, f"http://{address_of(callee)}:9090", f"http://{address_of(callee)}:8080"):
        assert [call.status for call in call_from_task(client, url)] == [200], url


@proves("service-connect.blue-green.test-traffic-by-header")
def test_test_traffic_goes_to_the_new_tasks(
    ecs, make_connect_service, wait_for_task, tasks_of, call_from_task, eventually, wait_until_steady, cluster
):
    """In a paused deployment calls with the header reach the new task, and others the old; later all reach the new."""
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    strategy = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [pause]}
    server = make_connect_service("backend", deploymentConfiguration=strategy)
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    name = server.service["serviceName"]
    ecs.update_service(cluster=cluster, service=name, forceNewDeployment=True)

    def paused():
        [newest, *_] = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
        arn = newest["serviceDeploymentArn"]
        [deployment] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        hooks = deployment.get("lifecycleHookDetails") or []
        waiting = [hook["hookId"] for hook in hooks if hook["status"] == "AWAITING_ACTION"]
        return (arn, waiting[0]) if waiting else None

    deployment_arn, hook_id = eventually(paused, within=timeouts.DEPLOYMENT)
    [green] = [task for task in tasks_of(server.service) if task["taskArn"] != blue["taskArn"]]

    def reached(**options):
        return {call.address for call in call_from_task(client, server.url, times=5, **options)}

    assert reached() == {address_of(blue)}
    assert reached(header="x-amzn-ecs-blue-green-test: 1") == {address_of(green)}
    ecs.continue_service_deployment(serviceDeploymentArn=deployment_arn, hookId=hook_id)
    eventually(lambda: reached() == {address_of(green)}, within=timeouts.DEPLOYMENT)
    wait_until_steady(server.service)
    assert [task["taskArn"] for task in tasks_of(server.service)] == [green["taskArn"]]
