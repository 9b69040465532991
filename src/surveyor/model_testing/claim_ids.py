"""Ids of the claims that the reference model implements; each of its promises names one of them."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["CLAIMS", "ClaimId"]


class ClaimId(StrEnum):
    """Ids of claims in claims/ under short names."""

    DEREGISTERED_FROM_DNS = "deregistration.gone-from-dns-within-a-minute-and-ttl"
    DEREGISTERED = "deregistration.removes-own-records-only"
    DEREGISTERED_TWICE = "deregistration.unknown-instance-is-refused"
    HEALTH_FILTER = "discovery.health-filter-and-failing-open"
    FILTER_IGNORED = "discovery.health-filter-is-ignored-without-check"
    HEALTHY_BY_DEFAULT = "discovery.healthy-by-default"
    OPTIONAL = "discovery.optional-parameters-are-dropped-if-nothing-matches"
    QUERY = "discovery.query-parameters-must-all-match"
    RETURNED = "discovery.returns-what-was-registered"
    REVISION = "discovery.revision-rises-with-membership-only"
    AT_MOST_EIGHT = "dns.multivalue.caps-at-eight"
    FAILS_OPEN = "dns.multivalue.fails-open"
    ALL_UP_TO_EIGHT = "dns.multivalue.returns-all-up-to-eight"
    DNS_NAME = "dns.names-are-service-and-namespace"
    SRV_VALUE = "dns.srv.value"
    WEIGHTED_FAILS_OPEN = "dns.weighted.fails-open"
    ONE_AT_RANDOM = "dns.weighted.returns-one-at-random"
    NOT_FOUND = "errors.not-found-by-kind"
    CUSTOM_ONLY = "health.custom.only-on-custom-checks"
    OPPOSITE_CANCELS = "health.custom.opposite-cancels"
    REPETITION = "health.custom.repetition-does-not-hasten"
    THIRTY_SECONDS = "health.custom.takes-thirty-seconds"
    REPORT = "health.custom.update-answers-nothing"
    THREE_STATUSES = "health.status.three-values"
    ADDRESS_NEEDED = "instances.addresses.required-by-record-type"
    INITIAL_HEALTH = "instances.initial-custom-health"
    AGAIN_REPLACES = "instances.register-again-replaces-attributes"
    AGAIN_UPDATES = "instances.register-again-updates"
    REGISTERED = "instances.register-is-asynchronous-and-creates-records"
    SRV_NEEDS = "instances.srv.needs-port-and-address"
    NAMESPACE_CREATED = "namespaces.changes-are-asynchronous"
    NAMESPACE_DELETED = "namespaces.delete-needs-no-services"
    ANSWERS = "namespaces.three-types-all-discoverable"
    OPERATION = "operations.status-moves-forward"
    SERVICE_CREATED = "services.create-is-synchronous"
    SERVICE_DELETED = "services.delete.needs-no-instances"
    NAME_TAKEN = "services.duplicate-name-is-refused"


CLAIMS = frozenset(str(claim) for claim in ClaimId)
"""All ids."""
