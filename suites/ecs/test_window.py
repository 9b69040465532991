"""The life of one task by every observer, and how long it is called after its death."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor.testing import (
    CallTask,
    Clock,
    Inconclusive,
    Interval,
    MakeEcsService,
    MakeNamespace,
    MakeService,
    MakeTaskDefinition,
    Observations,
    QueryDns,
    QueryDnsCached,
    ReportFigure,
    TaskSettings,
    TasksOf,
    WrongAnswer,
    address_of,
    figure_names,
    id_of,
    proves,
    record_values,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


STEP = 0.5
"""Service seconds between two looks, so that intervals are short."""

STATES = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")


@proves("ecs.window.one-task-measured")
def test_the_life_of_one_task(
    ecs: ECSClient,
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    tasks_of: TasksOf,
    call_task: CallTask,
    query_dns: QueryDns,
    query_dns_cached: QueryDnsCached,
    clock: Clock,
    report_figure: ReportFigure,
    task_settings: TaskSettings,
    task_vpc: str,
    cluster: str,
) -> None:
    """Looked at often: its state, the registry, name servers, a client's cache, and whether it answers itself."""
    namespace = make_namespace("private", Vpc=task_vpc)
    records: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": task_settings.ttl}]}
    registry = make_service(namespace, DnsConfig=records)
    name = f"{registry['Name']}.{namespace['Name']}"
    names: Any = {"NamespaceName": namespace["Name"], "ServiceName": registry["Name"]}
    manner = ("--on-term", "drain", "--drain", str(task_settings.drain)) if task_settings.drain else ()
    definition = make_task_definition("serve", *manner, container={"stopTimeout": task_settings.stop_timeout})
    course = Observations()
    desired = clock.now()
    service = make_ecs_service(definition, registry)
    while not (found := tasks_of(service)):
        clock.wait(0.5)
    arn, address = found[0]["taskArn"], ""

    def look() -> dict[str, Any]:
        nonlocal address
        at = clock.now()
        task = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
        address = address or address_of(task)
        identity = id_of(arn)
        told = _answer(call_task, task) if address else None
        states: dict[str, Any] = {
            "state": task["lastStatus"],
            "listed": identity in [one["Id"] for one in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]],
            "discovered": identity in [one["InstanceId"] for one in cloudmap.discover_instances(**names)["Instances"]],
            "named": address in record_values(query_dns(name, "A", namespace), name, "A"),
            "answers": told is not None,
            "told to stop": told is not None and bool(told["stopping"]),
        }
        if course.first("named") or states["named"]:  # a client that asked before would keep that there was nothing
            states["kept"] = address in record_values(query_dns_cached(name, "A", namespace), name, "A")
        course.add(at, **states)
        return states

    def until(done: Any, within: float) -> None:
        start = clock.now()
        while not done(look()):
            if clock.now() - start > within:
                raise Inconclusive(f"the life of a task took more than {within:g} s")
            clock.wait(STEP)

    until(lambda now: now["state"] == "RUNNING" and now["answers"] and now["named"] and now["kept"], timeouts.TASK)
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)
    asked = clock.now()
    over = timeouts.TASK + task_settings.ttl + timeouts.DNS_CHANGE
    until(lambda now: now["state"] == "STOPPED" and not now["named"] and not now["kept"], over)

    def moment(interval: Interval | None, what: str) -> Interval:
        if interval is None:
            raise Inconclusive(f"nobody saw {what}: looks are too far apart")
        return interval

    report_figure(figure_names.TTL, task_settings.ttl)
    report_figure(figure_names.STOP_TIMEOUT, task_settings.stop_timeout)
    report_figure(figure_names.DRAIN, task_settings.drain)
    for state in STATES:
        seen = course.first("state", state)
        if seen is not None:
            since = desired if STATES.index(state) < STATES.index("DEACTIVATING") else asked
            after = "CreateService" if since == desired else "scaling to zero"
            report_figure(f"{state} after {after}", max(0.0, seen.low - since), seen.high - since)
    answered = moment(course.first("answers"), "it answer")
    for what in ("listed", "discovered", "named"):
        actual, went = moment(course.first(what), f"it {what}"), moment(course.last(what), f"it {what}")
        report_figure(f"first {what} after CreateService", max(0.0, actual.low - desired), actual.high - desired)
        report_figure(f"last {what} after scaling to zero", max(0.0, went.low - asked), max(0.0, went.high - asked))
    exposed = answered.since(moment(course.first("discovered"), "it discovered")).positive()
    report_figure(figure_names.EXPOSED, exposed.low, exposed.high)
    closed = moment(course.last("answers"), "it answer")
    # A process that dies of SIGTERM at once is never seen between the two.
    term = course.first("told to stop") or Interval(min(asked, closed.high), closed.high)
    listened, lag = closed.since(term).positive(), moment(course.last("named"), "it named").since(term).positive()
    report_figure(figure_names.LISTENED, listened.low, listened.high)
    report_figure(figure_names.LAG, lag.low, lag.high)
    danger = moment(course.last("named"), "it named").later(task_settings.ttl).since(closed).positive()
    report_figure(figure_names.DANGER, danger.low, danger.high)
    in_vain = moment(course.last("kept"), "it kept").since(closed).positive()
    report_figure(figure_names.CALLED, in_vain.low, in_vain.high)


def _answer(call_task: CallTask, task: Any) -> dict[str, Any] | None:
    try:
        return call_task(task)
    except WrongAnswer:  # nobody listens
        return None
