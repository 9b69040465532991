"""The steps of a task through service discovery, in the order of articles and as the documents describe them."""

from surveyor.testing import address_of, dns_config, id_of, proves, record_values, timeouts, workload

A = dns_config("A", ttl=10)
CUSTOM = {"FailureThreshold": 1}


@proves("ecs.dns.tasks-resolve-each-other", "ecs.health.unhealthy-until-the-check-passes")
def test_the_steps_of_a_task(
    ecs,
    cloudmap,
    make_namespace,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    call_task,
    query_dns,
    eventually,
    task_vpc,
    cluster,
):
    """A task is launched, registered, healthy, discovered by DNS and by API, called, and deregistered."""
    # 1. A namespace that resolves in the VPC, and a service in it with a custom health check.
    namespace = make_namespace("private", Vpc=task_vpc)
    registry = make_service(namespace, DnsConfig=A, HealthCheckCustomConfig=CUSTOM)

    # 2. The task definition contains nothing about service discovery: only an image, a port and a health check.
    check = {"command": ["CMD", *workload.command("check")], "interval": 5}
    definition = make_task_definition(container={"healthCheck": check})

    # 3. The ECS service names the registry.
    service = make_ecs_service(definition, registry)

    # 4. ECS registers the task with its service-linked role; it is UNHEALTHY until its check has passed.
    instance = eventually(lambda: cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)[
        0
    ]

    def health():
        return cloudmap.get_instances_health_status(ServiceId=registry["Id"])["Status"][instance["Id"]]

    assert health() == "UNHEALTHY"

    # 5. Its container check passes, and ECS reports this to Cloud Map.
    wait_until_steady(service)
    eventually(lambda: health() == "HEALTHY", within=timeouts.TASK)

    # 6. Clients find the task: by name in the VPC, and by API from anywhere.
    (task,) = tasks_of(service)
    assert instance["Id"] == id_of(task)
    name = f"{registry['Name']}.{namespace['Name']}"
    address = address_of(task)
    eventually(
        lambda: record_values(query_dns(name, "A", namespace), name, "A") == [address], within=timeouts.DNS_CHANGE
    )
    names = {"NamespaceName": namespace["Name"], "ServiceName": registry["Name"]}
    found = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert [entry["Attributes"]["AWS_INSTANCE_IPV4"] for entry in found] == [address]
    assert call_task(address)["address"] == address

    # 7. The service is scaled to zero: the instance is deregistered, and the name no longer has an address.
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)
    eventually(lambda: not cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)
    eventually(lambda: not record_values(query_dns(name, "A", namespace), name, "A"), within=timeouts.DNS_CHANGE)

    # 8. The Cloud Map service was created by hand, and stays until it is deleted by hand.
    assert cloudmap.get_service(Id=registry["Id"])["Service"]["Name"] == registry["Name"]
