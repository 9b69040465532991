"""Services find each other by name inside the VPC."""

from surveyor.testing import address_of, dns_config, proves, timeouts

A = dns_config("A", ttl=10)


@proves("ecs.dns.tasks-resolve-each-other")
def test_a_task_resolves_another_service(
    task_vpc,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    call_task,
    eventually,
    make_namespace,
):
    """A task resolves <service>.<namespace> of another service with two tasks to two addresses."""
    namespace = make_namespace("private", Vpc=task_vpc)
    definition = make_task_definition()
    client_registry, backend_registry = (make_service(namespace, DnsConfig=A) for _ in range(2))
    client = wait_until_steady(make_ecs_service(definition, client_registry))
    backend = wait_until_steady(make_ecs_service(definition, backend_registry, count=2))
    (caller,) = tasks_of(client)
    expected = sorted(address_of(task) for task in tasks_of(backend))

    def resolved():
        answer = call_task(caller, f"/resolve?name={backend_registry['Name']}.{namespace['Name']}&type=A")
        return sorted(record["value"] for record in answer.get("answers", ()))

    eventually(lambda: resolved() == expected, within=timeouts.DNS_CHANGE)
    # The resolved addresses can be called.
    assert {call_task(address)["address"] for address in expected} == set(expected)
