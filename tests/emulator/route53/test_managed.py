"""Cloud Map manages zones, records and health checks that Route 53's own operations cannot change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from surveyor_emulator.aws.route53 import managed
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.record_model import RecordKey, RecordSet
from surveyor_emulator.aws.route53.state import CLOUD_MAP, HealthCheckConfig, HostedZone
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

ACCOUNT = "111111111111"
REGION = "us-east-1"
NAMESPACE = f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:namespace/ns-1"
SERVICE = f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:service/srv-1"
RECORD = RecordSet("web.corp.internal.", "A", 60, ("10.0.0.1",), "i-1", multivalue=True)


@pytest.fixture
def corp(world: World, vpc: str) -> HostedZone:
    """Return a private zone of Cloud Map."""
    return create_zone(world, "Corp.internal", vpc=(vpc, REGION))


def create_zone(world: World, name: str, *, vpc: tuple[str, str] | None) -> HostedZone:
    """Create the zone of a namespace."""
    reference = world.new_id(16)
    return managed.create_zone(
        world, ACCOUNT, name, soa_ttl=7, caller_reference=reference, namespace_arn=NAMESPACE, vpc=vpc
    )


def served(world: World, zone: HostedZone, key: RecordKey) -> RecordSet | None:
    """Return a record on the name servers."""
    found = published_zones(world).get(zone.id)
    return found.records.get(key) if found else None


def test_a_zone_of_cloud_map_names_its_owner(route53: Callable[..., Any], corp: HostedZone, vpc: str) -> None:
    """GetHostedZone shows the linked service, the VPC, and no name servers."""
    shown = route53("GetHostedZone", Id=corp.id)
    assert shown["HostedZone"]["LinkedService"] == {"ServicePrincipal": CLOUD_MAP, "Description": NAMESPACE}
    assert shown["HostedZone"]["Name"] == "corp.internal."
    comment = f"Created by AWS Cloud Map namespace with ARN {NAMESPACE}"
    assert shown["HostedZone"]["Config"] == {
        "PrivateZone": True, "HostedZoneTier": "STANDARD", "Comment": comment,
    }  # fmt: skip
    assert shown["VPCs"] == [{"VPCRegion": REGION, "VPCId": vpc}]
    assert "DelegationSet" not in shown


def test_route_53_cannot_change_resources_of_cloud_map(
    world: World, route53: Callable[..., Any], corp: HostedZone
) -> None:
    """Records, zones and health checks cannot be changed; associating further VPCs is allowed."""
    record = {"Name": "x.corp.internal", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    check = managed.create_health_check(world, ACCOUNT, HealthCheckConfig("TCP", "192.0.2.1", 80), service_arn=SERVICE)
    for operation, request in (
        ("ChangeResourceRecordSets", {"HostedZoneId": corp.id, "ChangeBatch": batch}),
        ("DeleteHostedZone", {"Id": corp.id}),
        ("UpdateHostedZoneComment", {"Id": corp.id, "Comment": "mine"}),
        ("DeleteHealthCheck", {"HealthCheckId": check.id}),
        ("UpdateHealthCheck", {"HealthCheckId": check.id, "Port": 81}),
    ):
        with pytest.raises(
            ServiceError, match=r"AccessDenied: .* can only be managed through AWS Cloud Map \(arn:aws:"
        ):
            route53(operation, **request)


def test_records_are_listed_before_they_are_served(
    world: World, corp: HostedZone, advance: Callable[[float], object]
) -> None:
    """ListResourceRecordSets shows a change immediately, the name servers after its propagation."""
    managed.apply_changes(world, ACCOUNT, corp.id, [RECORD], [])
    assert managed.find_records(world, ACCOUNT, corp.id, "WEB.corp.internal") == (RECORD,)
    assert served(world, corp, RECORD.key) is None
    advance(60)
    assert served(world, corp, RECORD.key) == RECORD
    managed.apply_changes(world, ACCOUNT, corp.id, [], [RECORD.key])
    assert served(world, corp, RECORD.key) == RECORD
    advance(60)
    assert served(world, corp, RECORD.key) is None


def test_custom_health_takes_effect_without_delay(
    world: World, corp: HostedZone, advance: Callable[[float], object]
) -> None:
    """Name servers use it immediately, and a change that propagates later does not restore the old health."""
    managed.apply_changes(world, ACCOUNT, corp.id, [RECORD], [])
    managed.set_health(world, ACCOUNT, corp.id, RECORD.key, False)
    advance(60)
    assert served(world, corp, RECORD.key) == replace(RECORD, healthy=False)
    managed.set_health(world, ACCOUNT, corp.id, RECORD.key, True)
    assert served(world, corp, RECORD.key) == RECORD


def test_the_soa_ttl_is_as_requested(world: World, corp: HostedZone, advance: Callable[[float], object]) -> None:
    """The TTL is as requested at creation and after a change; the minimum does not change."""
    soa = RecordKey("corp.internal.", "SOA")
    assert corp.soa_ttl == 7
    managed.set_soa_ttl(world, ACCOUNT, corp.id, 11)
    advance(60)
    record = served(world, corp, soa)
    assert record is not None
    assert (record.ttl, record.values[0].split()[-1]) == (11, "86400")


def test_two_zones_of_one_name_cannot_share_a_vpc(world: World, corp: HostedZone, vpc: str, second_vpc: str) -> None:
    """The second zone is ConflictingDomainExists, unless it is in another VPC or public."""
    with pytest.raises(ServiceError, match="ConflictingDomainExists"):
        create_zone(world, "corp.internal.", vpc=(vpc, REGION))
    other = create_zone(world, "corp.internal", vpc=(second_vpc, REGION))
    public = create_zone(world, "corp.internal", vpc=None)
    assert other.private
    assert not public.private


def test_an_unknown_vpc_is_refused(world: World) -> None:
    """An unknown VPC and a VPC of another region are InvalidVPCId."""
    with pytest.raises(ServiceError, match="InvalidVPCId"):
        create_zone(world, "x.internal", vpc=("vpc-0", REGION))


def test_a_zone_is_deleted_with_all_its_records(
    world: World, route53: Callable[..., Any], corp: HostedZone, advance: Callable[[float], object]
) -> None:
    """Deleting needs no prior clean-up, and changes that propagate later do not restore the zone."""
    managed.apply_changes(world, ACCOUNT, corp.id, [RECORD], [])
    managed.delete_zone(world, ACCOUNT, corp.id)
    with pytest.raises(ServiceError, match="NoSuchHostedZone"):
        route53("GetHostedZone", Id=corp.id)
    advance(60)
    assert published_zones(world).get(corp.id) is None


def test_a_batch_outside_its_zone_changes_nothing(world: World, corp: HostedZone) -> None:
    """A batch with an invalid record changes nothing."""
    with pytest.raises(ServiceError, match="InvalidChangeBatch"):
        managed.apply_changes(world, ACCOUNT, corp.id, [RECORD, replace(RECORD, name="web.other.internal.")], [])
    assert not managed.find_records(world, ACCOUNT, corp.id, RECORD.name)


@pytest.mark.parametrize(
    ("kind", "value"), [("A", "10.0.0"), ("CNAME", "a b"), ("SRV", "1 1 80 " + "x" * 64 + ".corp.")]
)
def test_an_invalid_value_changes_nothing(world: World, corp: HostedZone, kind: str, value: str) -> None:
    """An invalid value is refused when it is written, not when it is queried."""
    with pytest.raises(ServiceError, match="InvalidChangeBatch"):
        managed.apply_changes(world, ACCOUNT, corp.id, [RECORD, replace(RECORD, type=kind, values=(value,))], [])
    assert not managed.find_records(world, ACCOUNT, corp.id, RECORD.name)


def test_a_zone_has_its_quota_of_records(world: World, corp: HostedZone) -> None:
    """SOA and NS records count; replacing and deleting records is possible in a full zone."""
    limit = world.settings.quotas.records_per_zone

    def numbered(number: int) -> RecordSet:
        return replace(RECORD, set_identifier=f"i-{number}", values=(f"10.1.{number // 256}.{number % 256}",))

    full = [numbered(number) for number in range(limit - 2)]
    managed.apply_changes(world, ACCOUNT, corp.id, full, [])
    with pytest.raises(ServiceError, match="InvalidChangeBatch"):
        managed.apply_changes(world, ACCOUNT, corp.id, [numbered(limit)], [])
    managed.apply_changes(world, ACCOUNT, corp.id, full, [])
    managed.apply_changes(world, ACCOUNT, corp.id, [numbered(limit)], [full[0].key])


def test_two_multivalue_records_cannot_share_an_address(world: World, corp: HostedZone) -> None:
    """A second one is refused and changes nothing; the same one again, and after the first is deleted, is accepted."""
    managed.apply_changes(world, ACCOUNT, corp.id, [RECORD], [])
    for _ in range(2):
        with pytest.raises(ServiceError, match=r"InvalidChangeBatch: .*'i-1' has the same value"):
            managed.apply_changes(world, ACCOUNT, corp.id, [replace(RECORD, set_identifier="i-2")], [])
    managed.apply_changes(world, ACCOUNT, corp.id, [RECORD], [])
    managed.apply_changes(world, ACCOUNT, corp.id, [replace(RECORD, set_identifier="i-2")], [RECORD.key])
    weighted = replace(RECORD, name="w.corp.internal.", multivalue=False, weight=1)
    managed.apply_changes(world, ACCOUNT, corp.id, [weighted, replace(weighted, set_identifier="i-2")], [])


def test_deleting_an_absent_record_is_no_error(world: World, route53: Callable[..., Any], corp: HostedZone) -> None:
    """Clean-up can be repeated; existing records stay."""
    managed.apply_changes(world, ACCOUNT, corp.id, [RECORD], [])
    before = route53("ListResourceRecordSets", HostedZoneId=corp.id)["ResourceRecordSets"]
    managed.apply_changes(world, ACCOUNT, corp.id, [], [replace(RECORD, set_identifier="never there").key])
    assert route53("ListResourceRecordSets", HostedZoneId=corp.id)["ResourceRecordSets"] == before


def test_a_deleted_health_check_stays_listed(
    world: World, route53: Callable[..., Any], advance: Callable[[float], object]
) -> None:
    """It stays in lists for a while (route53/DeleteHealthCheck), but does not count towards the quota."""
    config = HealthCheckConfig("TCP", "192.0.2.1", 80)
    checks = [
        managed.create_health_check(world, ACCOUNT, config, service_arn=SERVICE)
        for _ in range(world.settings.quotas.health_checks)
    ]
    with pytest.raises(ServiceError, match="TooManyHealthChecks"):
        managed.create_health_check(world, ACCOUNT, config, service_arn=SERVICE)
    managed.delete_health_check(world, ACCOUNT, checks[0].id)
    managed.create_health_check(world, ACCOUNT, config, service_arn=SERVICE)
    shown = route53("GetHealthCheck", HealthCheckId=checks[0].id)["HealthCheck"]
    assert shown["LinkedService"] == {"ServicePrincipal": CLOUD_MAP, "Description": SERVICE}
    advance(world.settings.health_check_removal.maximum)
    with pytest.raises(ServiceError, match="NoSuchHealthCheck"):
        route53("GetHealthCheck", HealthCheckId=checks[0].id)
