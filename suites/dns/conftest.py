"""What the tests of DNS answers share."""

import pytest

from surveyor.testing import timeouts


@pytest.fixture
def publish(make_service, register_all, query_dns, eventually, clock):
    """Create a service with instances, wait until they are published everywhere, and return its DNS name.

    Caches of resolvers must not hear of a name before it is published, and there is no sign that all of several records
    are: only a single instance in a public namespace is waited for by queries.
    """

    def create(namespace, config, instances, name=None, **params):
        service = make_service(namespace, name, DnsConfig=config, **params)
        register_all(service, instances)
        fqdn = f"{service['Name']}.{namespace['Name']}"
        if namespace["Type"] == "DNS_PUBLIC" and len(instances) == 1:
            for record in config["DnsRecords"]:
                eventually(
                    lambda kind=record["Type"]: query_dns(fqdn, kind, namespace).answer, within=timeouts.DNS_CHANGE
                )
        else:
            clock.wait(timeouts.DNS_CHANGE)
        return fqdn

    return create


@pytest.fixture
def zone(route53, unique_name):
    """Create a public hosted zone, described as `query_dns` and `record_sets` expect a namespace."""
    name = f"{unique_name('zone')}.test"
    hosted_zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]
    zone_id = hosted_zone["Id"].removeprefix("/hostedzone/")
    return {"Type": "DNS_PUBLIC", "Name": name, "Properties": {"DnsProperties": {"HostedZoneId": zone_id}}}


@pytest.fixture
def change_record(route53, zone):
    """Create, replace or delete a record set of the zone, and return the ChangeInfo."""

    def change(record_set, action="UPSERT"):
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record_set}]}
        zone_id = zone["Properties"]["DnsProperties"]["HostedZoneId"]
        return route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch=batch)["ChangeInfo"]

    return change
