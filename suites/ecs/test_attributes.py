"""Attributes with which ECS registers a task in Cloud Map."""

from surveyor.testing import TASK_PORT, address_of, dns_config, for_each, proves, record_values, timeouts

A = dns_config("A", ttl=10)
SRV = dns_config("SRV", ttl=10)


def attributes(cloudmap, service):
    """Return the attributes of the only instance of a service."""
    (instance,) = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    return instance["Attributes"]


@proves("ecs.attributes.are-added")
def test_ecs_adds_its_attributes(
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    eventually,
    cluster,
    http_namespace,
):
    """The attributes name the location and the service of a task, and DiscoverInstances can filter by them."""
    registry, definition = make_service(http_namespace), make_task_definition()
    service = wait_until_steady(make_ecs_service(definition, registry))
    (task,) = tasks_of(service)
    actual = attributes(cloudmap, registry)
    zone = task["availabilityZone"]
    expected = {
        "AWS_INSTANCE_IPV4": address_of(task),
        "AVAILABILITY_ZONE": zone,
        "REGION": zone.rstrip("abcdef"),
        "ECS_SERVICE_NAME": service["serviceName"],
        "ECS_CLUSTER_NAME": cluster,
        "ECS_TASK_DEFINITION_FAMILY": definition["family"],
    }
    assert {key: actual.get(key) for key in expected} == expected
    assert actual.get("AWS_INSTANCE_IPV6", "") == address_of(task, "ipv6Address")
    assert not actual.keys() & {"EC2_INSTANCE_ID", "AWS_EC2_INSTANCE_ID", "ECS_TASK_SET_EXTERNAL_ID"}
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": registry["Name"], "HealthStatus": "ALL"}

    def count(**query):
        return len(cloudmap.discover_instances(QueryParameters=query, **names)["Instances"])

    eventually(lambda: count(**expected) == 1, within=timeouts.DISCOVERY)
    for key, value in expected.items():
        assert (count(**{key: value}), count(**{key: "another"})) == (1, 0), key


@proves("ecs.attributes.port-as-the-registry-says")
@for_each("port", {"a number": {"port": 9090}, "by name": {"containerName": "side", "containerPort": TASK_PORT + 1}})
def test_registry_port_is_registered(
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    query_dns,
    eventually,
    private_namespace,
    port,
):
    """AWS_INSTANCE_PORT and the SRV record have the port of the registry."""
    registry = make_service(private_namespace, DnsConfig=SRV)
    definition = make_task_definition(beside={"side": {}})
    wait_until_steady(make_ecs_service(definition, {"registryArn": registry["Arn"], **port}))
    expected = str(port.get("port", TASK_PORT + 1))
    assert attributes(cloudmap, registry).get("AWS_INSTANCE_PORT") == expected
    name = f"{registry['Name']}.{private_namespace['Name']}"

    def ports():
        return [value.split()[2] for value in record_values(query_dns(name, "SRV", private_namespace), name, "SRV")]

    assert eventually(ports, within=timeouts.DNS_CHANGE) == [expected]


@proves("ecs.dns.private-address-in-public-namespaces")
def test_public_names_have_private_addresses(
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    query_dns,
    eventually,
    network,
    public_namespace,
):
    """DNS returns the private address of the interface even if a task has a public address."""
    registry = make_service(public_namespace, DnsConfig=A)
    public = {"awsvpcConfiguration": {**network["awsvpcConfiguration"], "assignPublicIp": "ENABLED"}}
    service = wait_until_steady(make_ecs_service(make_task_definition(), registry, networkConfiguration=public))
    name = f"{registry['Name']}.{public_namespace['Name']}"
    addresses = eventually(
        lambda: record_values(query_dns(name, "A", public_namespace), name, "A"), within=timeouts.DNS_CHANGE
    )
    assert addresses == [address_of(tasks_of(service)[0])]


@proves("ecs.attributes.task-set-external-id")
def test_external_id_of_a_task_set_is_registered(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    eventually,
    unique_name,
    cluster,
    network,
    http_namespace,
):
    """The instances of task sets with an external id have that id, and one of a task set without it has none."""
    # ecs/CreateTaskSetRequest.externalId: "the tasks in this task set will have the ECS_TASK_SET_EXTERNAL_ID Cloud Map
    # attribute set to the provided value"
    registry, definition = make_service(http_namespace), make_task_definition()
    external_ids = [unique_name("external"), unique_name("external"), None]
    service = make_ecs_service(
        definition,
        deploymentController={"type": "EXTERNAL"},
        taskDefinition=None,
        networkConfiguration=None,
        launchType=None,
    )
    for external in external_ids:
        ecs.create_task_set(
            cluster=cluster,
            service=service["serviceName"],
            taskDefinition=definition["taskDefinitionArn"],
            launchType="FARGATE",
            networkConfiguration=network,
            serviceRegistries=[{"registryArn": registry["Arn"]}],
            scale={"unit": "PERCENT", "value": 100},
            **({"externalId": external} if external else {}),
        )

    def registered():
        instances = cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]
        return {instance["Attributes"].get("ECS_TASK_SET_EXTERNAL_ID") for instance in instances}

    eventually(lambda: registered() == set(external_ids), within=timeouts.TASK)
    assert len(cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]) == 3
