"""Route 53 quotas of records and zones, which the namespaces of an account use too."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import for_each, proves


@pytest.fixture
def zone(route53, unique_name):
    """Create a public hosted zone."""
    name = f"{unique_name('zone')}.test"
    return dict(route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"])


@pytest.fixture
def create(route53, zone):
    """Return `create(label, type_, numbers, **policy)`, which creates records of one name in one batch."""

    def create_records(label, type_, numbers, **policy):
        address = "192.0.2.{}" if type_ == "A" else "2001:db8::{}"
        sets = [
            {"Name": f"{label}.{zone['Name']}", "Type": type_, "TTL": 60, "SetIdentifier": str(number), **policy}
            | {"ResourceRecords": [{"Value": address.format(number)}]}
            for number in numbers
        ]
        changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in sets]
        route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})

    return create_records


@proves("quotas.hundred-records-of-a-name")
@for_each("type_", ["A", "AAAA"])
@for_each("policy", {"multivalue": {"MultiValueAnswer": True}, "weighted": {"Weight": 1}})
def test_hundred_and_first_record_of_a_name_is_refused(create, type_, policy):
    """A name takes 100 multivalue or weighted records of a type; one more is refused, elsewhere it is accepted."""

    def refused(numbers):
        with pytest.raises(ClientError) as refusal:
            create("www", type_, numbers, **policy)
        # Not documented: which of the call's errors it is; these two are about the change itself.
        return refusal.value.response["Error"]["Code"] in ("InvalidChangeBatch", "InvalidInput")

    create("www", type_, range(1, 100), **policy)
    assert refused([100, 101])
    create("www", type_, [100], **policy)
    assert refused([101])
    create("www", "AAAA" if type_ == "A" else "A", range(1, 3), **policy)
    create("other", type_, [101], **policy)


@proves("quotas.route53-account-limits")
def test_limits_of_an_account(route53, zone, unique_name, expect_quota):
    """The default limits of an account, 500 hosted zones and 200 health checks among them; Count is how many it has."""
    config = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
    route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
    for kind, value, own in (
        ("MAX_HOSTED_ZONES_BY_OWNER", 500, 1),
        ("MAX_HEALTH_CHECKS_BY_OWNER", 200, 1),
        ("MAX_REUSABLE_DELEGATION_SETS_BY_OWNER", 100, 0),
        ("MAX_TRAFFIC_POLICIES_BY_OWNER", 50, 0),
        ("MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER", 5, 0),
    ):
        answer = route53.get_account_limit(Type=kind)
        assert answer["Limit"]["Type"] == kind
        assert own <= answer["Count"] <= answer["Limit"]["Value"]
        expect_quota(answer["Limit"]["Value"], value)


@proves("quotas.route53-account-limits")
def test_limit_of_a_zone(route53, zone, create, expect_quota):
    """By default a hosted zone may have 10,000 records, including its NS and SOA records; Count is how many it has."""

    def count():
        answer = route53.get_hosted_zone_limit(HostedZoneId=zone["Id"], Type="MAX_RRSETS_BY_ZONE")
        assert answer["Limit"]["Type"] == "MAX_RRSETS_BY_ZONE"
        expect_quota(answer["Limit"]["Value"], 10_000)
        return answer["Count"]

    assert count() == zone["ResourceRecordSetCount"] == 2
    create("www", "A", [1, 2, 3], MultiValueAnswer=True)
    assert count() == 5
