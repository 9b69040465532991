"""Instances registered by the id of an EC2 instance."""

import pytest

from surveyor.testing import dns_config, proves, raises

# EC2 User Guide, "Reference AMIs using Systems Manager parameters": works without the id of an image.
AMAZON_LINUX = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@pytest.fixture
def ec2_instance(ec2, vpc, eventually):
    """Run an EC2 instance, and terminate it after the test."""
    [described_vpc] = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=described_vpc["CidrBlock"])["Subnet"]["SubnetId"]
    started = ec2.run_instances(ImageId=AMAZON_LINUX, InstanceType="t3.nano", SubnetId=subnet, MinCount=1, MaxCount=1)
    instance_id = started["Instances"][0]["InstanceId"]

    def instance_running():
        [reservation] = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
        [instance] = reservation["Instances"]
        return instance if instance["State"]["Name"] == "running" else None

    try:
        yield eventually(instance_running, within=120)
    finally:
        ec2.terminate_instances(InstanceIds=[instance_id])


@proves("instances.ec2-instance.fills-address")
def test_address_of_the_ec2_instance_is_filled_in(
    cloudmap, make_service, register, eventually, http_namespace, ec2_instance
):
    """AWS_EC2_INSTANCE_ID sets AWS_INSTANCE_IPV4 to the primary private address of that EC2 instance."""
    service = make_service(http_namespace)
    register(service, "i-1", {"AWS_EC2_INSTANCE_ID": ec2_instance["InstanceId"]})

    def instances_discovered():
        found = cloudmap.discover_instances(NamespaceName=http_namespace["Name"], ServiceName=service["Name"])
        return list(found["Instances"])

    [instance] = eventually(instances_discovered, within=60)
    assert instance["Attributes"]["AWS_INSTANCE_IPV4"] == ec2_instance["PrivateIpAddress"]


@proves("instances.ec2-instance.fills-address")
def test_initial_health_is_accepted_and_an_address_is_not(
    cloudmap, make_service, register, http_namespace, ec2_instance
):
    """Together with AWS_EC2_INSTANCE_ID AWS_INIT_HEALTH_STATUS is accepted and an address raises InvalidInput."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    ec2_attributes = {"AWS_EC2_INSTANCE_ID": ec2_instance["InstanceId"]}
    with raises("InvalidInput"):  # the guide allows custom attributes, too
        cloudmap.register_instance(
            ServiceId=service, InstanceId="i-1", Attributes={**ec2_attributes, "AWS_INSTANCE_IPV4": "192.0.2.44"}
        )
    register(service, "i-1", {**ec2_attributes, "AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})


@proves("instances.ec2-instance.fills-address")
def test_dns_namespaces_refuse_ec2_instances(cloudmap, make_service, private_namespace, ec2_instance):
    """In a DNS namespace AWS_EC2_INSTANCE_ID is refused with InvalidInput."""
    service = make_service(private_namespace, DnsConfig=dns_config("A"))["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(
            ServiceId=service, InstanceId="i-1", Attributes={"AWS_EC2_INSTANCE_ID": ec2_instance["InstanceId"]}
        )
