"""Creation and deletion of services."""

from datetime import timedelta

from botocore.exceptions import ClientError

from surveyor.testing import dns_config, for_each, proves, raises

TCP = {"Type": "TCP", "FailureThreshold": 3}
CUSTOM = {"FailureThreshold": 1}
LEEWAY = timedelta(seconds=5)
TAGS = {"k" * 128: "v" * 256, "empty": ""}


@proves("services.create-is-synchronous")
@for_each(
    "kind, settings",
    {
        "HTTP namespace": ("http", {"HealthCheckConfig": TCP}),
        "private namespace": ("private", {"DnsConfig": dns_config("A", ttl=17), "HealthCheckCustomConfig": CUSTOM}),
        "public namespace": ("public", {"DnsConfig": dns_config("SRV", ttl=18), "HealthCheckConfig": TCP}),
    },
)
def test_create_returns_the_service(cloudmap, unique_name, namespace_of_kind, account, kind, settings):
    """CreateService returns the Service with its settings, not an operation, and GetService finds it at once."""
    namespace, name, token = namespace_of_kind(kind), unique_name("svc"), unique_name("request")
    expected = {"Name": name, "NamespaceId": namespace["Id"], "Description": "a service", "CreatorRequestId": token}
    answer = cloudmap.create_service(**expected, **settings)
    assert "OperationId" not in answer
    created = answer["Service"]
    found = cloudmap.get_service(Id=created["Id"])["Service"]
    assert all(found[member] == created[member] for member in ("Id", "Arn", "CreateDate"))
    for service in (created, found):
        assert {member: service[member] for member in expected} == expected
        assert {member for member in service if member.startswith("HealthCheck")} == settings.keys() - {"DnsConfig"}
        assert service.get("HealthCheckConfig") == settings.get("HealthCheckConfig")
        records = service.get("DnsConfig", {}).get("DnsRecords", [])  # for a service without, AWS shows DnsConfig {}
        assert records == settings.get("DnsConfig", {}).get("DnsRecords", [])
    assert (found["ResourceOwner"], found["CreatedByAccount"]) == (account, account)


@proves("services.create-is-synchronous")
def test_service_shows_when_it_was_created(make_service, register, http_namespace):
    """CreateDate lies between the creation of the namespace and that of the first instance."""
    service = make_service(http_namespace)
    operation = register(service, "i-1", {"colour": "red"})
    assert http_namespace["CreateDate"] - LEEWAY <= service["CreateDate"] <= operation["CreateDate"] + LEEWAY


@proves("services.named-by-id-or-arn")
@for_each("name", ["Id", "Arn"])
def test_service_is_named_by_its_id_and_its_arn(
    cloudmap, make_service, unique_name, wait_for_success, private_namespace, name
):
    """CreateService takes the id or ARN of a namespace; the operations on a service take the id or ARN of that."""
    config = dns_config("A")
    created = make_service(None, NamespaceId=private_namespace[name], DnsConfig=config)
    assert created["NamespaceId"] == private_namespace["Id"]
    assert created["Arn"].endswith(f":service/{created['Id']}")
    service = created[name]
    wait_for_success(
        cloudmap.update_service(Id=service, Service={"Description": "new", "DnsConfig": dns_config("A", policy=None)})
    )
    assert cloudmap.get_service(Id=service)["Service"]["Description"] == "new"
    cloudmap.update_service_attributes(ServiceId=service, Attributes={"a": "1", "b": "2"})
    cloudmap.delete_service_attributes(ServiceId=service, Attributes=["a"])
    found = cloudmap.get_service_attributes(ServiceId=service)["ServiceAttributes"]
    assert (found["ServiceArn"], found["Attributes"]) == (created["Arn"], {"b": "2"})
    cloudmap.delete_service(Id=service)
    for each in ("Id", "Arn"):
        with raises("ServiceNotFound"):
            cloudmap.get_service(Id=created[each])


@proves("services.created-with-tags")
def test_service_is_created_with_tags(cloudmap, make_service, http_namespace):
    """CreateService sets tags with keys of up to 128 and values of up to 256 characters, and refuses longer ones."""
    service = make_service(http_namespace, Tags=[{"Key": key, "Value": value} for key, value in TAGS.items()])
    tags = cloudmap.list_tags_for_resource(ResourceARN=service["Arn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == TAGS
    for key, value in (("k" * 129, "v"), ("k", "v" * 257)):
        with raises("InvalidInput"):
            make_service(http_namespace, Tags=[{"Key": key, "Value": value}])


@proves("services.description-is-limited")
def test_description_has_1024_characters_at_most(cloudmap, make_service, wait_for_success, private_namespace):
    """CreateService and UpdateService accept a Description of 1,024 characters and refuse one of 1,025."""
    service = make_service(private_namespace, DnsConfig=dns_config("A"), Description="c" * 1024)
    assert cloudmap.get_service(Id=service["Id"])["Service"]["Description"] == "c" * 1024
    change = {"Description": "u" * 1024, "DnsConfig": dns_config("A", policy=None)}
    wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
    with raises("InvalidInput"):
        make_service(private_namespace, DnsConfig=dns_config("A"), Description="c" * 1025)
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service["Id"], Service=change | {"Description": "u" * 1025})
    assert cloudmap.get_service(Id=service["Id"])["Service"]["Description"] == "u" * 1024


@proves("services.create-can-be-retried")
@for_each("kind", ["http", "private"])
def test_repeated_create_runs_once(cloudmap, make_service, unique_name, make_namespace, kind):
    """A CreateService call sent twice with one CreatorRequestId creates one service."""
    namespace, name = make_namespace(kind), unique_name("svc")
    params = {"CreatorRequestId": unique_name("request"), "Type": "HTTP"}
    first = make_service(namespace, name, **params)["Id"]
    # Not documented: the same answer again or ServiceAlreadyExists.
    try:
        second = make_service(namespace, name, **params)["Id"]
    except cloudmap.exceptions.ServiceAlreadyExists as refusal:
        second = refusal.response["ServiceId"]
    assert second == first
    of_namespace = [{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]]}]
    assert [service["Id"] for service in cloudmap.list_services(Filters=of_namespace)["Services"]] == [first]


