"""Namespaces shared with another account."""

import pytest

from surveyor.testing import dns_config, for_each, is_refused, proves, raises, timeouts

RED = {"colour": "red"}
CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
I_1 = {"InstanceId": "i-1"}
# What a consumer may do with a service in the namespace, in an order in which all of it succeeds.
SERVICE_CALLS = {
    "GetService": lambda cloudmap, service: cloudmap.get_service(Id=service),
    "UpdateServiceAttributes": lambda cloudmap, service: cloudmap.update_service_attributes(
        ServiceId=service, Attributes=RED
    ),
    "GetServiceAttributes": lambda cloudmap, service: cloudmap.get_service_attributes(ServiceId=service),
    "DeleteServiceAttributes": lambda cloudmap, service: cloudmap.delete_service_attributes(
        ServiceId=service, Attributes=["colour"]
    ),
    "ListInstances": lambda cloudmap, service: cloudmap.list_instances(ServiceId=service),
    "GetInstance": lambda cloudmap, service: cloudmap.get_instance(ServiceId=service, **I_1),
    "GetInstancesHealthStatus": lambda cloudmap, service: cloudmap.get_instances_health_status(ServiceId=service),
    "UpdateInstanceCustomHealthStatus": lambda cloudmap, service: cloudmap.update_instance_custom_health_status(
        ServiceId=service, Status="UNHEALTHY", **I_1
    ),
    "DeregisterInstance": lambda cloudmap, service: cloudmap.deregister_instance(ServiceId=service, **I_1),
    "RegisterInstance": lambda cloudmap, service: cloudmap.register_instance(
        ServiceId=service, InstanceId="i-2", Attributes=RED
    ),
}


def all_of(client, operation, member):
    """Return all entries of a list, of every page."""
    return list(client.get_paginator(operation).paginate().search(f"{member}[]"))


@pytest.fixture
def shared(make_namespace, share_namespace):
    """Create a namespace that is shared with the consumer."""
    namespace = make_namespace("http")
    share_namespace(namespace)
    return namespace


@proves("cross-account.consumers-use-shared-namespaces")
@for_each("creator", ["consumer", "owner"])
def test_consumer_creates_registers_discovers_and_deletes(
    shared, make_service, consumer_cloudmap, consumer_waits, cloudmap, account, unique_name, eventually, creator
):
    """The consumer registers and deregisters in a service of either account; both discover; it deletes the service."""
    # Cloud Map Developer Guide: "Register and deregister instances in services created in the namespace."
    if creator == "consumer":
        service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]
    else:
        service = make_service(shared)
    names = {"NamespaceName": shared["Name"], "ServiceName": service["Name"]}

    def discovered(by, **owner):
        return [instance["InstanceId"] for instance in by.discover_instances(**names, **owner)["Instances"]]

    instance = {"ServiceId": service["Arn"], **I_1}
    consumer_waits(consumer_cloudmap.register_instance(**instance, Attributes=RED))
    eventually(lambda: discovered(consumer_cloudmap, OwnerAccount=account) == ["i-1"], within=timeouts.DISCOVERY)
    eventually(lambda: discovered(cloudmap) == ["i-1"], within=timeouts.DISCOVERY)
    consumer_waits(consumer_cloudmap.deregister_instance(**instance))
    eventually(lambda: discovered(cloudmap) == [], within=timeouts.DISCOVERY)
    if creator == "consumer":
        consumer_cloudmap.delete_service(Id=service["Arn"])
        assert service["Id"] not in [entry["Id"] for entry in all_of(cloudmap, "list_services", "Services")]


