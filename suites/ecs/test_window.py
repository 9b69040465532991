"""The lifetime of one task as each observer sees it, and how long clients call it after its end."""

from surveyor.testing import (
    Inconclusive,
    Interval,
    Observations,
    WrongAnswer,
    address_of,
    dns_config,
    figure_names,
    id_of,
    proves,
    record_values,
    timeouts,
)

STEP = 0.5
"""Service seconds between two samples, so that intervals are short."""

STATES = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")


@proves("ecs.window.one-task-measured", "ecs.life.order-of-states")
def test_the_lifetime_of_one_task(
    ecs,
    cloudmap,
    make_namespace,
    make_service,
    make_task_definition,
    make_ecs_service,
    tasks_of,
    call_task,
    query_dns,
    query_dns_cached,
    eventually,
    clock,
    report_figure,
    task_settings,
    task_vpc,
    cluster,
):
    """Frequent samples record the task state, registration, name servers, a client's cache and the task's answers."""
    namespace = make_namespace("private", Vpc=task_vpc)
    records = dns_config("A", ttl=task_settings.ttl)
    registry = make_service(namespace, DnsConfig=records)
    name = f"{registry['Name']}.{namespace['Name']}"
    names = {"NamespaceName": namespace["Name"], "ServiceName": registry["Name"]}
    arguments = ("--on-term", "drain", "--drain", str(task_settings.drain)) if task_settings.drain else ()
    definition = make_task_definition("serve", *arguments, container={"stopTimeout": task_settings.stop_timeout})
    observations = Observations()
    created = clock.now()
    service = make_ecs_service(definition, registry)
    found = eventually(lambda: tasks_of(service), within=timeouts.TASK, poll_every=STEP)
    arn, address = found[0]["taskArn"], ""

    def look():
        nonlocal address
        task = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
        address = address or address_of(task)
        answer = _answer(call_task, task) if address else None
        listed = cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]
        discovered = cloudmap.discover_instances(**names)["Instances"]
        return {
            "state": task["lastStatus"],
            "listed": id_of(arn) in [instance["Id"] for instance in listed],
            "discovered": id_of(arn) in [instance["InstanceId"] for instance in discovered],
            "answers": answer is not None,
            "stopping": answer is not None and bool(answer["stopping"]),
        }

    def sample():
        at = clock.now()
        states = _states_of_ended(observations) or look()
        states["named"] = address in record_values(query_dns(name, "A", namespace), name, "A")
        if observations.first("named") or states["named"]:  # an earlier query would cache a negative answer
            states["cached"] = address in record_values(query_dns_cached(name, "A", namespace), name, "A")
        observations.add(at, **states)
        return states

    def until(done, within):
        start = clock.now()
        while not done(sample()):
            if clock.now() - start > within:
                raise Inconclusive(f"the lifetime of a task took more than {within:g} s; try again later")
            clock.wait(STEP)

    until(lambda now: now["state"] == "RUNNING" and now["answers"] and now["named"] and now["cached"], timeouts.TASK)
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)
    scaled = clock.now()
    over = timeouts.TASK + task_settings.ttl + timeouts.DNS_CHANGE
    until(lambda now: now["state"] == "STOPPED" and not now["named"] and not now["cached"], over)

    def observed(interval, what):
        if interval is None:
            raise Inconclusive(
                f"no sample shows {what}: the samples are too far apart; run it again with fewer workers"
            )
        return interval

    report_figure(figure_names.TTL, task_settings.ttl)
    report_figure(figure_names.STOP_TIMEOUT, task_settings.stop_timeout)
    report_figure(figure_names.DRAIN, task_settings.drain)
    for state in STATES:
        seen = observations.first("state", state)
        if seen is not None:
            since = created if STATES.index(state) < STATES.index("DEACTIVATING") else scaled
            after = "CreateService" if since == created else "scaling to zero"
            report_figure(f"{state} after {after}", max(0.0, seen.low - since), seen.high - since)
    answered = observed(observations.first("answers"), "an answer of the task")
    for what in ("listed", "discovered", "named"):
        begin = observed(observations.first(what), f"the task as {what}")
        end = observed(observations.last(what), f"the task as {what}")
        report_figure(f"first {what} after CreateService", max(0.0, begin.low - created), begin.high - created)
        report_figure(f"last {what} after scaling to zero", max(0.0, end.low - scaled), max(0.0, end.high - scaled))
    exposed = answered.since(observed(observations.first("discovered"), "the task as discovered")).positive()
    report_figure(figure_names.EXPOSED, exposed.low, exposed.high)
    closed = observed(observations.last("answers"), "an answer of the task")
    # A process that ends at once on SIGTERM is never sampled while it is stopping.
    term = observations.first("stopping") or Interval(min(scaled, closed.high), closed.high)
    listened, lag = (
        closed.since(term).positive(),
        observed(observations.last("named"), "the task as named").since(term).positive(),
    )
    report_figure(figure_names.LISTENED, listened.low, listened.high)
    report_figure(figure_names.LAG, lag.low, lag.high)
    danger = observed(observations.last("named"), "the task as named").later(task_settings.ttl).since(closed).positive()
    report_figure(figure_names.DANGER, danger.low, danger.high)
    called_in_vain = observed(observations.last("cached"), "its address in the cache").since(closed).positive()
    report_figure(figure_names.CALLED, called_in_vain.low, called_in_vain.high)
    # What documents promise of this life: the order of the states, and that a task is registered before it is RUNNING.
    states = [sample["state"] for _, sample in observations.samples]
    assert states == sorted(states, key=STATES.index)
    (first, *_) = (sample for _, sample in observations.samples if sample["state"] == "RUNNING")
    assert first["listed"] is True, "RUNNING without an instance"


def _states_of_ended(observations):
    """Return the last states if only name servers and caches may still change: no API is asked any more then."""
    last = dict(observations.samples[-1][1]) if observations.samples else {}
    has_ended = last.get("state") == "STOPPED" and not any(last[view] for view in ("listed", "discovered", "answers"))
    return last if has_ended else None


def _answer(call_task, task):
    try:
        return call_task(task)
    except WrongAnswer:  # nothing listens
        return None
