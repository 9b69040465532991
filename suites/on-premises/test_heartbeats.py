"""Instances that a script on premises registers, whose health it reports, and what happens when it ends."""

from surveyor.testing import dns_config, proves, record_values, timeouts

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
BEAT, BEATS = 10, 3


@proves("on-premises.last-report-stays")
def test_last_report_stays(
    cloudmap, make_service, register_all, private_namespace, query_dns, clock, eventually, always
):
    """After its last report an instance stays HEALTHY, or UNHEALTHY, for ten minutes, in the API and in DNS."""
    # HealthCheckCustomConfig: "it just keeps a record of the status specified in the most recent
    # UpdateInstanceCustomHealthStatus request."
    service = make_service(private_namespace, DnsConfig=dns_config("A", ttl=0), **CUSTOM)
    register_all(service, {f"host-{number}": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}"} for number in (1, 2)})

    def report(instance, status):
        cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId=instance, Status=status)

    def found(status):
        name = {"NamespaceName": private_namespace["Name"], "ServiceName": service["Name"]}
        instances = cloudmap.discover_instances(**name, HealthStatus=status)["Instances"]
        return [instance["InstanceId"] for instance in instances]

    report("host-2", "UNHEALTHY")
    for _ in range(BEATS):
        report("host-1", "HEALTHY")
        clock.wait(BEAT)

    def is_as_reported():
        statuses = cloudmap.get_instances_health_status(ServiceId=service["Id"])["Status"]
        return (statuses, found("HEALTHY"), found("UNHEALTHY")) == (
            {"host-1": "HEALTHY", "host-2": "UNHEALTHY"}, ["host-1"], ["host-2"],
        )  # fmt: skip

    eventually(is_as_reported, within=timeouts.CUSTOM_HEALTH + timeouts.DISCOVERY)
    always(is_as_reported, during=120)
    clock.wait(480)
    assert is_as_reported()
    host = f"{service['Name']}.{private_namespace['Name']}"
    assert record_values(query_dns(host, "A", private_namespace), host, "A") == ["192.0.2.1"]
