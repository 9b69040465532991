"""Services: what CreateService and UpdateService accept, and what they say about it."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import for_each, proves, raises, timeouts

INVALID = "InvalidParameterException"
ON_EC2 = {"requiresCompatibilities": ["EC2"], "cpu": None}


@proves("ecs.service.names")
def test_a_service_has_a_unique_name(ecs, make_task_definition, make_ecs_service, read_until, unique_name, cluster):
    """A name has up to 255 characters and is used once in a cluster; another cluster may have it too."""
    # ecs/CreateServiceRequest.serviceName: "Service names must be unique within a cluster"
    definition, own = make_task_definition(), unique_name("service")
    elsewhere = ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterName"]
    for accepted in (own.ljust(255, "z"), f"{own}-A_9"):
        made = make_ecs_service(definition, count=0, serviceName=accepted)
        assert made["serviceName"] == accepted
        assert made["serviceArn"].endswith(f":service/{cluster}/{accepted}")
    for refused in (own.ljust(256, "z"), f"{own}.a", f"{own} a", f"{own}/a", f"{own}-A_9"):
        with raises(INVALID):
            make_ecs_service(definition, count=0, serviceName=refused)
    other = make_ecs_service(definition, count=0, serviceName=f"{own}-A_9", cluster=elsewhere)
    assert other["serviceArn"].endswith(f":service/{elsewhere}/{own}-A_9")
    expected = [other["serviceArn"]]
    assert read_until(lambda: ecs.list_services(cluster=elsewhere)["serviceArns"], expected) == expected


@proves("ecs.service.client-token")
def test_a_client_token_creates_one_service(make_task_definition, make_ecs_service, unique_name):
    """The same request with the same token returns the service that exists; with another token it is refused."""
    # ecs/CreateServiceRequest.clientToken: "An identifier that you provide to ensure the idempotency of the request."
    definition = make_task_definition()
    tags = [{"key": "team", "value": "red"}]
    request = {"count": 0, "serviceName": unique_name("service"), "tags": tags}
    token = unique_name("token")[:36]
    first, again = (make_ecs_service(definition, clientToken=token, **request) for _ in range(2))
    assert (first["serviceArn"], first["createdAt"]) == (again["serviceArn"], again["createdAt"])
    assert first["tags"] == again["tags"] == tags
    with raises(INVALID):
        make_ecs_service(definition, clientToken=unique_name("other")[:36], **request)


@proves("ecs.service.is-described")
def test_a_service_is_described(
    ecs, make_task_definition, make_ecs_service, read_until, clock, cluster, account, network
):
    """CreateService, DescribeServices and UpdateService return what was requested, and the defaults."""
    # ecs/CreateServiceRequest.propagateTags: "The default is NONE."
    before, definition = clock.now(), make_task_definition()
    made = make_ecs_service(definition, count=0, propagateTags="TASK_DEFINITION", enableExecuteCommand=True)
    plain = make_ecs_service(definition, count=0, platformVersion="1.4.0", tags=[])
    names = [made["serviceName"], plain["serviceArn"]]
    found = read_until(
        lambda: ecs.describe_services(cluster=cluster, services=names)["services"], lambda found: len(found) == 2
    )
    updated = ecs.update_service(cluster=cluster, service=plain["serviceArn"], desiredCount=0)["service"]
    for described in (made, plain, *found, updated):
        expected = {
            "status": "ACTIVE",
            "desiredCount": 0,
            "runningCount": 0,
            "pendingCount": 0,
            "launchType": "FARGATE",
            "platformVersion": described["platformVersion"],
            "schedulingStrategy": "REPLICA",
            "taskDefinition": definition["taskDefinitionArn"],
            "clusterArn": described["clusterArn"],
            "serviceRegistries": [],
            "loadBalancers": described.get("loadBalancers"),
        }
        assert {name: described.get(name) for name in expected} == expected
        assert described["clusterArn"].endswith(f":cluster/{cluster}")
        assert before - 5 <= described["createdAt"].timestamp() <= clock.now() + 5
        assert f":{account}:" in described["createdBy"]
        actual, wanted = (one["awsvpcConfiguration"] for one in (described["networkConfiguration"], network))
        assert {**actual, "subnets": set(actual["subnets"])} == {**wanted, "subnets": set(wanted["subnets"])}
        [deployment] = described["deployments"]
        members = ("taskDefinition", "launchType", "networkConfiguration", "desiredCount", "runningCount")
        assert [deployment[name] for name in members] == [described[name] for name in members]
        assert (deployment["status"], deployment["failedTasks"]) == ("PRIMARY", 0)
        assert deployment["createdAt"] <= deployment["updatedAt"]
    assert (made["propagateTags"], made["enableExecuteCommand"]) == ("TASK_DEFINITION", True)
    assert found[0]["propagateTags"] == "TASK_DEFINITION"
    assert (plain["propagateTags"], plain.get("enableExecuteCommand", False)) == ("NONE", False)
    assert (plain["deployments"][0]["platformVersion"], plain["platformFamily"]) == ("1.4.0", "Linux")


@proves("ecs.service.launch")
def test_a_service_has_a_launch_type_or_a_strategy(
    ecs, make_task_definition, make_ecs_service, unique_name, network, cluster
):
    """Both together are refused; without either the cluster's default strategy is used, and without it EC2."""
    # ecs/CreateServiceRequest.capacityProviderStrategy: "If no capacityProviderStrategy or launchType is specified, the
    # defaultCapacityProviderStrategy for the cluster is used."
    strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]
    name = unique_name("cluster")
    ecs.create_cluster(
        clusterName=name, capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy
    )
    definition = make_task_definition()
    with raises(INVALID):
        make_ecs_service(definition, count=0, cluster=name, launchType="FARGATE", capacityProviderStrategy=strategy)
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    for given in (strategy, spot):
        made = make_ecs_service(definition, count=0, cluster=name, launchType=None, capacityProviderStrategy=given)
        assert made["capacityProviderStrategy"] == made["deployments"][0]["capacityProviderStrategy"] == given
        assert "platformVersion" in made
    by_default = make_ecs_service(definition, count=0, cluster=name, launchType=None)
    assert "platformVersion" in by_default
    changed = ecs.update_service(
        cluster=name,
        service=by_default["serviceName"],
        capacityProviderStrategy=spot,
        forceNewDeployment=True,
    )["service"]
    assert changed["capacityProviderStrategy"] == spot
    kept = ecs.update_service(cluster=name, service=by_default["serviceName"], forceNewDeployment=True)["service"]
    assert kept["capacityProviderStrategy"] == spot
    on_ec2 = make_ecs_service(make_task_definition(**ON_EC2, networkMode="bridge"), count=0)
    assert (on_ec2["launchType"], "platformVersion" in on_ec2) == ("EC2", False)
    with raises(INVALID):
        make_ecs_service(make_task_definition(**ON_EC2, networkMode="bridge"), count=0, launchType="FARGATE")
    with raises("PlatformUnknownException"):
        make_ecs_service(definition, count=0, platformVersion="9.9.9")


