"""Tasks that start, drain and stop, as their callers see it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from surveyor.testing import (
    CallFromTask,
    CallTask,
    Clock,
    Eventually,
    MakeConnectService,
    ReportFigure,
    TaskCall,
    TasksOf,
    WaitForTask,
    WaitUntilSteady,
    address_of,
    id_of,
    proves,
    timeouts,
    workload,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


CHECK: dict[str, Any] = {
    "healthCheck": {"command": ["CMD", *workload.command("check")], "interval": 30, "retries": 3, "startPeriod": 300}
}


@proves("service-connect.health.withheld-until-healthy")
def test_a_task_gets_no_calls_before_it_is_healthy(
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    tasks_of: TasksOf,
    call_from_task: CallFromTask,
    clock: Clock,
    eventually: Eventually,
    cluster: str,
) -> None:
    """A second task that is RUNNING gets no calls until its check has passed, and gets calls soon after."""
    server = make_connect_service("backend", container=CHECK)
    first = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    ecs.update_service(cluster=cluster, service=server.service["serviceName"], desiredCount=2)

    def second() -> dict[str, Any] | None:
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
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    call_task: CallTask,
    clock: Clock,
    eventually: Eventually,
    cluster: str,
) -> None:
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
    cloudmap: ServiceDiscoveryClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    clock: Clock,
    report_figure: ReportFigure,
    http_namespace: dict[str, Any],
) -> None:
    """The only instance is deregistered; the number of calls that fail in the next minute is recorded."""
    server = make_connect_service("backend")
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, server.url)] == [200]
    filters: Any = [{"Name": "NAMESPACE_ID", "Values": [http_namespace["Id"]]}]
    services = cloudmap.list_services(Filters=filters)["Services"]
    [service] = [found for found in services if found["Name"] == server.alias]
    cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId=id_of(callee))
    failed = 0
    for _ in range(30):
        clock.wait(2)
        failed += call_from_task(client, server.url)[0].status != 200
    report_figure("calls of 30 that failed in the minute after", failed, unit="calls")


@proves("service-connect.port.override")
def test_an_overridden_port(
    cloudmap: ServiceDiscoveryClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    eventually: Eventually,
    http_namespace: dict[str, Any],
) -> None:
    """Instances have the overriding port, calls of clients succeed, and the task answers at both ports."""
    server = make_connect_service("backend", endpoint={"ingressPortOverride": 9090})
    callee = wait_for_task(server)
    names: Any = {"NamespaceName": http_namespace["Name"], "ServiceName": server.alias}
    found = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert found[0]["Attributes"]["AWS_INSTANCE_PORT"] == "9090"
    client = wait_for_task(make_connect_service())
    for url in (server.url, f"http://{address_of(callee)}:9090", f"http://{address_of(callee)}:8080"):
        assert [call.status for call in call_from_task(client, url)] == [200], url


@proves("service-connect.blue-green.test-traffic-by-header")
def test_test_traffic_goes_to_the_new_tasks(
    ecs: ECSClient,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    tasks_of: TasksOf,
    call_from_task: CallFromTask,
    eventually: Eventually,
    wait_until_steady: WaitUntilSteady,
    cluster: str,
) -> None:
    """In a paused deployment calls with the header reach the new task, and others the old; later all reach the new."""
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    strategy = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1, "lifecycleHooks": [pause]}
    server = make_connect_service("backend", deploymentConfiguration=strategy)
    blue = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    name = server.service["serviceName"]
    ecs.update_service(cluster=cluster, service=name, forceNewDeployment=True)

    def paused() -> tuple[str, str] | None:
        [newest, *_] = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
        arn = newest["serviceDeploymentArn"]
        [deployment] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        hooks: Any = deployment.get("lifecycleHookDetails") or []
        waiting = [hook["hookId"] for hook in hooks if hook["status"] == "AWAITING_ACTION"]
        return (arn, waiting[0]) if waiting else None

    deployment_arn, hook_id = eventually(paused, within=timeouts.DEPLOYMENT)
    [green] = [task for task in tasks_of(server.service) if task["taskArn"] != blue["taskArn"]]

    def reached(**options: Any) -> set[str]:
        return {call.address for call in call_from_task(client, server.url, times=5, **options)}

    assert reached() == {address_of(blue)}
    assert reached(header="x-amzn-ecs-blue-green-test: 1") == {address_of(green)}
    ecs.continue_service_deployment(serviceDeploymentArn=deployment_arn, hookId=hook_id)
    eventually(lambda: reached() == {address_of(green)}, within=timeouts.DEPLOYMENT)
    wait_until_steady(server.service)
    assert [task["taskArn"] for task in tasks_of(server.service)] == [green["taskArn"]]
