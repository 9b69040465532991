"""Instances registered by the id of an EC2 instance."""

from ipaddress import ip_network

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import Inconclusive, dns_config, for_each, proves, raises, timeouts

# EC2 User Guide, "Reference AMIs using Systems Manager parameters": works without the id of an image.
AMAZON_LINUX = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
OTHERS = {
    "AWS_INSTANCE_IPV4": "192.0.2.44",
    "AWS_INSTANCE_IPV6": "2001:db8::44",
    "AWS_INSTANCE_PORT": "8080",
    "AWS_INSTANCE_CNAME": "www.example.com",
}


@pytest.fixture
def subnet(ec2, read_until, vpc):
    """Create the smallest subnet in the VPC, which may have others, and return its id."""
    [described_vpc] = read_until(lambda: ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"], bool)
    for block in ip_network(described_vpc["CidrBlock"]).subnets(new_prefix=28):
        try:
            return ec2.create_subnet(VpcId=vpc, CidrBlock=str(block))["Subnet"]["SubnetId"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidSubnet.Conflict":
                raise
    raise Inconclusive("the VPC has no room for a subnet of 16 addresses")


@pytest.fixture
def ec2_instance(ec2, subnet, eventually):
    """Run an EC2 instance, and terminate it after the test."""
    started = ec2.run_instances(ImageId=AMAZON_LINUX, InstanceType="t3.nano", SubnetId=subnet, MinCount=1, MaxCount=1)
    instance_id = started["Instances"][0]["InstanceId"]

    def instance_running():
        # By a filter: reads may lag the creation (EC2 Developer Guide, "Eventual consistency in the Amazon EC2 API").
        found = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": [instance_id]}])["Reservations"]
        instance = found[0]["Instances"][0]
        return instance if instance["State"]["Name"] == "running" else None

    try:
        yield eventually(instance_running, within=120)
    finally:
        ec2.terminate_instances(InstanceIds=[instance_id])


@proves("instances.ec2-instance.fills-address")
def test_address_of_the_ec2_instance_is_filled_in(
    cloudmap, make_service, register, eventually, http_namespace, ec2_instance
):
    """AWS_EC2_INSTANCE_ID, with an initial health, sets AWS_INSTANCE_IPV4 to the EC2 instance's primary address."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    registered = {"AWS_EC2_INSTANCE_ID": ec2_instance["InstanceId"], "AWS_INIT_HEALTH_STATUS": "UNHEALTHY"}
    register(service, "i-1", registered)
    expected = {**registered, "AWS_INSTANCE_IPV4": ec2_instance["PrivateIpAddress"]}
    shown = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]["Attributes"]
    assert expected.items() <= shown.items()
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"], "HealthStatus": "ALL"}
    [instance] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert expected.items() <= instance["Attributes"].items()
    assert instance["HealthStatus"] == "UNHEALTHY"


@proves("instances.ec2-instance.fills-address")
def test_other_attributes_are_refused(cloudmap, make_service, http_namespace, ec2_instance):
    """AWS_EC2_INSTANCE_ID together with any AWS_INSTANCE attribute is refused with InvalidInput."""
    # servicediscovery/RegisterInstanceRequest.Attributes: "then the only other attribute that can be specified is
    # AWS_INIT_HEALTH_STATUS"; the guide allows custom attributes, too
    service = make_service(http_namespace)["Id"]
    for key, value in OTHERS.items():
        attributes = {"AWS_EC2_INSTANCE_ID": ec2_instance["InstanceId"], key: value}
        with raises("InvalidInput"):
            cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)


@proves("instances.ec2-instance.fills-address")
@for_each("kind", ["private", "public"])
def test_dns_namespaces_refuse_ec2_instances(cloudmap, make_service, namespace_of_kind, ec2_instance, kind):
    """In a DNS namespace AWS_EC2_INSTANCE_ID is refused with InvalidInput."""
    service = make_service(namespace_of_kind(kind), DnsConfig=dns_config("A"))["Id"]
    with raises("InvalidInput"):
        cloudmap.register_instance(
            ServiceId=service, InstanceId="i-1", Attributes={"AWS_EC2_INSTANCE_ID": ec2_instance["InstanceId"]}
        )
