"""How instances are named, by a service's id or ARN, and what GetInstance and ListInstances show."""

from surveyor.testing import for_each, proves, raises, timeouts


@proves("instances.service-by-id-or-arn")
@for_each("naming", ["Id", "Arn"])
def test_service_is_named_by_id_or_arn(cloudmap, make_service, wait_for_success, eventually, http_namespace, naming):
    """All six operations on instances take the id of the service, and its ARN."""
    # servicediscovery/RegisterInstanceRequest.ServiceId: "The ID or Amazon Resource Name (ARN) of the service"
    service = {"ServiceId": make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})[naming]}
    instance = {**service, "InstanceId": "i-1"}
    wait_for_success(cloudmap.register_instance(**instance, Attributes={"colour": "red"}))
    assert cloudmap.get_instance(**instance)["Instance"]["Id"] == "i-1"
    assert [listed["Id"] for listed in cloudmap.list_instances(**service)["Instances"]] == ["i-1"]
    cloudmap.update_instance_custom_health_status(**instance, Status="UNHEALTHY")
    eventually(
        lambda: cloudmap.get_instances_health_status(**service)["Status"] == {"i-1": "UNHEALTHY"},
        within=timeouts.CUSTOM_HEALTH + timeouts.DISCOVERY,
    )
    assert cloudmap.get_instances_health_status(**service, Instances=["i-1"])["Status"] == {"i-1": "UNHEALTHY"}
    wait_for_success(cloudmap.deregister_instance(**instance))
    with raises("InstanceNotFound"):
        cloudmap.get_instance(**instance)


@proves("instances.get-and-list-show-the-registration")
def test_members_are_those_of_the_registration(
    cloudmap, make_service, wait_for_success, unique_name, account, http_namespace
):
    """GetInstance and ListInstances return owner, registrant, id and attributes, and GetInstance the request's id."""
    service = make_service(http_namespace)["Id"]
    registered = {
        "i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80", "colour": "dark red"},
        "i-2": {"AWS_INSTANCE_IPV6": "2001:db8::1", "Colour": "blue", "empty": ""},
    }
    requests = {instance: unique_name("request") for instance in registered}
    for instance, attributes in registered.items():
        parameters = {"InstanceId": instance, "Attributes": attributes, "CreatorRequestId": requests[instance]}
        wait_for_success(cloudmap.register_instance(ServiceId=service, **parameters))
    listed = cloudmap.list_instances(ServiceId=service)
    assert listed["ResourceOwner"] == account
    summaries = {summary["Id"]: summary for summary in listed["Instances"]}
    assert summaries.keys() == registered.keys()
    for instance, attributes in registered.items():
        expected = {"Id": instance, "Attributes": attributes, "CreatedByAccount": account}
        assert expected.items() <= summaries[instance].items()
        found = cloudmap.get_instance(ServiceId=service, InstanceId=instance)
        assert found["ResourceOwner"] == account
        assert {**expected, "CreatorRequestId": requests[instance]}.items() <= found["Instance"].items()
