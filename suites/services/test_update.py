"""Updates of services."""

from surveyor.testing import dns_config, proves, raises

A = dns_config("A")
TCP = {"Type": "TCP", "FailureThreshold": 3}


@proves("services.record-types-are-fixed")
def test_record_type_cannot_be_changed(cloudmap, make_service, private_namespace):
    """An update from A to AAAA is refused with InvalidInput, and the service still has its A record."""
    service = make_service(private_namespace, DnsConfig=A)["Id"]
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service, Service={"DnsConfig": dns_config("AAAA", policy=None)})
    assert cloudmap.get_service(Id=service)["Service"]["DnsConfig"]["DnsRecords"] == A["DnsRecords"]


@proves("services.custom-health.is-set-at-creation-only")
def test_update_does_not_remove_a_custom_check(cloudmap, make_service, wait_for_success, private_namespace):
    """An update without HealthCheckCustomConfig keeps it, and changes the settings that it names."""
    service = make_service(private_namespace, DnsConfig=A, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    wait_for_success(cloudmap.update_service(Id=service, Service={"DnsConfig": dns_config("A", ttl=15, policy=None)}))
    found = cloudmap.get_service(Id=service)["Service"]
    assert found["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 15}]
    assert "HealthCheckCustomConfig" in found


@proves("services.update.replaces-omitted-settings")
def test_update_deletes_omitted_settings(cloudmap, make_service, wait_for_success, public_namespace):
    """An update with only a description deletes the DNS records and the health check."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckConfig=TCP)["Id"]
    wait_for_success(cloudmap.update_service(Id=service, Service={"Description": "changed"}))
    found = cloudmap.get_service(Id=service)["Service"]
    assert found["Description"] == "changed"
    assert "HealthCheckConfig" not in found
    assert found.get("DnsConfig", {}).get("DnsRecords", []) == []


@proves("services.update.replaces-omitted-settings")
def test_update_keeps_named_settings(cloudmap, make_service, wait_for_success, public_namespace):
    """An update that names only A keeps A and deletes AAAA; the health check is the one that it names."""
    records = [{"Type": "A", "TTL": 60}, {"Type": "AAAA", "TTL": 60}]
    service = make_service(
        public_namespace, DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": records}, HealthCheckConfig=TCP
    )["Id"]
    change = {
        "DnsConfig": {"DnsRecords": records[:1]},
        "HealthCheckConfig": {"Type": "TCP", "FailureThreshold": 5},
    }
    wait_for_success(cloudmap.update_service(Id=service, Service=change))
    found = cloudmap.get_service(Id=service)["Service"]
    assert found["DnsConfig"]["DnsRecords"] == records[:1]
    assert found["HealthCheckConfig"] == change["HealthCheckConfig"]


@proves("services.update.rewrites-instance-records")
def test_update_changes_the_ttl_of_every_record(
    cloudmap, make_service, register, wait_for_success, record_sets, private_namespace
):
    """After UPDATE_SERVICE the records of both instances have the new TTL."""
    service = make_service(private_namespace, DnsConfig=A)
    name = f"{service['Name']}.{private_namespace['Name']}"
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    register(service, "i-2", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    assert [record["TTL"] for record in record_sets(private_namespace, name)] == [60, 60]
    change = {"DnsConfig": dns_config("A", ttl=15, policy=None)}
    operation = wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
    assert operation["Type"] == "UPDATE_SERVICE"
    assert [record["TTL"] for record in record_sets(private_namespace, name)] == [15, 15]


@proves("services.update.rewrites-instance-records")
def test_update_changes_the_threshold_of_the_health_check(
    cloudmap, route53, make_service, register, wait_for_success, record_sets, public_namespace
):
    """After UPDATE_SERVICE the health check of an instance's record has the new threshold."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckConfig=TCP)
    # Route 53 does not check private and documentation ranges; this is a name server of Route 53.
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"})

    def threshold():
        [record] = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
        check = route53.get_health_check(HealthCheckId=record["HealthCheckId"])["HealthCheck"]
        return check["HealthCheckConfig"]["FailureThreshold"]

    assert threshold() == 3
    records = {"DnsRecords": A["DnsRecords"]}
    change = {"DnsConfig": records, "HealthCheckConfig": {"Type": "TCP", "FailureThreshold": 5}}
    wait_for_success(cloudmap.update_service(Id=service["Id"], Service=change))
    assert threshold() == 5


@proves("services.update.not-in-http-namespaces")
def test_service_of_an_http_namespace_cannot_be_updated(cloudmap, make_service, http_namespace):
    """An update in an HTTP namespace is refused with InvalidInput and changes nothing."""
    service = make_service(http_namespace, Description="unchanged")["Id"]
    with raises("InvalidInput"):
        cloudmap.update_service(Id=service, Service={"Description": "changed"})
    assert cloudmap.get_service(Id=service)["Service"]["Description"] == "unchanged"
