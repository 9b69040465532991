"""What external-dns does to a registry, call for call, beside tasks of ECS.

kubernetes-sigs/external-dns, provider/awssd/aws_sd.go: an instance is named by its address, and the description of a
service says which installation owns it. Operations are not waited for there; a test waits, so that they do not overlap.
"""

import pytest

from surveyor.testing import address_of, dns_config, id_of, proves, raises, record_values, timeouts

OWNER = '"heritage=external-dns,external-dns/owner=default"'
TTL = 10
A = dns_config("A", ttl=TTL)
HOST = {"AWS_INSTANCE_IPV4": "198.51.100.1", "site": "on-premises"}


def pods(*numbers):
    """Return the instances that stand for pods: their attributes by their id, which is the address."""
    addresses = [f"192.0.2.{number}" for number in numbers]
    return {address: {"AWS_INSTANCE_IPV4": address} for address in addresses}


@pytest.fixture
def find_service(cloudmap):
    """Find a service by its DNS name as external-dns does: it lists namespaces of one type, and all services in one."""

    def find(name, kind):
        label, _, domain = name.partition(".")
        of_kind = [{"Name": "TYPE", "Values": [kind]}]
        pages = cloudmap.get_paginator("list_namespaces").paginate(Filters=of_kind)
        [namespace] = [each["Id"] for page in pages for each in page["Namespaces"] if each["Name"] == domain]
        inside = [{"Name": "NAMESPACE_ID", "Values": [namespace]}]
        pages = cloudmap.get_paginator("list_services").paginate(Filters=inside, PaginationConfig={"PageSize": 100})
        [service] = [each for page in pages for each in page["Services"] if each["Name"] == label]
        return service

    return find


@pytest.fixture
def listed(cloudmap):
    """Return the attributes of all instances of a service, by id."""

    def attributes(service):
        pages = cloudmap.get_paginator("list_instances").paginate(ServiceId=service["Id"])
        return {each["Id"]: each["Attributes"] for page in pages for each in page["Instances"]}

    return attributes


@proves("registrars.external-dns.pods-beside-tasks")
def test_pods_are_found_beside_tasks(
    cloudmap, make_service, register, register_all, deregister, make_task_definition, make_ecs_service,
    wait_until_steady, tasks_of, query_dns, eventually, clock, private_namespace, find_service, listed,
):  # fmt: skip
    """Clients find two pods, a host and a task, and after one pod was replaced the new pods and the same others."""
    created = make_service(private_namespace, DnsConfig=A, Description=OWNER)
    host = f"{created['Name']}.{private_namespace['Name']}"
    service = find_service(host, "DNS_PRIVATE")
    assert (service["Id"], service.get("Description")) == (created["Id"], OWNER)
    register_all(service, pods(1, 2))
    register(service, "host-1", HOST)
    [task] = tasks_of(wait_until_steady(make_ecs_service(make_task_definition(), created)))
    stays = {"host-1", id_of(task)}
    addresses = {HOST["AWS_INSTANCE_IPV4"], address_of(task)}
    name = {"NamespaceName": private_namespace["Name"], "ServiceName": created["Name"]}

    def discovered():
        instances = cloudmap.discover_instances(**name, HealthStatus="ALL")["Instances"]
        return {instance["InstanceId"] for instance in instances}

    def resolved():
        clock.wait(timeouts.DNS_CHANGE + TTL)
        return set(record_values(query_dns(host, "A", private_namespace), host, "A"))

    instances = listed(service)
    assert instances.keys() == {*pods(1, 2), *stays}
    eventually(lambda: discovered() == instances.keys(), within=timeouts.DISCOVERY)
    assert resolved() == {*pods(1, 2), *addresses}

    # A change of targets is made by deletion and creation, deletions first (updatesToCreates, ApplyChanges).
    for pod in pods(1, 2):
        deregister(service, pod)
    register_all(service, pods(2, 3))
    assert listed(service) == {**pods(2, 3), **{key: instances[key] for key in stays}}
    eventually(lambda: discovered() == {*pods(2, 3), *stays}, within=timeouts.DISCOVERY)
    assert resolved() == {*pods(2, 3), *addresses}


@proves("registrars.external-dns.unknown-id-removes-nothing")
def test_a_task_is_not_deregistered_by_its_address(
    cloudmap, make_service, register_all, make_task_definition, make_ecs_service, wait_until_steady, tasks_of,
    http_namespace, listed,
):  # fmt: skip
    """external-dns takes a task's address for a target that Kubernetes no longer has, and is refused."""
    service = make_service(http_namespace, Description=OWNER)
    register_all(service, pods(1))
    [task] = tasks_of(wait_until_steady(make_ecs_service(make_task_definition(), service)))
    before = listed(service)
    # InstanceNotFound: "No instance exists with the specified ID, or the instance was recently registered, and
    # information about the instance hasn't propagated yet."
    with raises("InstanceNotFound"):
        cloudmap.deregister_instance(ServiceId=service["Id"], InstanceId=address_of(task))
    assert listed(service) == before
    assert before[id_of(task)]["AWS_INSTANCE_IPV4"] == address_of(task)


@proves("registrars.external-dns.clean-up-spares-used-services")
def test_clean_up_spares_a_service_that_is_in_use_meanwhile(
    cloudmap, make_service, register, http_namespace, find_service, listed
):
    """Of two services that were empty the one with an instance by now stays, and the other one is deleted."""
    namespace = {"NamespaceId": http_namespace["Id"]}
    first, second, other = (
        make_service(None, **namespace, **described)
        for described in ({"Description": OWNER}, {"Description": OWNER}, {})
    )

    def is_unused(service):
        found = find_service(f"{service['Name']}.{http_namespace['Name']}", "HTTP")
        return found.get("Description") == OWNER and not listed(found)

    assert [is_unused(service) for service in (first, second, other)] == [True, True, False]
    host = {"AWS_INSTANCE_IPV4": "192.0.2.9", "site": "on-premises"}
    register(first, "host-1", host)
    with raises("ResourceInUse"):
        cloudmap.delete_service(Id=first["Id"])
    cloudmap.delete_service(Id=second["Id"])
    assert listed(first) == {"host-1": host}
    with raises("ServiceNotFound"):
        cloudmap.register_instance(ServiceId=second["Id"], InstanceId="host-1", Attributes=host)
