"""Tasks on container instances: mapped ports, draining, and a disconnected agent."""

from __future__ import annotations

from functools import partial

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, dns_config, for_each, id_of, proves, record_values, timeouts, workload

SRV = dns_config("SRV", ttl=10)
ON_EC2 = {"requiresCompatibilities": ["EC2"], "cpu": None}


@proves("ecs.registry.host-port-is-registered", "ecs.attributes.ec2-instance-id")
@for_each("mode, host_port", {"bridge": ("bridge", None), "fixed": ("bridge", 18_081), "host": ("host", None)})
def test_the_host_port_is_registered(
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    start_container_instances,
    wait_until_steady,
    tasks_of,
    call_task,
    query_dns,
    eventually,
    private_namespace,
    mode,
    host_port,
):
    """The SRV record has the host port of the named container, and that container answers at that port."""
    (host,) = start_container_instances()
    registry = make_service(private_namespace, DnsConfig=SRV)
    pair = {"registryArn": registry["Arn"], "containerName": "side", "containerPort": TASK_PORT + 1}
    mapping = {"containerPort": TASK_PORT + 1, **({"hostPort": host_port} if host_port else {})}
    definition = make_task_definition(networkMode=mode, beside={"side": {"portMappings": [mapping]}}, **ON_EC2)
    service = wait_until_steady(make_ecs_service(definition, pair))
    (task,) = tasks_of(service)
    assert task["containerInstanceArn"] == host["containerInstanceArn"]
    (side,) = (container for container in task["containers"] if container["name"] == "side")
    port = side["networkBindings"][0]["hostPort"] if mode == "bridge" else TASK_PORT + 1
    assert port == host_port or host_port is None
    (instance,) = cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]
    attributes = instance["Attributes"]
    assert (attributes["AWS_INSTANCE_PORT"], attributes["EC2_INSTANCE_ID"]) == (str(port), host["ec2InstanceId"])
    assert "AWS_EC2_INSTANCE_ID" not in attributes
    name = f"{registry['Name']}.{private_namespace['Name']}"

    def ports():
        return [value.split()[2] for value in record_values(query_dns(name, "SRV", private_namespace), name, "SRV")]

    assert eventually(ports, within=timeouts.DNS_CHANGE) == [str(port)]
    assert call_task(f"{attributes['AWS_INSTANCE_IPV4']}:{port}")["task"] == task["taskArn"]


@proves("deregistration.ecs.draining-keeps-registrations")
def test_draining_is_recorded(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    start_container_instances,
    wait_until_steady,
    tasks_of,
    clock,
    report_figure,
    cluster,
    private_namespace,
):
    """One of two hosts is set to DRAINING; the time that its task stays registered and running is recorded."""
    hosts = start_container_instances(2)
    registry = make_service(private_namespace, DnsConfig=SRV)
    pair = {"registryArn": registry["Arn"], "containerName": "app", "containerPort": TASK_PORT}
    service = wait_until_steady(make_ecs_service(make_task_definition(networkMode="bridge", **ON_EC2), pair, count=2))
    task = next(
        found for found in tasks_of(service) if found["containerInstanceArn"] == hosts[0]["containerInstanceArn"]
    )
    draining = {"cluster": cluster, "containerInstances": [hosts[0]["containerInstanceArn"]], "status": "DRAINING"}
    ecs.update_container_instances_state(**draining)
    start = last = clock.now()
    seen: dict[str, tuple[float, float]] = {}
    while "its task ended" not in seen and clock.now() - start < timeouts.DEPLOYMENT:
        now, found = clock.now(), ecs.describe_tasks(cluster=cluster, tasks=[task["taskArn"]])["tasks"][0]
        listed = {instance["Id"] for instance in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}
        actual = {
            "its task was asked to stop": found["desiredStatus"] == "STOPPED",
            "its instance was gone": id_of(task) not in listed,
            "its task ended": found["lastStatus"] == "STOPPED",
        }
        for event, has_happened in actual.items():
            if has_happened and event not in seen:
                seen[event] = (last - start, now - start)
        last = now
        clock.wait(1)
    for event, (low, high) in seen.items():
        report_figure(f"from DRAINING until {event}", low, high)
    assert set(seen) == {"its task was asked to stop", "its instance was gone", "its task ended"}
    assert len(tasks_of(wait_until_steady(service))) == 2


