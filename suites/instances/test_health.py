"""Health of instances at registration."""

from surveyor.testing import proves


@proves("instances.initial-custom-health")
def test_initial_status_is_as_registered_or_healthy(cloudmap, make_service, register, eventually, http_namespace):
    """AWS_INIT_HEALTH_STATUS is the first status of an instance, and without it an instance is HEALTHY."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    register(service, "up", {"AWS_INIT_HEALTH_STATUS": "HEALTHY"})
    register(service, "down", {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"})
    register(service, "unset", {"colour": "red"})

    def status_of_all():
        status = dict(cloudmap.get_instances_health_status(ServiceId=service)["Status"])
        return status if len(status) == 3 and "UNKNOWN" not in status.values() else None

    # GetInstancesHealthStatus: "a brief delay between when you register an instance and when [it] is available"
    status = eventually(status_of_all, within=20)
    assert status == {"up": "HEALTHY", "down": "UNHEALTHY", "unset": "HEALTHY"}


@proves("instances.health-check.goes-to-ipv4")
def test_check_of_two_addresses_probes_ipv4(route53, make_service, register, record_sets, public_namespace):
    """With A and AAAA both records have a health check, and it probes the IPv4 address."""
    records = [{"Type": "A", "TTL": 60}, {"Type": "AAAA", "TTL": 60}]
    config = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": records}
    service = make_service(public_namespace, DnsConfig=config, HealthCheckConfig={"Type": "TCP"})
    # Route 53 does not check private and documentation ranges; these are addresses of one of its name servers.
    address = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_IPV6": "2600:9000:5300:100::1"}
    register(service, "i-1", {**address, "AWS_INSTANCE_PORT": "53"})
    found = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
    assert sorted(record["Type"] for record in found) == ["A", "AAAA"]
    for record in found:
        check = route53.get_health_check(HealthCheckId=record["HealthCheckId"])["HealthCheck"]
        assert check["HealthCheckConfig"]["IPAddress"] == "205.251.192.1"