@proves("cross-account.owners-manage-what-consumers-create")
def test_owner_manages_services_and_instances_of_consumers(
    shared,
    consumer_cloudmap,
    consumer_waits,
    cloudmap,
    deregister,
    delete_emptied_namespace,
    unique_name,
    wait_for_success,
):
    """The owner reads, deregisters and deletes what the consumer made; only then can it delete the namespace."""
    # Cloud Map Developer Guide: "Delete services and deregister instances, including services created and instances
    # registered by consumer accounts."
    service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]
    consumer_waits(consumer_cloudmap.register_instance(ServiceId=service["Arn"], Attributes=RED, **I_1))
    assert cloudmap.get_service(Id=service["Id"])["Service"]["Name"] == service["Name"]
    assert cloudmap.get_instance(ServiceId=service["Id"], **I_1)["Instance"]["Attributes"] == RED
    assert is_refused(lambda: cloudmap.delete_namespace(Id=shared["Id"]))
    deregister(service, "i-1")
    cloudmap.delete_service(Id=service["Id"])
    change = {"Description": "changed by the owner"}
    wait_for_success(cloudmap.update_http_namespace(Id=shared["Id"], Namespace=change))
    assert consumer_cloudmap.get_namespace(Id=shared["Arn"])["Namespace"]["Description"] == change["Description"]

    delete_emptied_namespace(shared)
    assert is_refused(lambda: consumer_cloudmap.get_namespace(Id=shared["Arn"]))


@proves("cross-account.resource-owner-and-creator")
def test_owner_and_creator_of_resources(
    shared, make_service, register, consumer_cloudmap, consumer_waits, cloudmap, account, consumer_account, unique_name
):
    """For both accounts ResourceOwner is the namespace's account, and CreatedByAccount the one that created it."""
    theirs = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]
    ours = make_service(shared)
    for service in (theirs, ours):
        named = {"ServiceId": service["Arn"], "InstanceId": "theirs"}
        consumer_waits(consumer_cloudmap.register_instance(**named, Attributes=RED))
        register(service["Arn"], "ours", RED)
    creators = {"theirs": consumer_account, "ours": account}
    for described, creator in ((theirs, consumer_account), (ours, account)):
        assert (described["ResourceOwner"], described["CreatedByAccount"]) == (account, creator)
    for by in (cloudmap, consumer_cloudmap):
        assert by.get_namespace(Id=shared["Arn"])["Namespace"]["ResourceOwner"] == account
        listed = {entry["Arn"]: entry for entry in all_of(by, "list_namespaces", "Namespaces")}
        assert listed[shared["Arn"]]["ResourceOwner"] == account
        summaries = {entry["Arn"]: entry for entry in all_of(by, "list_services", "Services")}
        for service, creator in ((theirs, consumer_account), (ours, account)):
            for found in (by.get_service(Id=service["Arn"])["Service"], summaries[service["Arn"]]):
                assert (found["ResourceOwner"], found["CreatedByAccount"]) == (account, creator)
        assert by.get_service_attributes(ServiceId=theirs["Arn"])["ServiceAttributes"]["ResourceOwner"] == account
        for service in (theirs, ours):
            page = by.list_instances(ServiceId=service["Arn"])
            assert page["ResourceOwner"] == account
            assert {entry["Id"]: entry["CreatedByAccount"] for entry in page["Instances"]} == creators
            for instance, creator in creators.items():
                answer = by.get_instance(ServiceId=service["Arn"], InstanceId=instance)
                assert (answer["ResourceOwner"], answer["Instance"]["CreatedByAccount"]) == (account, creator)


@proves("cross-account.arns-and-owner-account")
@for_each("call", SERVICE_CALLS)
def test_services_are_named_by_their_arns(shared, make_service, make_namespace, register, consumer_cloudmap, call):
    """Each operation on a service succeeds by its ARN, and fails by its id or if the namespace is not shared."""
    service, unshared = (make_service(namespace, **CUSTOM) for namespace in (shared, make_namespace("http")))
    for created in (service, unshared):
        register(created, "i-1", RED)
    assert is_refused(lambda: call(consumer_cloudmap, service["Id"]))
    assert is_refused(lambda: call(consumer_cloudmap, unshared["Arn"]))
    call(consumer_cloudmap, service["Arn"])


@proves("cross-account.arns-and-owner-account")
def test_namespaces_are_named_by_their_arns(shared, consumer_cloudmap, make_namespace, unique_name):
    """GetNamespace and CreateService succeed by the ARN, and fail by the id or if the namespace is not shared."""
    unshared = make_namespace("http")
    for reference in (shared["Id"], unshared["Arn"], unshared["Id"]):
        assert is_refused(lambda: consumer_cloudmap.get_namespace(Id=reference))  # noqa: B023 (called at once)
        assert is_refused(lambda: consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=reference))  # noqa: B023 (called at once)
    assert consumer_cloudmap.get_namespace(Id=shared["Arn"])["Namespace"]["Id"] == shared["Id"]
    created = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]
    assert created["NamespaceId"] == shared["Id"]


