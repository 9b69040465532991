"""Types of operations, and the resources that their Targets name."""

from surveyor.testing import dns_config, for_each, proves

A = dns_config("A", policy=None)


def described(cloudmap, started):
    """Return the type and the targets of an operation, which are the same from its submission."""
    operation = cloudmap.get_operation(OperationId=started["OperationId"])["Operation"]
    assert operation["Id"] == started["OperationId"]
    return operation["Type"], operation["Targets"]


@proves("operations.six-types", "operations.targets-name-resources")
@for_each("kind", ["http", "private_dns", "public_dns"])
def test_namespace_operations(cloudmap, account, wait_for_success, unique_name, vpc, kind):
    """Creating, updating and deleting a namespace are CREATE_, UPDATE_ and DELETE_NAMESPACE and have its id."""
    name = f"{unique_name('ns')}.surveyor.test"
    created = getattr(cloudmap, f"create_{kind}_namespace")(
        Name=name, **({"Vpc": vpc} if kind == "private_dns" else {})
    )
    type_, targets = described(cloudmap, created)
    assert type_ == "CREATE_NAMESPACE"
    operation = wait_for_success(created)
    # AWS was seen to leave OwnerAccount out of answers about the caller's operations.
    assert (operation["Type"], operation.get("OwnerAccount", account)) == (type_, account)
    namespace = operation["Targets"]["NAMESPACE"]
    assert targets["NAMESPACE"] == namespace
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert [entry["Id"] for entry in listed if entry["Name"] == name] == [namespace]
    update = getattr(cloudmap, f"update_{kind}_namespace")
    for expected, started in (
        ("UPDATE_NAMESPACE", lambda: update(Id=namespace, Namespace={"Description": "new"})),
        ("DELETE_NAMESPACE", lambda: cloudmap.delete_namespace(Id=namespace)),
    ):
        operation = wait_for_success(started())
        assert (operation["Type"], operation["Targets"]["NAMESPACE"]) == (expected, namespace)


@proves("operations.six-types", "operations.targets-name-resources")
def test_service_operations(cloudmap, make_service, wait_for_success, private_namespace):
    """Updating a service is UPDATE_SERVICE and has its id."""
    for service in (make_service(private_namespace, DnsConfig=A) for _ in range(2)):
        updated = wait_for_success(cloudmap.update_service(Id=service["Arn"], Service={"DnsConfig": A}))
        assert (updated["Type"], updated["Targets"]["SERVICE"]) == ("UPDATE_SERVICE", service["Id"])


@proves("operations.six-types", "operations.targets-name-resources")
def test_instance_operations(make_service, register, deregister, http_namespace):
    """Registering, also again, and deregistering are REGISTER_ and DEREGISTER_INSTANCE and have the instance's id."""
    service = make_service(http_namespace)
    for instance in ("i-1", "i-2", "i-1"):
        started = register(service, instance, {"colour": "red"})
        assert (started["Type"], started["Targets"]["INSTANCE"]) == ("REGISTER_INSTANCE", instance)
    for instance in ("i-2", "i-1"):
        ended = deregister(service, instance)
        assert (ended["Type"], ended["Targets"]["INSTANCE"]) == ("DEREGISTER_INSTANCE", instance)
