"""The life of one task by every observer, and how long it is called after its death."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor import timeouts
from surveyor.advice.figures import CALLED, DANGER, DRAIN, EXPOSED, LAG, LISTENED, STOP_TIMEOUT, TTL, TaskSettings
from surveyor.dns import values
from surveyor.errors import WrongAnswer
from surveyor.fixtures.tasks import address_of, id_of
from surveyor.history.observations import Interval, Observations
from surveyor.testing import Inconclusive, proves

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

    from surveyor.clock import Clock
    from surveyor.fixtures.calls import CallTask
    from surveyor.fixtures.dns import Ask
    from surveyor.fixtures.dns_cache import CachedAsk
    from surveyor.fixtures.figures import Figure
    from surveyor.fixtures.namespaces import MakeNamespace
    from surveyor.fixtures.services import MakeService
    from surveyor.fixtures.tasks import MakeEcsService, MakeTaskDefinition, TasksOf

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
    ask: Ask,
    cached_ask: CachedAsk,
    clock: Clock,
    figure: Figure,
    tuning: TaskSettings,
    task_vpc: str,
    cluster: str,
) -> None:
    """Looked at often: its state, the registry, name servers, a client's cache, and whether it answers itself."""
    namespace = make_namespace("private", Vpc=task_vpc)
    records: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": tuning.ttl}]}
    registry = make_service(namespace, DnsConfig=records)
    name = f"{registry['Name']}.{namespace['Name']}"
    names: Any = {"NamespaceName": namespace["Name"], "ServiceName": registry["Name"]}
    manner = ("--on-term", "drain", "--drain", str(tuning.drain)) if tuning.drain else ()
    definition = make_task_definition("serve", *manner, container={"stopTimeout": tuning.stop_timeout})
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
            "named": address in values(ask(name, "A", namespace), name, "A"),
            "answers": told is not None,
            "told to stop": told is not None and bool(told["stopping"]),
        }
        if course.first("named") or states["named"]:  # a client that asked before would keep that there was nothing
            states["kept"] = address in values(cached_ask(name, "A", namespace), name, "A")
        course.look(at, **states)
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
    over = timeouts.TASK + tuning.ttl + timeouts.DNS_CHANGE
    until(lambda now: now["state"] == "STOPPED" and not now["named"] and not now["kept"], over)

    def moment(interval: Interval | None, what: str) -> Interval:
        if interval is None:
            raise Inconclusive(f"nobody saw {what}: looks are too far apart")
        return interval

    figure(TTL, tuning.ttl)
    figure(STOP_TIMEOUT, tuning.stop_timeout)
    figure(DRAIN, tuning.drain)
    for state in STATES:
        seen = course.first("state", state)
        if seen is not None:
            since = desired if STATES.index(state) < STATES.index("DEACTIVATING") else asked
            after = "CreateService" if since == desired else "scaling to zero"
            figure(f"{state} after {after}", max(0.0, seen.low - since), seen.high - since)
    answered = moment(course.first("answers"), "it answer")
    for what in ("listed", "discovered", "named"):
        actual, went = moment(course.first(what), f"it {what}"), moment(course.last(what), f"it {what}")
        figure(f"first {what} after CreateService", max(0.0, actual.low - desired), actual.high - desired)
        figure(f"last {what} after scaling to zero", max(0.0, went.low - asked), max(0.0, went.high - asked))
    exposed = answered.since(moment(course.first("discovered"), "it discovered")).positive()
    figure(EXPOSED, exposed.low, exposed.high)
    closed = moment(course.last("answers"), "it answer")
    # A process that dies of SIGTERM at once is never seen between the two.
    term = course.first("told to stop") or Interval(min(asked, closed.high), closed.high)
    listened, lag = closed.since(term).positive(), moment(course.last("named"), "it named").since(term).positive()
    figure(LISTENED, listened.low, listened.high)
    figure(LAG, lag.low, lag.high)
    danger = moment(course.last("named"), "it named").later(tuning.ttl).since(closed).positive()
    figure(DANGER, danger.low, danger.high)
    in_vain = moment(course.last("kept"), "it kept").since(closed).positive()
    figure(CALLED, in_vain.low, in_vain.high)


def _answer(call_task: CallTask, task: Any) -> dict[str, Any] | None:
    try:
        return call_task(task)
    except WrongAnswer:  # nobody listens
        return None