@proves("cross-account.arns-and-owner-account")
@for_each("operation", ["discover_instances", "discover_instances_revision"])
def test_discovery_needs_the_owner(
    shared, make_namespace, make_service, consumer_cloudmap, account, consumer_account, operation
):
    """With OwnerAccount the shared namespace is searched; without, with another account, or unshared, it fails."""
    unshared = make_namespace("http")
    discover = getattr(consumer_cloudmap, operation)

    def names(namespace):
        return {"NamespaceName": namespace["Name"], "ServiceName": make_service(namespace)["Name"]}

    named = names(shared)
    assert is_refused(lambda: discover(**named))
    assert is_refused(lambda: discover(**named, OwnerAccount=consumer_account))
    assert is_refused(lambda: discover(**names(unshared), OwnerAccount=account))
    assert discover(**named, OwnerAccount=account)["InstancesRevision"] >= 0


@proves("cross-account.arns-and-owner-account")
def test_operations_need_the_owner(shared, make_service, consumer_cloudmap, consumer_account, consumer_waits, account):
    """GetOperation shows a consumer's operation with OwnerAccount, which it repeats; without it fails."""
    # servicediscovery/GetOperationRequest.OwnerAccount: "you must specify an OwnerAccount"
    service = make_service(shared)["Arn"]
    answer = consumer_cloudmap.register_instance(ServiceId=service, Attributes=RED, **I_1)
    operation = consumer_waits(answer)
    assert (operation["Id"], operation["OwnerAccount"]) == (answer["OperationId"], account)
    assert is_refused(lambda: consumer_cloudmap.get_operation(OperationId=answer["OperationId"]))
    named = {"OperationId": answer["OperationId"], "OwnerAccount": consumer_account}
    assert is_refused(lambda: consumer_cloudmap.get_operation(**named))


@proves("cross-account.consumers-do-not-manage")
@for_each("kind", ["http", "private", "public"])
def test_consumer_cannot_change_tag_or_share(
    make_namespace, share_namespace, consumer_cloudmap, consumer_client, cloudmap, unique_name, kind
):
    """Updating, deleting, tagging and sharing are refused, and the namespace and its tags do not change."""
    namespace = make_namespace(kind, Tags=[{"Key": "team", "Value": "blue"}])
    owners_share = share_namespace(namespace)
    arn, ram = namespace["Arn"], consumer_client("ram")
    update = getattr(consumer_cloudmap, "update_http_namespace" if kind == "http" else f"update_{kind}_dns_namespace")
    own_share = ram.create_resource_share(name=unique_name("share"))["resourceShare"]["resourceShareArn"]
    for attempt in (
        lambda: update(Id=arn, Namespace={"Description": "consumer"}),
        lambda: consumer_cloudmap.delete_namespace(Id=arn),
        lambda: consumer_cloudmap.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}]),
        lambda: consumer_cloudmap.untag_resource(ResourceARN=arn, TagKeys=["team"]),
        lambda: consumer_cloudmap.list_tags_for_resource(ResourceARN=arn),
        lambda: ram.create_resource_share(name=unique_name("share"), resourceArns=[arn], principals=["1" * 12]),
        lambda: ram.associate_resource_share(resourceShareArn=own_share, resourceArns=[arn]),
        lambda: ram.associate_resource_share(resourceShareArn=owners_share, principals=["1" * 12]),
    ):
        assert is_refused(attempt)
    assert cloudmap.get_namespace(Id=namespace["Id"])["Namespace"] == namespace
    assert cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "blue"}]


@proves("cross-account.consumers-do-not-tag-at-creation")
def test_consumer_cannot_tag_at_creation(shared, consumer_cloudmap, unique_name):
    """The consumer's CreateService with a tag is refused and creates nothing; without a tag it succeeds."""
    service = {"Name": unique_name("svc"), "NamespaceId": shared["Arn"]}
    with raises("AccessDeniedException"):
        consumer_cloudmap.create_service(**service, Tags=[{"Key": "team", "Value": "red"}])
    assert consumer_cloudmap.create_service(**service)["Service"]["Name"] == service["Name"]