@proves("ecs.health.agent-disconnect-keeps-health")
def test_health_stays_while_the_agent_is_disconnected(
    ec2,
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    start_container_instances,
    wait_until_steady,
    tasks_of,
    describe_task,
    call_task,
    read_until,
    eventually,
    always,
    unique_name,
    cluster,
    task_vpc,
    http_namespace,
):
    """Without outbound rules the agent is disconnected: a failed check has no effect until the rules are restored."""
    group = ec2.create_security_group(GroupName=unique_name("cut"), Description="surveyor", VpcId=task_vpc)["GroupId"]
    (host,) = start_container_instances(SecurityGroupIds=[group])
    registry = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    check = {"command": ["CMD", *workload.command("check")], "interval": 5, "retries": 2}
    definition = make_task_definition(container={"healthCheck": check}, **ON_EC2)
    service = wait_until_steady(make_ecs_service(definition, registry, launchType="EC2"))
    (task,) = tasks_of(service)

    def status():
        return cloudmap.get_instances_health_status(ServiceId=registry["Id"])["Status"].get(id_of(task))

    eventually(lambda: status() == "HEALTHY", within=timeouts.TASK)

    def connected():
        arn = host["containerInstanceArn"]
        answer = ecs.describe_container_instances(cluster=cluster, containerInstances=[arn])
        return answer["containerInstances"][0]["agentConnected"]

    [cut] = read_until(lambda: ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"], bool)
    outbound = cut["IpPermissionsEgress"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=outbound)
    eventually(lambda: not connected(), within=timeouts.TASK)
    call_task(task, "/health?do=fail", "PUT")
    always(lambda: status() == describe_task(task)["healthStatus"] == "HEALTHY", during=30)
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=outbound)
    eventually(connected, within=timeouts.TASK)
    eventually(lambda: status() is None, within=timeouts.OPERATION)


@pytest.fixture
def describe_host(ecs, cluster):
    """Return `describe_host(host)`: the container instance, None if the cluster does not have it."""

    def describe(host):
        arns = [host["containerInstanceArn"]]
        return next(
            iter(ecs.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"]), None
        )

    return describe


BRIDGE = {"networkMode": "bridge", **ON_EC2}


@proves("ecs.instance.is-described")
def test_a_container_instance_is_described(
    ecs, make_task_definition, run_task, describe_task, start_container_instances, describe_host, read_until,
    eventually, clock, cluster,
):  # fmt: skip
    """It is listed by status and described by id and ARN, with its tasks; unknown ones are failures."""
    # ecs/ContainerInstance.runningTasksCount: "The number of tasks on the container instance that have a desired status
    # (desiredStatus) of RUNNING."
    first, second = hosts = start_container_instances(2)
    arns = {host["containerInstanceArn"] for host in hosts}
    assert len({host["ec2InstanceId"] for host in hosts}) == 2
    for host in hosts:
        assert (host["status"], host["agentConnected"], host["runningTasksCount"]) == ("ACTIVE", True, 0)
        assert host["registeredAt"].timestamp() <= clock.now() + 5
        zones = [part["value"] for part in host["attributes"] if part["name"] == "ecs.availability-zone"]
        assert len(zones) == 1
        own = ecs.describe_container_instances(
            cluster=cluster, containerInstances=[id_of(host["containerInstanceArn"])]
        )
        assert own["containerInstances"][0]["ec2InstanceId"] == host["ec2InstanceId"]
    unknown = first["containerInstanceArn"][:-4] + "0000"
    answer = ecs.describe_container_instances(cluster=cluster, containerInstances=[unknown, *arns])
    assert {found["containerInstanceArn"] for found in answer["containerInstances"]} == arns
    assert answer["failures"] == [{"arn": unknown, "reason": "MISSING"}]

    def listed(**params):
        pages = ecs.get_paginator("list_container_instances").paginate(cluster=cluster, **params)
        return {arn for page in pages for arn in page["containerInstanceArns"]} & arns

    page = read_until(
        lambda: ecs.list_container_instances(cluster=cluster, maxResults=1), lambda page: "nextToken" in page
    )
    assert len(page["containerInstanceArns"]) == 1
    assert page["nextToken"]
    for params in ({}, {"status": "ACTIVE"}):
        assert read_until(partial(listed, **params), arns) == arns
    definition = make_task_definition(**BRIDGE)
    tasks = [run_task(definition) for _ in range(3)]
    assert {task["containerInstanceArn"] for task in tasks} <= arns
    eventually(lambda: all(describe_task(task)["lastStatus"] == "RUNNING" for task in tasks), within=timeouts.TASK)

    def tasks_on(host):
        return sorted(ecs.list_tasks(cluster=cluster, containerInstance=host)["taskArns"])

    def counts(host):
        found = describe_host(host)
        return found["runningTasksCount"], found["pendingTasksCount"]

    for host in hosts:
        own_tasks = [task["taskArn"] for task in tasks if task["containerInstanceArn"] == host["containerInstanceArn"]]
        expected = sorted(own_tasks)
        for name in (host["containerInstanceArn"], id_of(host["containerInstanceArn"])):
            assert read_until(partial(tasks_on, name), expected) == expected
        assert read_until(partial(counts, host), (len(own_tasks), 0)) == (len(own_tasks), 0)
    ecs.update_container_instances_state(cluster=cluster, containerInstances=list(arns)[:1], status="DRAINING")
    for params, found in (
        ({"status": "DRAINING"}, set(list(arns)[:1])),
        ({"status": "ACTIVE"}, set(list(arns)[1:])),
        ({}, arns),
    ):
        assert read_until(partial(listed, **params), found) == found
    assert second["containerInstanceArn"] in arns


@proves("ecs.instance.draining")
def test_a_draining_instance_gets_no_tasks(
    ecs, make_task_definition, make_ecs_service, run_task, wait_until_steady, tasks_of, describe_task,
    start_container_instances, eventually, cluster,
):  # fmt: skip
    """Service tasks are replaced elsewhere, other tasks stay, and tasks are placed again once it is ACTIVE."""
    # ecs/UpdateContainerInstancesState: "Any PENDING or RUNNING tasks that do not belong to a service aren't affected."
    hosts = [host["containerInstanceArn"] for host in start_container_instances(2)]
    definition = make_task_definition(**BRIDGE)
    service = wait_until_steady(make_ecs_service(definition, count=2))
    lone = run_task(definition)
    eventually(lambda: describe_task(lone)["lastStatus"] == "RUNNING", within=timeouts.TASK)
    drained = lone["containerInstanceArn"]
    [other] = set(hosts) - {drained}

    def set_status(status):
        answer = ecs.update_container_instances_state(cluster=cluster, containerInstances=[drained], status=status)
        return answer["containerInstances"][0]["status"]

    for refused in ("REGISTERING", "INACTIVE", "draining"):
        with pytest.raises(ClientError):
            set_status(refused)
    assert set_status("DRAINING") == "DRAINING"

    def are_moved():
        return [task["containerInstanceArn"] for task in tasks_of(service)] == [other] * 2

    eventually(are_moved, within=timeouts.DEPLOYMENT)
    wait_until_steady(service)
    assert (describe_task(lone)["lastStatus"], describe_task(lone)["desiredStatus"]) == ("RUNNING", "RUNNING")
    assert [run_task(definition)["containerInstanceArn"] for _ in range(3)] == [other] * 3
    assert set_status("ACTIVE") == "ACTIVE"
    hosts_of_new = {run_task(definition)["containerInstanceArn"] for _ in range(6)}
    assert drained in hosts_of_new
    unknown = f"{drained[:-4]}0000"
    answer = ecs.update_container_instances_state(cluster=cluster, containerInstances=[unknown], status="DRAINING")
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]


