"""Route 53 quotas of records and zones, which the namespaces of an account use too."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import proves


@pytest.fixture
def zone(route53, unique_name):
    """Create a public hosted zone."""
    name = f"{unique_name('zone')}.test"
    return dict(route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"])


@proves("quotas.hundred-records-of-a-name")
@pytest.mark.parametrize("policy", [{"MultiValueAnswer": True}, {"Weight": 1}], ids=["multivalue", "weighted"])
def test_hundred_and_first_record_of_a_name_is_refused(route53, zone, policy):
    """A name takes 100 multivalue or weighted A records; one more is refused, and accepted under another name."""

    def create(label, *numbers):
        sets = [
            {"Name": f"{label}.{zone['Name']}", "Type": "A", "TTL": 60, "SetIdentifier": str(number), **policy}
            | {"ResourceRecords": [{"Value": f"192.0.2.{number}"}]}
            for number in numbers
        ]
        changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in sets]
        route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})

    create("www", *range(1, 101))
    with pytest.raises(ClientError) as refusal:
        create("www", 101)
    # Not documented: which of the call's errors it is; these two are about the change itself.
    assert refusal.value.response["Error"]["Code"] in ("InvalidChangeBatch", "InvalidInput")
    create("other", 101)


@proves("quotas.route53-account-limits")
@pytest.mark.parametrize(("kind", "value"), [("MAX_HOSTED_ZONES_BY_OWNER", 500), ("MAX_HEALTH_CHECKS_BY_OWNER", 200)])
def test_limits_of_an_account(route53, kind, value):
    """By default an account may have 500 hosted zones and 200 health checks."""
    answer = route53.get_account_limit(Type=kind)
    assert answer["Limit"] == {"Type": kind, "Value": value}


@proves("quotas.route53-account-limits")
def test_limit_of_a_zone(route53, zone):
    """By default a hosted zone may have 10,000 records, including its NS and SOA records."""
    answer = route53.get_hosted_zone_limit(HostedZoneId=zone["Id"], Type="MAX_RRSETS_BY_ZONE")
    assert answer["Limit"] == {"Type": "MAX_RRSETS_BY_ZONE", "Value": 10_000}
    assert answer["Count"] == zone["ResourceRecordSetCount"]