@proves("cross-account.no-update-with-instances-of-others")
@for_each("creator", ["consumer", "owner"])
def test_services_with_instances_of_others_are_not_updated(
    make_namespace,
    make_service,
    share_namespace,
    register,
    deregister,
    consumer_cloudmap,
    consumer_waits,
    cloudmap,
    wait_for_success,
    creator,
):
    """UpdateService is refused to both accounts while the service has an instance of the other one."""
    namespace = make_namespace("private")
    share_namespace(namespace)
    service = make_service(namespace, DnsConfig=dns_config("A"))["Arn"]
    instance = {"ServiceId": service, "InstanceId": "theirs", "Attributes": {"AWS_INSTANCE_IPV4": "192.0.2.7"}}
    change = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 30}]}}
    register(service, "ours", {"AWS_INSTANCE_IPV4": "192.0.2.8"})
    wait_for_success(cloudmap.update_service(Id=service, Service=change))
    assert is_refused(lambda: consumer_cloudmap.update_service(Id=service, Service=change))
    consumer_waits(consumer_cloudmap.register_instance(**instance))
    for by in (cloudmap, consumer_cloudmap):
        assert is_refused(lambda: by.update_service(Id=service, Service=change))  # noqa: B023 (called at once)
    deregister(service, "ours" if creator == "consumer" else "theirs")
    if creator == "consumer":
        consumer_waits(consumer_cloudmap.update_service(Id=service, Service=change))
    else:
        wait_for_success(cloudmap.update_service(Id=service, Service=change))


@proves("cross-account.operations-of-others-are-not-listed")
def test_operations_are_listed_only_to_their_caller(
    shared, consumer_cloudmap, cloudmap, make_service, register, unique_name
):
    """The consumer's list lacks the owner's registration, and the owner's list lacks the consumer's."""
    # Cloud Map Developer Guide: "You can't use ListOperations to list operations on shared namespaces that are
    # performed by other accounts."
    ours = register(make_service(shared), "i-1", RED)["Id"]
    service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=shared["Arn"])["Service"]["Arn"]
    other = consumer_cloudmap.register_instance(ServiceId=service, InstanceId="i-2", Attributes=RED)["OperationId"]

    def listed(by):
        pages = by.get_paginator("list_operations").paginate()
        return {operation["Id"] for page in pages for operation in page["Operations"]}

    assert ours in listed(cloudmap)
    assert other in listed(consumer_cloudmap)
    assert other not in listed(cloudmap)
    assert ours not in listed(consumer_cloudmap)


@proves("cross-account.dns-needs-vpc-association")
def test_names_resolve_after_the_association(
    make_namespace,
    share_namespace,
    make_service,
    register,
    consumer_client,
    consumer_account,
    route53,
    consumer_cloudmap,
    account,
    query_dns,
    eventually,
    clock,
):
    """The consumer discovers at once; the resolver of its VPC answers only after authorization and association."""
    namespace = make_namespace("private")
    share_namespace(namespace)
    service = make_service(namespace, DnsConfig=dns_config("A", ttl=5, policy=None))
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.7"})
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"], "OwnerAccount": account}
    eventually(lambda: consumer_cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    ec2 = consumer_client("ec2")
    vpc, other = (ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (7, 8))
    for created in (vpc, other):
        ec2.modify_vpc_attribute(VpcId=created, EnableDnsHostnames={"Value": True})
    name = f"{service['Name']}.{namespace['Name']}"
    zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    reference = {"VPCId": vpc, "VPCRegion": ec2.meta.region_name}

    def resolves(queried=vpc):
        return bool(query_dns(name, "A", vpc=queried, account=consumer_account).answer)

    def associate(**change):
        consumer_client("route53").associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC={**reference, **change})

    # Which error a consumer gets without authorization depends on whether it may know the zone.
    assert is_refused(associate)
    assert not resolves()
    route53.create_vpc_association_authorization(HostedZoneId=zone, VPC=reference)
    clock.wait(timeouts.DNS_CHANGE)
    assert not resolves()
    assert is_refused(lambda: associate(VPCId=other))
    associate()
    eventually(resolves, within=timeouts.DNS_CHANGE)
    assert not resolves(other)
