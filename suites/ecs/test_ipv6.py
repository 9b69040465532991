"""Tasks in subnets with IPv6."""

from ipaddress import IPv6Address, IPv6Network

from surveyor.testing import TASK_IMAGE, address_of, dns_config, for_each, proves, record_values, timeouts

AAAA = dns_config("AAAA", ttl=10)


@proves("ecs.dns.ipv6-is-registered")
@for_each("only", {"dual stack": False, "IPv6 only": True})
def test_ipv6_addresses_are_registered(
    ec2,
    cloudmap,
    make_namespace,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    query_dns,
    network_in,
    open_vpc,
    eventually,
    only,
):
    """The instance has the IPv6 address, and the IPv4 address if the interface has one; AAAA returns the address."""
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]

    def block():
        described = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Vpcs"]
        blocks = [found for each in described for found in each["Ipv6CidrBlockAssociationSet"]]
        return "".join(
            found["Ipv6CidrBlock"] for found in blocks if found["Ipv6CidrBlockState"]["State"] == "associated"
        )

    whole = IPv6Network(eventually(block, within=timeouts.OPERATION))
    part = str(next(whole.subnets(new_prefix=64)))
    kind = {"Ipv6Native": True} if only else {"CidrBlock": "10.9.1.0/24"}
    subnet = ec2.create_subnet(VpcId=vpc, Ipv6CidrBlock=part, **kind)["Subnet"]["SubnetId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    open_vpc(vpc)
    namespace = make_namespace("private", Vpc=vpc)
    registry = make_service(namespace, DnsConfig=AAAA)
    # ECR Public User Guide: "For making requests from an IPv6 network, use a dual-stack endpoint."
    container = {"image": TASK_IMAGE.replace("public.ecr.aws", "ecr-public.aws.com")} if only else {}
    definition = make_task_definition(container=container)
    service = wait_until_steady(make_ecs_service(definition, registry, networkConfiguration=network_in(subnet)))
    (task,) = tasks_of(service)
    (instance,) = cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]
    attributes, address = instance["Attributes"], address_of(task, "ipv6Address")
    assert IPv6Address(address) in IPv6Network(part)
    assert attributes["AWS_INSTANCE_IPV6"] == address
    assert attributes.get("AWS_INSTANCE_IPV4", "") == ("" if only else address_of(task))
    assert bool(address_of(task)) != only
    name = f"{registry['Name']}.{namespace['Name']}"

    def answers():
        return record_values(query_dns(name, "AAAA", namespace), name, "AAAA")

    assert eventually(answers, within=timeouts.DNS_CHANGE) == [address]