@proves("ecs.instance.leaves")
@for_each("how", ["deregistered", "terminated"])
def test_the_tasks_of_an_instance_that_leaves_are_replaced(
    ec2, ecs, make_task_definition, make_ecs_service, run_task, wait_until_steady, tasks_of, describe_task,
    start_container_instances, describe_host, read_until, eventually, cluster, how,
):  # fmt: skip
    """An instance with tasks is deregistered by force or by its end; a service then has its tasks on another one."""
    # ecs/DeregisterContainerInstance: "If you terminate a running container instance, Amazon ECS automatically
    # deregisters the instance from your cluster"
    hosts = {host["containerInstanceArn"]: host for host in start_container_instances(2)}
    definition = make_task_definition(**BRIDGE)
    service = wait_until_steady(make_ecs_service(definition))
    [task] = tasks_of(service)
    gone = hosts[task["containerInstanceArn"]]
    [other] = set(hosts) - {gone["containerInstanceArn"]}
    named = {"cluster": cluster, "containerInstance": id_of(gone["containerInstanceArn"])}
    if how == "deregistered":
        with pytest.raises(ClientError):  # it has a running task
            ecs.deregister_container_instance(**named)
        answer = ecs.deregister_container_instance(force=True, **named)["containerInstance"]
        assert (answer["ec2InstanceId"], answer["status"]) == (gone["ec2InstanceId"], "INACTIVE")
        with pytest.raises(ClientError):
            ecs.deregister_container_instance(force=True, **named)
    else:
        ec2.terminate_instances(InstanceIds=[gone["ec2InstanceId"]])

    def is_gone():
        found = describe_host(gone)
        return found is None or found["status"] == "INACTIVE"

    eventually(is_gone, within=timeouts.TASK)

    def is_replaced():
        found = [(one["containerInstanceArn"], one["lastStatus"]) for one in tasks_of(service)]
        return found == [(other, "RUNNING")]

    eventually(is_replaced, within=timeouts.DEPLOYMENT)
    assert wait_until_steady(service)["runningCount"] == 1

    def is_listed():
        return gone["containerInstanceArn"] in ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]

    assert not read_until(is_listed, expected=False)


@proves("ecs.instance.placement-is-retried")
def test_a_task_is_placed_once_there_is_an_instance(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, start_container_instances, eventually, cluster
):
    """Without an instance a service has no task and an event that says so; with one it runs its task."""
    # guide: "service (service-name) was unable to place a task because no container instance met all of its
    # requirements."
    service = make_ecs_service(make_task_definition(**BRIDGE))

    def described():
        return ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0]

    def has_event():
        return any("unable to place a task" in event["message"] for event in described()["events"])

    eventually(has_event, within=timeouts.SCHEDULER)
    assert (described()["runningCount"], described()["pendingCount"]) == (0, 0)
    start_container_instances()
    assert wait_until_steady(service)["runningCount"] == 1
