"""What consumers that are no tasks read from a registry: API Gateway, and code that looks for a Lambda function."""

from surveyor.testing import TASK_PORT, address_of, dns_config, id_of, proves, timeouts

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}


@proves("registrars.api-gateway.needs-a-service-with-srv")
def test_api_gateway_finds_a_port_with_srv_records_alone(
    cloudmap, make_service, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, eventually,
    private_namespace,
):  # fmt: skip
    """A task in a service with A records has an address and no port, one in a service with SRV records both."""
    # "The registered resources' attributes must include IP addresses and ports." (API Gateway Developer Guide)
    definition = make_task_definition()

    def registered(record, **port):
        registry = make_service(private_namespace, DnsConfig=dns_config(record, ttl=10), **CUSTOM)
        service = make_ecs_service(definition, {"registryArn": registry["Arn"], **port})
        name = {"NamespaceName": private_namespace["Name"], "ServiceName": registry["Name"], "HealthStatus": "HEALTHY"}

        def find(**query):
            return cloudmap.discover_instances(**name, QueryParameters=query)["Instances"]

        [task] = tasks_of(wait_until_steady(service))
        [instance] = eventually(find, within=timeouts.DISCOVERY)
        # The URI of an integration ends with parameters such as ?stage=prod, which are those of DiscoverInstances.
        assert find(ECS_SERVICE_NAME=service["serviceName"]) == [instance]
        assert find(ECS_SERVICE_NAME="another") == []
        found = instance["Attributes"].get("AWS_INSTANCE_IPV4"), instance["Attributes"].get("AWS_INSTANCE_PORT")
        return found, address_of(task)

    found, address = registered("A")
    assert found == (address, None)
    found, address = registered("SRV", port=TASK_PORT)
    assert found == (address, str(TASK_PORT))


@proves("registrars.lambda.functions-beside-tasks")
def test_a_lambda_function_is_found_beside_tasks(
    cloudmap, make_service, register, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, eventually,
    http_namespace,
):  # fmt: skip
    """A parameter chooses the function or the task; who gives none may get an instance without an address."""
    service = make_service(http_namespace)
    function = {"name": "writeservice", "functionname": "writefunction"}
    register(service, "write-instance", function)
    ecs_service = wait_until_steady(make_ecs_service(make_task_definition(), service))
    [task] = tasks_of(ecs_service)
    name = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"], "HealthStatus": "ALL"}

    def found(**query):
        instances = cloudmap.discover_instances(**name, **({"QueryParameters": query} if query else {}))["Instances"]
        return {instance["InstanceId"]: instance["Attributes"] for instance in instances}

    eventually(lambda: found().keys() == {"write-instance", id_of(task)}, within=timeouts.DISCOVERY)
    assert found(name="writeservice") == {"write-instance": function}
    assert found(ECS_SERVICE_NAME=ecs_service["serviceName"]).keys() == {id_of(task)}
    assert [key for key, attributes in found().items() if "AWS_INSTANCE_IPV4" not in attributes] == ["write-instance"]
