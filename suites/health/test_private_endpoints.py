"""Health checks of private endpoints: the source in a VPC, and what is checked from it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, address_of, proves, raises, timeouts

COMPLETED_WITHIN = 900
"""Service seconds; the guide says "a few minutes"."""
UNKNOWN_VPC = "vpc-0123456789abcdef0"


@pytest.fixture
def source_config(ec2, network):
    """Return a HealthCheckSourceConfig: the run's subnets in up to three zones, with the groups of its tasks."""
    awsvpc = network["awsvpcConfiguration"]
    subnets = ec2.describe_subnets(SubnetIds=awsvpc["subnets"])["Subnets"]
    by_zone = {subnet["AvailabilityZoneId"]: subnet for subnet in subnets}
    vpc = subnets[0]["VpcId"]
    default = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    groups = awsvpc["securityGroups"] or [ec2.describe_security_groups(Filters=default)["SecurityGroups"][0]["GroupId"]]
    return {
        "VpcId": vpc,
        "SubnetConfigurationList": [
            {"SubnetId": subnet["SubnetId"], "AvailabilityZoneId": zone, "SecurityGroupIdList": groups}
            for zone, subnet in sorted(by_zone.items())[:3]
        ],
    }


@pytest.fixture
def make_source(route53, source_config, unique_name):
    """Return `make_source(**config)`: CreateHealthCheckSource's answer, with a new reference."""

    def make(reference=None, **config):
        reference = reference or unique_name("reference")
        settings = {**source_config, **config}
        return route53.create_health_check_source(CallerReference=reference, HealthCheckSourceConfig=settings)

    return make


@pytest.fixture
def status_of(route53):
    """Return `status_of(source)`: its status, or GONE."""

    def status(source):
        try:
            found = route53.get_health_check_source(HealthCheckSourceId=source)["HealthCheckSource"]
        except route53.exceptions.NoSuchHealthCheckSource:
            return "GONE"
        return found["HealthCheckSourceStatus"]

    return status


@pytest.fixture
def source(make_source, status_of, eventually):
    """Return the id of a source that is CREATE_COMPLETED."""
    made = make_source()["HealthCheckSourceId"]
    eventually(lambda: status_of(made) == "CREATE_COMPLETED", within=COMPLETED_WITHIN, coarse=True)
    return made


@pytest.fixture
def make_check(route53, unique_name):
    """Return `make_check(**config)`: the id of a new health check."""

    def make(**config):
        made = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
        return made["HealthCheck"]["Id"]

    return make


@proves("health.private.sources-settle", "health.private.sources-are-deleted")
def test_a_source_is_created_and_deleted(
    route53, make_source, make_check, status_of, eventually, source_config, unique_name
):
    """It is pending at first, completed later, refused to be deleted while it is used, and gone in the end."""
    # CreateHealthCheckSource: "Route 53 creates a health check source asynchronously, and the initial
    # HealthCheckSourceStatus is CREATE_PENDING."
    reference = unique_name("reference")
    made = make_source(reference)
    source, named = made["HealthCheckSourceId"], {"HealthCheckSourceId": made["HealthCheckSourceId"]}
    assert made["HealthCheckSourceStatus"] == "CREATE_PENDING"
    with raises("InvalidInput"):
        route53.delete_health_check_source(**named)
    eventually(lambda: status_of(source) == "CREATE_COMPLETED", within=COMPLETED_WITHIN, coarse=True)
    found = route53.get_health_check_source(**named)["HealthCheckSource"]["HealthCheckSourceConfig"]
    assert found["VpcId"] == source_config["VpcId"]
    assert {one["SubnetId"] for one in found["SubnetConfigurationList"]} == {
        one["SubnetId"] for one in source_config["SubnetConfigurationList"]
    }
    check = make_check(Type="TCP", IPAddress="10.0.0.9", Port=80, EndpointType="PRIVATE", **named)
    assert [one["Id"] for one in route53.list_health_checks_by_source(**named)["HealthChecks"]] == [check]
    with raises("InvalidInput"):
        route53.delete_health_check_source(**named)
    route53.delete_health_check(HealthCheckId=check)
    assert route53.delete_health_check_source(**named)["HealthCheckSourceStatus"] == "DELETE_PENDING"
    eventually(lambda: status_of(source) == "GONE", within=COMPLETED_WITHIN, coarse=True)


