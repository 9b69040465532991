"""Tasks on container instances: mapped ports, draining, and a disconnected agent."""

from __future__ import annotations

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

    outbound = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=outbound)
    eventually(lambda: not connected(), within=timeouts.TASK)
    call_task(task, "/health?do=fail", "PUT")
    always(lambda: status() == describe_task(task)["healthStatus"] == "HEALTHY", during=30)
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=outbound)
    eventually(connected, within=timeouts.TASK)
    eventually(lambda: status() is None, within=timeouts.OPERATION)
