"""Settings with which a registry is accepted; CreateService decides, so no task is needed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, dns_config, for_each, proves, raises

A = dns_config("A", ttl=10)
SRV = dns_config("SRV", ttl=10)
PAIR = {"containerName": "app", "containerPort": TASK_PORT}
REFUSALS = ("InvalidParameterException", "UnsupportedFeatureException", "ClientException")
NOT_FARGATE = {"requiresCompatibilities": ["EC2"], "cpu": None}
EACH_OPERATION = for_each("operation", ["CreateService", "UpdateService", "CreateTaskSet"])


@pytest.fixture
def give_registries(ecs, make_ecs_service, cluster, network):
    """Return a function that gives serviceRegistries to a service by one of three operations."""

    def give(operation, definition, *registries, **params):
        if operation == "CreateService":
            return make_ecs_service(definition, count=0, serviceRegistries=list(registries), **params)
        if operation == "UpdateService":
            service = make_ecs_service(definition, count=0, **params)["serviceName"]
            return ecs.update_service(cluster=cluster, service=service, serviceRegistries=list(registries))["service"]
        bare = {"deploymentController": {"type": "EXTERNAL"}, "taskDefinition": None, "networkConfiguration": None}
        task_set = {
            "service": make_ecs_service(definition, count=0, **bare, launchType=None)["serviceName"],
            "taskDefinition": definition["taskDefinitionArn"],
            "serviceRegistries": list(registries),
            "launchType": "FARGATE" if "FARGATE" in definition["requiresCompatibilities"] else "EC2",
            **params,
        }
        if definition["networkMode"] == "awsvpc":
            task_set["networkConfiguration"] = network
        return ecs.create_task_set(cluster=cluster, **task_set)["taskSet"]

    return give


@pytest.fixture
def check_registries(give_registries):
    """Return a function that checks which ServiceRegistries are accepted, and which are refused."""

    def check(operation, definition, *, accepted=(), refused=()):
        for registry in refused:
            with raises("InvalidParameterException"):
                give_registries(operation, definition, registry)
        for registry in accepted:
            assert give_registries(operation, definition, registry)["serviceRegistries"] == [registry]

    return check


@proves("ecs.registry.one-per-service")
@EACH_OPERATION
def test_two_registries_are_refused(make_service, make_task_definition, give_registries, http_namespace, operation):
    """A second entry in serviceRegistries raises InvalidParameterException."""
    # ecs/ServiceRegistry: "Multiple service registries for each service are not supported."
    both = [{"registryArn": make_service(http_namespace)["Arn"]} for _ in range(2)]
    definition = make_task_definition()
    for two in (both, both[:1] * 2):
        with raises("InvalidParameterException"):
            give_registries(operation, definition, *two)
    assert give_registries(operation, definition, both[0])["serviceRegistries"] == both[:1]


@proves("ecs.registry.bridge-and-host-need-srv-and-a-named-port")
@EACH_OPERATION
@for_each("mode", ["bridge", "host"])
def test_bridge_and_host_need_srv_and_a_named_port(
    make_service, make_task_definition, check_registries, private_namespace, mode, operation
):
    """Other records than SRV are refused, and so is SRV without the pair of containerName and containerPort."""
    # ecs/ServiceRegistry.containerName: "you must specify a containerName and containerPort combination from the task
    # definition"
    a, aaaa, both, srv = (
        {"registryArn": make_service(private_namespace, DnsConfig=config)["Arn"]}
        for config in (A, dns_config("AAAA"), dns_config("A", "AAAA"), SRV)
    )
    parts: list[dict[str, Any]] = [{}, {"port": TASK_PORT}, {"containerName": "app"}, {"containerPort": TASK_PORT}]
    check_registries(
        operation,
        make_task_definition(networkMode=mode, **NOT_FARGATE),
        refused=[*({**other, **PAIR} for other in (a, aaaa, both)), *({**srv, **part} for part in parts)],
        accepted=[{**srv, **PAIR}],
    )


@proves("ecs.registry.srv-takes-a-port-or-a-named-port")
@EACH_OPERATION
def test_srv_takes_either_a_port_or_a_named_port(
    make_service, make_task_definition, check_registries, private_namespace, operation
):
    """In awsvpc mode a port or a named port is accepted; both together, neither, and half a pair are refused."""
    # ecs/ServiceRegistry.containerPort: "However, you can't specify both."
    srv = {"registryArn": make_service(private_namespace, DnsConfig=SRV)["Arn"]}
    refused: list[dict[str, Any]] = [
        {},
        {"port": TASK_PORT, **PAIR},
        {"containerName": "app"},
        {"containerPort": TASK_PORT},
        {"containerName": "absent", "containerPort": TASK_PORT},
        {"containerName": "app", "containerPort": TASK_PORT + 1},
    ]
    check_registries(
        operation,
        make_task_definition(),
        refused=[{**srv, **part} for part in refused],
        accepted=[{**srv, "port": 9_090}, {**srv, **PAIR}],
    )


@proves("ecs.registry.not-in-network-mode-none")
@EACH_OPERATION
def test_network_mode_none_is_refused(make_service, make_task_definition, give_registries, http_namespace, operation):
    """A service in network mode none is accepted without a registry and refused with one."""
    definition = make_task_definition(networkMode="none", container={"portMappings": []}, **NOT_FARGATE)
    give_registries(operation, definition)
    with raises("InvalidParameterException"):
        give_registries(operation, definition, {"registryArn": make_service(http_namespace)["Arn"]})


@proves("ecs.registry.not-on-external-instances")
@EACH_OPERATION
def test_external_instances_are_refused(
    make_service, make_task_definition, give_registries, private_namespace, operation
):
    """Launch type EXTERNAL is accepted without a registry and refused with one; the error is not documented."""
    external = {**NOT_FARGATE, "requiresCompatibilities": ["EXTERNAL"]}
    definition = make_task_definition(networkMode="bridge", **external)
    registry = {"registryArn": make_service(private_namespace, DnsConfig=SRV)["Arn"], **PAIR}
    give_registries(operation, definition, launchType="EXTERNAL")
    with pytest.raises(ClientError):
        give_registries(operation, definition, registry, launchType="EXTERNAL")


@proves("ecs.registry.fargate-from-platform-1-1-0")
@for_each("operation", ["CreateService", "UpdateService"])
def test_platform_before_1_1_0_is_refused(
    ecs, make_service, make_task_definition, make_ecs_service, cluster, http_namespace, operation
):
    """Platform version 1.0.0 is refused with any error; 1.4.0 and LATEST are accepted."""
    definition, registry = make_task_definition(), make_service(http_namespace)

    def ask_for(version):
        if operation == "CreateService":
            return make_ecs_service(definition, registry, count=0, platformVersion=version)
        service = make_ecs_service(definition, registry, count=0)["serviceName"]
        return ecs.update_service(cluster=cluster, service=service, platformVersion=version)

    with pytest.raises(ClientError):
        ask_for("1.0.0")
    for version in ("1.4.0", "LATEST"):
        ask_for(version)


@proves("ecs.registry.not-with-classic-load-balancers")
def test_classic_load_balancers_are_refused(make_service, make_task_definition, make_ecs_service, private_namespace):
    """A load balancer that is named by loadBalancerName is refused together with a registry."""
    definition = make_task_definition(networkMode="bridge", **NOT_FARGATE)
    srv = make_service(private_namespace, DnsConfig=SRV)["Arn"]
    classic = [{"loadBalancerName": "surveyor", **PAIR}]
    with raises("InvalidParameterException"):
        make_ecs_service(definition, {"registryArn": srv, **PAIR}, count=0, loadBalancers=classic)
    make_ecs_service(definition, {"registryArn": srv, **PAIR}, count=0)


@proves("ecs.registry.a-thousand-tasks")
def test_more_than_a_thousand_tasks_are_refused(
    ecs, make_service, make_task_definition, make_ecs_service, cluster, http_namespace
):
    """With a registry 1,000 tasks are accepted and 1,001 refused, with any error; the tasks cannot be placed."""
    nowhere = [{"type": "memberOf", "expression": "attribute:surveyor.absent exists"}]
    on_ec2 = {"launchType": "EC2", "placementConstraints": nowhere}
    definition, registry = make_task_definition(**NOT_FARGATE), make_service(http_namespace)
    with pytest.raises(ClientError):
        make_ecs_service(definition, registry, count=1_001, **on_ec2)
    full = make_ecs_service(definition, registry, count=1_000, **on_ec2)["serviceName"]
    with pytest.raises(ClientError):
        ecs.update_service(cluster=cluster, service=full, desiredCount=1_001)
    unregistered = make_ecs_service(definition, count=1_001, **on_ec2)["serviceName"]
    with pytest.raises(ClientError):
        ecs.update_service(cluster=cluster, service=unregistered, serviceRegistries=[{"registryArn": registry["Arn"]}])


@proves("ecs.registry.blue-green")
def test_blue_green_is_recorded(make_service, make_task_definition, make_ecs_service, report_figure, http_namespace):
    """No document says whether a registry is accepted with the strategy BLUE_GREEN, so the result is recorded."""
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
    definition, registry = make_task_definition(), make_service(http_namespace)
    code = ""
    try:
        service = make_ecs_service(definition, registry, count=0, deploymentConfiguration=configuration)
        assert service["serviceRegistries"] == [{"registryArn": registry["Arn"]}]
    except ClientError as refusal:
        code = refusal.response["Error"]["Code"]
    assert code in ("", *REFUSALS)
    report_figure("registry accepted with BLUE_GREEN", int(not code), unit="of 1")


@proves("ecs.life.rebalancing-by-default")
def test_rebalancing_is_on_by_default(ecs, make_task_definition, make_ecs_service, read_until, cluster):
    """CreateService sets ENABLED, unless the request says DISABLED; UpdateService keeps it unless the request does."""
    # ecs/CreateServiceRequest.availabilityZoneRebalancing: "For create service requests, when no value is specified for
    # AvailabilityZoneRebalancing, Amazon ECS defaults the value to ENABLED."
    definition = make_task_definition()

    def update(service, **params):
        name = service["serviceName"]
        answer = ecs.update_service(cluster=cluster, service=name, **params)["service"]["availabilityZoneRebalancing"]

        def described():
            return ecs.describe_services(cluster=cluster, services=[name])["services"][0]

        assert read_until(lambda: described()["availabilityZoneRebalancing"], answer) == answer
        return answer

    on = make_ecs_service(definition, count=0)
    off = make_ecs_service(definition, count=0, availabilityZoneRebalancing="DISABLED")
    assert (on["availabilityZoneRebalancing"], off["availabilityZoneRebalancing"]) == ("ENABLED", "DISABLED")
    for service, value, other in ((on, "ENABLED", "DISABLED"), (off, "DISABLED", "ENABLED")):
        assert update(service, desiredCount=0) == value
        assert update(service, availabilityZoneRebalancing=other) == other