@proves("services.duplicate-name-is-refused")
@for_each("kind", ["http", "private", "public"])
def test_existing_name_is_refused_with_its_service(make_service, unique_name, namespace_of_kind, kind):
    """An existing name raises ServiceAlreadyExists with the id, ARN and request id of the existing service."""
    namespace, name, request = namespace_of_kind(kind), unique_name("svc"), unique_name("request")
    first = make_service(namespace, name, CreatorRequestId=request, Type="HTTP")
    make_service(namespace, Type="HTTP")
    with raises("ServiceAlreadyExists") as refusal:
        make_service(namespace, name, CreatorRequestId=unique_name("request"), Type="HTTP")
    assert refusal.response["ServiceId"] == first["Id"]
    assert refusal.response["ServiceArn"] == first["Arn"]
    assert refusal.response["CreatorRequestId"] == request


@proves("services.duplicate-name-is-refused")
def test_two_namespaces_may_have_services_of_one_name(make_service, unique_name, http_namespace, private_namespace):
    """A service of the same name in another namespace is another service."""
    name = unique_name("svc")
    first = make_service(http_namespace, name)
    assert make_service(private_namespace, name, Type="HTTP")["Id"] != first["Id"]


@proves("services.instance-count-follows-instances")
def test_instance_count_follows_the_instances(
    cloudmap, make_service, register_all, deregister, eventually, http_namespace
):
    """InstanceCount, if it is shown, is the number of instances that are registered, without deregistered ones."""
    service = make_service(http_namespace)["Id"]

    def counted(count):
        return cloudmap.get_service(Id=service)["Service"].get("InstanceCount", count) == count  # AWS leaves it out

    # servicediscovery/Service.InstanceCount: "The count might not reflect pending registrations and deregistrations."
    eventually(lambda: counted(0), within=60)
    register_all(service, {key: {"colour": "red"} for key in ["i-1", "i-2", "i-3"]})
    eventually(lambda: counted(3), within=60)
    deregister(service, "i-2")
    eventually(lambda: counted(2), within=60)


@proves("services.delete.needs-no-instances")
def test_delete_is_refused_until_the_last_instance_is_deregistered(
    cloudmap, make_service, register_all, deregister, eventually, http_namespace
):
    """DeleteService raises ResourceInUse while an instance is registered, and succeeds when none is left."""
    service = make_service(http_namespace)["Id"]
    register_all(service, {key: {"colour": "red"} for key in ["i-1", "i-2"]})
    for instance in ("i-1", "i-2"):
        with raises("ResourceInUse"):
            cloudmap.delete_service(Id=service)
        assert cloudmap.get_instance(ServiceId=service, InstanceId=instance)["Instance"]["Id"] == instance
        deregister(service, instance)

    def service_deleted():
        try:  # the count of instances may lag behind the operations
            return "OperationId" not in cloudmap.delete_service(Id=service)
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] == "ResourceInUse"  # noqa: PT017  # a condition that is polled
            return False

    eventually(service_deleted, within=60)
    with raises("ServiceNotFound"):
        cloudmap.get_service(Id=service)


@proves("services.delete.needs-no-instances")
def test_delete_also_deletes_the_attributes(cloudmap, make_service, http_namespace, unique_name):
    """DeleteService returns no operation, and deletes the service and its attributes, and no other service."""
    name = unique_name("svc")
    service, other = make_service(http_namespace, name)["Id"], make_service(http_namespace)["Id"]
    for each in (service, other):
        cloudmap.update_service_attributes(ServiceId=each, Attributes={"owner": "billing"})
    assert "OperationId" not in cloudmap.delete_service(Id=service)
    with raises("ServiceNotFound"):
        cloudmap.get_service(Id=service)
    with raises("ServiceNotFound"):
        cloudmap.get_service_attributes(ServiceId=service)
    assert cloudmap.get_service_attributes(ServiceId=other)["ServiceAttributes"]["Attributes"] == {"owner": "billing"}