@proves("ecs.service.network")
def test_awsvpc_needs_a_network(
    ec2, make_task_definition, make_ecs_service, network, second_vpc, read_until, run_task, unique_name
):
    """With awsvpc there must be subnets of one VPC that exist; other network modes take none."""
    # ecs/AwsVpcConfiguration.subnets: "There's a limit of 16 subnets that can be specified. All specified subnets must
    # be from the same VPC."
    definition = make_task_definition()
    awsvpc = network["awsvpcConfiguration"]
    subnet = awsvpc["subnets"][0]
    far = ec2.create_subnet(VpcId=second_vpc, CidrBlock="10.2.99.0/24")["Subnet"]["SubnetId"]

    vpc = read_until(lambda: ec2.describe_subnets(SubnetIds=[subnet])["Subnets"], bool)[0]["VpcId"]
    groups = [
        ec2.create_security_group(GroupName=unique_name("group"), Description="surveyor", VpcId=vpc)["GroupId"]
        for _ in range(6)
    ]

    def configured(**changes):
        return {"awsvpcConfiguration": {**awsvpc, **changes}}

    refused = [
        configured(subnets=[]),
        configured(subnets=[subnet, "subnet-0123456789abcdef0"]),
        configured(subnets=[subnet, far]),
        configured(subnets=[subnet] * 17),
        configured(securityGroups=groups),
    ]
    for wrong in (None, *refused):
        with raises(INVALID):
            make_ecs_service(definition, count=0, networkConfiguration=wrong)
    with raises(INVALID):
        run_task(definition, networkConfiguration=refused[1])
    with raises(INVALID):
        make_ecs_service(
            make_task_definition(**ON_EC2, networkMode="bridge"), count=0, networkConfiguration=configured()
        )
    for setting in ("ENABLED", "DISABLED"):
        made = make_ecs_service(definition, count=0, networkConfiguration=configured(assignPublicIp=setting))
        assert made["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == setting
    made = make_ecs_service(definition, count=0, networkConfiguration=configured(securityGroups=groups[:5]))
    assert set(made["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]) == set(groups[:5])
    unset = {"awsvpcConfiguration": {"subnets": [subnet]}}
    actual = make_ecs_service(definition, count=0, networkConfiguration=unset)["networkConfiguration"]
    assert actual["awsvpcConfiguration"]["subnets"] == [subnet]
    assert actual["awsvpcConfiguration"].get("assignPublicIp", "DISABLED") == "DISABLED"


@proves("ecs.service.percentages")
@for_each(
    "minimum, maximum, is_valid",
    [(0, 100, True), (100, 101, True), (100, 200, True), (0, 200, True), (100, 100, False)],
)
def test_percentages_leave_room(ecs, make_task_definition, make_ecs_service, cluster, minimum, maximum, is_valid):
    """A minimum and a maximum of 100 would block deployments and are refused, in CreateService and UpdateService."""
    definition = make_task_definition()
    percentages = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    existing = make_ecs_service(definition, count=0)["serviceName"]

    def update():
        return ecs.update_service(cluster=cluster, service=existing, deploymentConfiguration=percentages)["service"]

    for ask in (lambda: make_ecs_service(definition, count=0, deploymentConfiguration=percentages), update):
        if is_valid:
            actual = ask()["deploymentConfiguration"]
            assert {name: actual[name] for name in percentages} == percentages
        else:
            with pytest.raises(ClientError):
                ask()


@proves("ecs.service.update")
def test_only_active_services_are_updated(
    ecs, make_task_definition, make_ecs_service, read_until, eventually, unique_name, cluster
):
    """A deleted service is not updated, and can be created again; one that never existed is not found."""
    # ecs/ServiceNotActiveException: "If you have previously deleted a service, you can re-create it with CreateService"
    definition = make_task_definition()
    service = make_ecs_service(definition, count=0)
    named = {"cluster": cluster, "service": service["serviceName"]}
    ecs.delete_service(**named)

    def described():
        return ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0]

    eventually(lambda: described()["status"] == "INACTIVE", within=timeouts.SCHEDULER)
    with raises("ServiceNotActiveException"):
        ecs.update_service(desiredCount=0, **named)
    with pytest.raises(ClientError):
        ecs.delete_service(**named)
    unknown = {"cluster": cluster, "service": unique_name("none")}
    with raises("ServiceNotFoundException"):
        ecs.update_service(desiredCount=0, **unknown)
    with raises("ServiceNotFoundException"):
        ecs.delete_service(**unknown)
    make_ecs_service(definition, count=0, serviceName=service["serviceName"])
    assert read_until(lambda: described()["status"], "ACTIVE") == "ACTIVE"
    inactive = make_task_definition()
    ecs.deregister_task_definition(taskDefinition=inactive["taskDefinitionArn"])
    with raises("ClientException"):
        ecs.update_service(taskDefinition=inactive["taskDefinitionArn"], **named)
    with pytest.raises(ClientError):
        ecs.update_service(taskDefinition=unique_name("none"), **named)
    with raises(INVALID):
        make_ecs_service(definition, count=None)


@proves("ecs.service.circuit-breaker-is-kept")
def test_the_circuit_breaker_is_changed(ecs, make_task_definition, make_ecs_service, cluster):
    """The circuit breaker is off by default; UpdateService changes it, or keeps it if it says nothing of it."""
    # ecs/DeploymentCircuitBreaker: enable and rollback
    off, on = ({"enable": value, "rollback": value} for value in (False, True))
    service = make_ecs_service(make_task_definition(), count=0)
    named = {"cluster": cluster, "service": service["serviceName"]}

    def breaker(answer):
        actual = answer["deploymentConfiguration"].get("deploymentCircuitBreaker", off)
        return {name: actual[name] for name in off}

    assert breaker(service) == off
    changes = {"deploymentCircuitBreaker": on}
    assert breaker(ecs.update_service(deploymentConfiguration=changes, **named)["service"]) == on
    kept = ecs.update_service(deploymentConfiguration={"maximumPercent": 150}, **named)["service"]
    assert (breaker(kept), kept["deploymentConfiguration"]["maximumPercent"]) == (on, 150)
    assert kept["deploymentConfiguration"]["minimumHealthyPercent"] == 100
