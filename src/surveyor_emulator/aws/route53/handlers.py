"""The operations of Route 53, imported with the first request to it: DNS and Cloud Map need only some modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surveyor_emulator.core.world import Call

from . import changes, hosted_zones, limits, record_sets, tags, vpc_associations, zone_features
from . import dns_answer as _dns_answer
from .health import operations as _health_checks
from .health import sources as _sources

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Callable[[Call, Mapping[str, object]], Mapping[str, object]]] = {
    "AssociateVPCWithHostedZone": vpc_associations.associate_vpc_with_hosted_zone,
    "ChangeResourceRecordSets": record_sets.change_resource_record_sets,
    "ChangeTagsForResource": tags.change_tags_for_resource,
    "CreateHealthCheck": _health_checks.create_health_check,
    "CreateHealthCheckSource": _sources.create_health_check_source,
    "DeleteHealthCheckSource": _sources.delete_health_check_source,
    "GetHealthCheckSource": _sources.get_health_check_source,
    "ListHealthCheckSources": _sources.list_health_check_sources,
    "ListHealthChecksBySource": _sources.list_health_checks_by_source,
    "CreateHostedZone": hosted_zones.create_hosted_zone,
    "CreateVPCAssociationAuthorization": vpc_associations.create_vpc_association_authorization,
    "DeleteHealthCheck": _health_checks.delete_health_check,
    "DeleteHostedZone": hosted_zones.delete_hosted_zone,
    "DeleteVPCAssociationAuthorization": vpc_associations.delete_vpc_association_authorization,
    "DisassociateVPCFromHostedZone": vpc_associations.disassociate_vpc_from_hosted_zone,
    "GetAccountLimit": limits.get_account_limit,
    "GetChange": changes.get_change,
    "GetHealthCheck": _health_checks.get_health_check,
    "GetHealthCheckCount": _health_checks.get_health_check_count,
    "GetHealthCheckLastFailureReason": _health_checks.get_health_check_last_failure_reason,
    "GetHealthCheckStatus": _health_checks.get_health_check_status,
    "GetHostedZone": hosted_zones.get_hosted_zone,
    "GetHostedZoneCount": hosted_zones.get_hosted_zone_count,
    "GetHostedZoneLimit": limits.get_hosted_zone_limit,
    "ListHealthChecks": _health_checks.list_health_checks,
    "ListHostedZones": hosted_zones.list_hosted_zones,
    "ListHostedZonesByName": hosted_zones.list_hosted_zones_by_name,
    "ListHostedZonesByVPC": vpc_associations.list_hosted_zones_by_vpc,
    "ListResourceRecordSets": record_sets.list_resource_record_sets,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTagsForResources": tags.list_tags_for_resources,
    "ListVPCAssociationAuthorizations": vpc_associations.list_vpc_association_authorizations,
    "TestDNSAnswer": _dns_answer.test_dns_answer,
    "UpdateHealthCheck": _health_checks.update_health_check,
    "UpdateHostedZoneComment": hosted_zones.update_hosted_zone_comment,
    "UpdateHostedZoneFeatures": zone_features.update_hosted_zone_features,
    "UpdateHostedZoneTier": zone_features.update_hosted_zone_tier,
}
