"""Settings with which a registry is accepted; CreateService decides, so no task is needed."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, proves, raises

A = dns_config("A", ttl=10)
SRV = dns_config("SRV", ttl=10)
PAIR = {"containerName": "app", "containerPort": 8080}
NOT_FARGATE = {"requiresCompatibilities": ["EC2"], "cpu": None}


@proves("ecs.registry.one-per-service")
def test_two_registries_are_refused(make_service, make_task_definition, make_ecs_service, http_namespace):
    """A second entry in serviceRegistries raises InvalidParameterException."""
    both = [{"registryArn": make_service(http_namespace)["Arn"]} for _ in range(2)]
    definition = make_task_definition()
    with raises("InvalidParameterException"):
        make_ecs_service(definition, count=0, serviceRegistries=both)
    make_ecs_service(definition, count=0, serviceRegistries=both[:1])


@proves("ecs.registry.bridge-and-host-need-srv-and-a-named-port")
@pytest.mark.parametrize("mode", ["bridge", "host"])
def test_bridge_and_host_need_srv_and_a_named_port(
    make_service, make_task_definition, make_ecs_service, private_namespace, mode
):
    """A records are refused, and so is SRV without containerName and containerPort."""
    definition = make_task_definition(networkMode=mode, **NOT_FARGATE)
    a, srv = (make_service(private_namespace, DnsConfig=config)["Arn"] for config in (A, SRV))
    for refused in ({"registryArn": a, **PAIR}, {"registryArn": srv}):
        with raises("InvalidParameterException"):
            make_ecs_service(definition, refused, count=0)
    make_ecs_service(definition, {"registryArn": srv, **PAIR}, count=0)


@proves("ecs.registry.srv-takes-a-port-or-a-named-port")
def test_srv_takes_either_a_port_or_a_named_port(
    make_service, make_task_definition, make_ecs_service, private_namespace
):
    """In awsvpc mode a port or a named port is accepted; both together and neither are refused."""
    definition = make_task_definition()
    srv = make_service(private_namespace, DnsConfig=SRV)["Arn"]
    for refused in ({}, {"port": 8080, **PAIR}):
        with raises("InvalidParameterException"):
            make_ecs_service(definition, {"registryArn": srv, **refused}, count=0)
    for accepted in ({"port": 8080}, PAIR):
        make_ecs_service(definition, {"registryArn": srv, **accepted}, count=0)


@proves("ecs.registry.not-in-network-mode-none")
def test_network_mode_none_is_refused(make_service, make_task_definition, make_ecs_service, http_namespace):
    """A service in network mode none is accepted without a registry and refused with one."""
    definition = make_task_definition(networkMode="none", container={"portMappings": []}, **NOT_FARGATE)
    make_ecs_service(definition, count=0)
    with raises("InvalidParameterException"):
        make_ecs_service(definition, make_service(http_namespace), count=0)


@proves("ecs.registry.not-on-external-instances")
def test_external_instances_are_refused(make_service, make_task_definition, make_ecs_service, private_namespace):
    """Launch type EXTERNAL is accepted without a registry and refused with one; the error is not documented."""
    external = {**NOT_FARGATE, "requiresCompatibilities": ["EXTERNAL"]}
    definition = make_task_definition(networkMode="bridge", **external)
    srv = make_service(private_namespace, DnsConfig=SRV)["Arn"]
    make_ecs_service(definition, count=0, launchType="EXTERNAL")
    with pytest.raises(ClientError):
        make_ecs_service(definition, {"registryArn": srv, **PAIR}, count=0, launchType="EXTERNAL")


@proves("ecs.registry.fargate-from-platform-1-1-0")
def test_platform_before_1_1_0_is_refused(make_service, make_task_definition, make_ecs_service, http_namespace):
    """Platform version 1.0.0 is refused with any error; LATEST is accepted."""
    definition, registry = make_task_definition(), make_service(http_namespace)
    with pytest.raises(ClientError):
        make_ecs_service(definition, registry, count=0, platformVersion="1.0.0")
    make_ecs_service(definition, registry, count=0, platformVersion="LATEST")


@proves("ecs.registry.not-with-classic-load-balancers")
def test_classic_load_balancers_are_refused(make_service, make_task_definition, make_ecs_service, private_namespace):
    """A load balancer that is named by loadBalancerName is refused together with a registry."""
    definition = make_task_definition(networkMode="bridge", **NOT_FARGATE)
    srv = make_service(private_namespace, DnsConfig=SRV)["Arn"]
    classic = [{"loadBalancerName": "surveyor", **PAIR}]
    with raises("InvalidParameterException"):
        make_ecs_service(definition, {"registryArn": srv, **PAIR}, count=0, loadBalancers=classic)


@proves("ecs.registry.a-thousand-tasks")
def test_more_than_a_thousand_tasks_are_refused(make_service, make_task_definition, make_ecs_service, http_namespace):
    """A desired count of 1,001 is refused with any error; 0 is accepted."""
    definition, registry = make_task_definition(), make_service(http_namespace)
    with pytest.raises(ClientError):
        make_ecs_service(definition, registry, count=1_001)
    make_ecs_service(definition, registry, count=0)


@proves("ecs.registry.blue-green")
def test_blue_green_is_recorded(make_service, make_task_definition, make_ecs_service, report_figure, http_namespace):
    """No document says whether a registry is accepted with the strategy BLUE_GREEN, so the result is recorded."""
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
    definition, registry = make_task_definition(), make_service(http_namespace)
    try:
        make_ecs_service(definition, registry, count=0, deploymentConfiguration=configuration)
    except ClientError:
        report_figure("registry accepted with BLUE_GREEN", 0, unit="of 1")
    else:
        report_figure("registry accepted with BLUE_GREEN", 1, unit="of 1")


@proves("ecs.life.rebalancing-by-default")
def test_rebalancing_is_on_by_default(make_task_definition, make_ecs_service):
    """CreateService returns ENABLED by default, and DISABLED if the request says so."""
    definition = make_task_definition()
    assert make_ecs_service(definition, count=0)["availabilityZoneRebalancing"] == "ENABLED"
    off = make_ecs_service(definition, count=0, availabilityZoneRebalancing="DISABLED")
    assert off["availabilityZoneRebalancing"] == "DISABLED"
