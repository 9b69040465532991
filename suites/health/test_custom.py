"""Custom health checks: reported status, and when it takes effect."""

import json

import pytest

from surveyor.testing import dns_config, for_each, proves, raises, record_values, timeouts

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
ROUTE53 = {"HealthCheckConfig": {"Type": "TCP"}}
# Nothing listens at port 1 (tcpmux).
DEAD = {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": "1"}
# Route 53 does not check private and documentation ranges; this is a name server of Route 53.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}
NAMED = {"by id": "Id", "by ARN": "Arn"}


class CheckedInstance:
    """The instance i-1 of a service with a custom check."""

    def __init__(self, cloudmap, service):
        self.cloudmap, self.service = cloudmap, service

    def status(self):
        """Return its status in GetInstancesHealthStatus."""
        return str(self.cloudmap.get_instances_health_status(ServiceId=self.service)["Status"].get("i-1"))

    def report(self, status):
        """Call UpdateInstanceCustomHealthStatus."""
        self.cloudmap.update_instance_custom_health_status(ServiceId=self.service, InstanceId="i-1", Status=status)


@pytest.fixture
def make_instance(cloudmap, make_service, register, eventually, http_namespace):
    """Register i-1, healthy unless `initial` differs, with a service that is named by its id or ARN."""

    def make(named="Id", initial="HEALTHY", **attributes):
        service = make_service(http_namespace, **CUSTOM)[named]
        register(service, "i-1", {**DEAD, "AWS_INIT_HEALTH_STATUS": initial, **attributes})
        registered = CheckedInstance(cloudmap, service)
        # GetInstancesHealthStatus: "a brief delay between when you register an instance and when [it] is available"
        eventually(lambda: registered.status() == initial, within=20)
        return registered

    return make


@pytest.fixture
def instance(make_instance):
    """Register a healthy instance of a service with a custom check."""
    return make_instance()


@proves("health.custom.only-on-custom-checks")
@for_each("named", NAMED)
@for_each("check", {"no check": {}, "Route 53 check": ROUTE53})
@for_each("status", ["HEALTHY", "UNHEALTHY"])
def test_only_custom_checks_accept_a_status(cloudmap, make_service, register, http_namespace, check, named, status):
    """Without a custom check a reported status raises CustomHealthNotFound; with one it is accepted."""
    # servicediscovery/CustomHealthNotFound: "isn't a custom health check"
    without, custom = make_service(http_namespace, **check)[named], make_service(http_namespace, **CUSTOM)[named]
    for service in (without, custom):
        register(service, "i-1", NAME_SERVER)
    with raises("CustomHealthNotFound"):
        cloudmap.update_instance_custom_health_status(ServiceId=without, InstanceId="i-1", Status=status)
    cloudmap.update_instance_custom_health_status(ServiceId=custom, InstanceId="i-1", Status=status)


@proves("health.custom.only-existing-instances")
@for_each("named", NAMED)
def test_only_existing_instances_accept_a_status(cloudmap, make_service, register, http_namespace, named):
    """An unknown instance raises InstanceNotFound, an unknown service ServiceNotFound, another status InvalidInput."""
    service = make_service(http_namespace, **CUSTOM)[named]
    register(service, "i-1", DEAD)
    missing = f"{service[:-4]}none"
    for code, changed in (
        ("InstanceNotFound", {"InstanceId": "i-2"}),
        ("ServiceNotFound", {"ServiceId": missing}),
        ("InvalidInput", {"Status": "UNKNOWN"}),
    ):
        request = {"ServiceId": service, "InstanceId": "i-1", "Status": "UNHEALTHY", **changed}
        with raises(code):
            cloudmap.update_instance_custom_health_status(**request)


@proves("health.custom.takes-thirty-seconds")
@for_each("named", NAMED)
def test_change_takes_thirty_seconds(make_instance, eventually, always, tolerance, named):
    """UNHEALTHY takes effect about 30 seconds after the report, not sooner; HEALTHY not later than that."""
    instance = make_instance(named)
    for _ in range(2):
        instance.report("UNHEALTHY")
        always(lambda: instance.status() == "HEALTHY", during=timeouts.CUSTOM_HEALTH - tolerance)
        eventually(lambda: instance.status() == "UNHEALTHY", within=2 * tolerance)
        instance.report("HEALTHY")
        eventually(lambda: instance.status() == "HEALTHY", within=timeouts.CUSTOM_HEALTH + tolerance)


@proves("health.custom.takes-thirty-seconds")
def test_initially_unhealthy_instance_becomes_healthy(make_instance, always, eventually, tolerance):
    """An instance that was registered as UNHEALTHY stays so without a report, and is HEALTHY 30 seconds after one."""
    instance = make_instance(initial="UNHEALTHY")
    always(lambda: instance.status() == "UNHEALTHY", during=2 * timeouts.CUSTOM_HEALTH)
    instance.report("HEALTHY")
    eventually(lambda: instance.status() == "HEALTHY", within=timeouts.CUSTOM_HEALTH + tolerance)


@proves("health.custom.one-instance-at-a-time")
def test_a_status_is_that_of_one_instance(cloudmap, make_service, register_all, clock, http_namespace):
    """Of two instances of one service, and one with the same id in another service, only the named one changes."""
    first, second = (make_service(http_namespace, **CUSTOM)["Id"] for _ in range(2))
    register_all(first, {"i-1": DEAD, "i-2": DEAD})
    register_all(second, {"i-1": DEAD})
    cloudmap.update_instance_custom_health_status(ServiceId=first, InstanceId="i-1", Status="UNHEALTHY")
    clock.wait(2 * timeouts.CUSTOM_HEALTH)
    status = [cloudmap.get_instances_health_status(ServiceId=service)["Status"] for service in (first, second)]
    assert status == [{"i-1": "UNHEALTHY", "i-2": "HEALTHY"}, {"i-1": "HEALTHY"}]


@proves("health.custom.repetition-does-not-hasten")
def test_repetition_does_not_hasten(instance, clock, eventually, in_time, tolerance):
    """UNHEALTHY reported at 0, 10 and 20 seconds takes effect 30 seconds after the first report."""
    # "Cloud Map still waits 30 seconds after the first request to make the change."
    start = clock.now()
    with in_time(start + timeouts.CUSTOM_HEALTH):
        for _ in range(3):
            instance.report("UNHEALTHY")
            clock.wait(10 - tolerance / 3)
        assert instance.status() == "HEALTHY", f"after {clock.now() - start:.1f} s"
    eventually(lambda: instance.status() == "UNHEALTHY", within=2 * tolerance)


@proves("health.custom.opposite-cancels")
def test_opposite_cancels(instance, clock, always, eventually, in_time, tolerance):
    """HEALTHY reported just before UNHEALTHY takes effect cancels it; a later UNHEALTHY takes 30 seconds again."""
    for pause in (5, timeouts.CUSTOM_HEALTH - tolerance):
        with in_time(clock.now() + timeouts.CUSTOM_HEALTH):
            instance.report("UNHEALTHY")
            clock.wait(pause)
            assert instance.status() == "HEALTHY"
            instance.report("HEALTHY")
        always(lambda: instance.status() == "HEALTHY", during=2.5 * timeouts.CUSTOM_HEALTH)
    instance.report("UNHEALTHY")
    always(lambda: instance.status() == "HEALTHY", during=timeouts.CUSTOM_HEALTH - tolerance)
    eventually(lambda: instance.status() == "UNHEALTHY", within=2 * tolerance)


@proves("health.custom.never-probed")
@for_each("status", ["HEALTHY", "UNHEALTHY"])
def test_endpoint_is_never_probed(make_instance, clock, status):
    """Whatever listens, the status that was set at registration is still the same five minutes later."""
    # servicediscovery/HealthCheckCustomConfig: "Cloud Map doesn't check the health of the resource directly."
    attributes = NAME_SERVER if status == "UNHEALTHY" else DEAD
    instance = make_instance(initial=status, **attributes)
    for _ in range(5):
        clock.wait(60)
        assert instance.status() == status


@proves("health.custom.seen-in-every-view")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
def test_a_status_is_seen_by_dns_and_discovery(
    cloudmap, make_service, register_all, query_dns, eventually, private_namespace, policy
):
    """Of twelve instances, answers hold healthy ones only: eight of nine, and all when eight or seven are left."""
    service = make_service(private_namespace, DnsConfig=dns_config("A", ttl=5, policy=policy), **CUSTOM)
    addresses = {f"i-{number}": f"192.0.2.{number}" for number in range(1, 13)}
    healthy = {f"i-{number}" for number in range(1, 10)}
    register_all(
        service["Id"],
        {
            name: {
                "AWS_INSTANCE_IPV4": address,
                "AWS_INIT_HEALTH_STATUS": "HEALTHY" if name in healthy else "UNHEALTHY",
            }
            for name, address in addresses.items()
        },
    )
    name = f"{service['Name']}.{private_namespace['Name']}"
    names = {"NamespaceName": private_namespace["Name"], "ServiceName": service["Name"]}

    def discovered(**health):
        return {found["InstanceId"] for found in cloudmap.discover_instances(**names, **health)["Instances"]}

    def shown():
        """Return whether each view holds exactly the healthy ones, as far as an answer has room for them."""
        size = min(8, len(healthy)) if policy == "MULTIVALUE" else 1
        assert discovered() == healthy
        assert discovered(HealthStatus="UNHEALTHY") == addresses.keys() - healthy
        answers = [record_values(query_dns(name, "A"), name, "A") for _ in range(20)]
        return all(len(set(values)) == size for values in answers) and (
            {address for values in answers for address in values} <= {addresses[instance] for instance in healthy}
        )

    eventually(shown, within=timeouts.DNS_CHANGE, poll_every=5)
    for instance, status in (("i-1", "UNHEALTHY"), ("i-10", "HEALTHY"), ("i-2", "UNHEALTHY"), ("i-3", "UNHEALTHY")):
        cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=instance, Status=status)
        healthy ^= {instance}
        eventually(shown, within=timeouts.CUSTOM_HEALTH + timeouts.DNS_CHANGE, poll_every=5)
    assert discovered(HealthStatus="ALL") == addresses.keys()


@proves("health.custom.update-answers-nothing")
@for_each("status", ["HEALTHY", "UNHEALTHY"])
def test_update_returns_no_members(instance, post_to_cloudmap, status):
    """On the wire the response has no members, not even an OperationId."""
    operation = "Route53AutoNaming_v20170314.UpdateInstanceCustomHealthStatus"
    body = {"ServiceId": instance.service, "InstanceId": "i-1", "Status": status}
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": operation}
    answer = post_to_cloudmap("/", headers, json.dumps(body).encode())
    assert json.loads(answer.body or b"{}") == {}