@proves("health.private.source-reference")
def test_a_repeated_reference_of_a_source(make_source, source_config, unique_name):
    """The same settings return the source that exists; other settings are refused."""
    # CreateHealthCheckSourceRequest.CallerReference: "If a health check source with the same CallerReference already
    # exists and the settings differ, Route 53 returns a HealthCheckSourceAlreadyExists error."
    reference = unique_name("reference")
    first, again = make_source(reference), make_source(reference)
    assert first["HealthCheckSourceId"] == again["HealthCheckSourceId"]
    with raises("HealthCheckSourceAlreadyExists"):
        make_source(reference, SubnetConfigurationList=source_config["SubnetConfigurationList"][:2])


@proves("health.private.source-network")
def test_the_network_of_a_source(make_source, source_config):
    """Subnets are in distinct zones, and the VPC exists."""
    # HealthCheckSourceConfig.SubnetConfigurationList: "The Availability Zones must be distinct."
    first, second, *_ = source_config["SubnetConfigurationList"]
    with pytest.raises(ClientError):
        make_source(SubnetConfigurationList=[first, {**second, "AvailabilityZoneId": first["AvailabilityZoneId"]}])
    with raises("InvalidVPCId"):
        make_source(VpcId=UNKNOWN_VPC)


@proves("health.private.needs-a-source")
def test_a_private_endpoint_needs_a_source(route53, make_check, make_source, source):
    """PRIVATE needs a completed source and a private address; PUBLIC has none, and cannot get one."""
    # HealthCheckConfig.HealthCheckSourceId: "Required when EndpointType is PRIVATE. ... You can't add it to a public
    # health check."
    private = {"Type": "TCP", "IPAddress": "10.0.0.9", "Port": 80, "EndpointType": "PRIVATE"}
    with raises("InvalidInput"):
        make_check(**private)
    pending = make_source()["HealthCheckSourceId"]
    with raises("InvalidInput"):
        make_check(**private, HealthCheckSourceId=pending)
    with raises("InvalidInput"):
        make_check(**{**private, "IPAddress": "205.251.192.1"}, HealthCheckSourceId=source)
    public = {"Type": "TCP", "IPAddress": "205.251.192.1", "Port": 53}
    with raises("InvalidInput"):
        make_check(**public, HealthCheckSourceId=source)
    check = make_check(**public)
    with raises("InvalidInput"):
        route53.update_health_check(HealthCheckId=check, HealthCheckSourceId=source)
    with raises("InvalidInput"):
        make_check(Type="CALCULATED", HealthThreshold=0, EndpointType="PRIVATE", HealthCheckSourceId=source)


@proves("health.private.checks-private-addresses")
def test_a_task_is_checked_in_its_vpc(
    route53, make_task_definition, run_task, describe_task, call_task, make_check, source, eventually
):
    """The private address of a task is checked: it succeeds, and fails once the task resets connections."""
    # guide, health-checks-private-endpoints: "A private endpoint health check monitors an endpoint that is reachable
    # from your VPC"
    task = run_task(make_task_definition())
    task = eventually(
        lambda: found if (found := describe_task(task))["lastStatus"] == "RUNNING" else None, within=timeouts.TASK
    )
    check = make_check(
        Type="HTTP", IPAddress=address_of(task), Port=TASK_PORT, ResourcePath="/", EndpointType="PRIVATE",
        HealthCheckSourceId=source, RequestInterval=30, FailureThreshold=1,
    )  # fmt: skip

    def all_report(word):
        found = route53.get_health_check_status(HealthCheckId=check)["HealthCheckObservations"]
        return bool(found) and all(one["StatusReport"]["Status"].startswith(word) for one in found)

    eventually(lambda: all_report("Success"), within=300)
    call_task(task, "/behave?do=reset", "PUT")
    eventually(lambda: all_report("Failure"), within=300)
