"""A source has the address of its public page."""

from __future__ import annotations

import pytest

from surveyor.claims import Claims, Source
from surveyor.claims.model import SourceKind
from surveyor.report.links import href

API = "https://docs.aws.amazon.com/cloud-map/latest/api"


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("servicediscovery/RegisterInstance", "API_RegisterInstance.html"),
        ("servicediscovery/DnsConfig", "API_DnsConfig.html"),
        ("servicediscovery/DnsConfig.RoutingPolicy", "API_DnsConfig.html#cloudmap-Type-DnsConfig-RoutingPolicy"),
        (
            "servicediscovery/RegisterInstanceRequest.Attributes",
            "API_RegisterInstance.html#cloudmap-RegisterInstance-request-Attributes",
        ),
        ("servicediscovery/RecordTTL", "API_DnsRecord.html#cloudmap-Type-DnsRecord-TTL"),
        ("servicediscovery/OperationNotFound", "API_GetOperation.html"),
        ("servicediscovery/examples.GetOperation", "API_GetOperation.html"),
        ("servicediscovery/operations", "Welcome.html"),
    ],
)
def test_a_model_source_has_the_page_of_its_member(path: str, page: str) -> None:
    """Operations and structures have pages, members have anchors, other shapes the page of their first user."""
    assert href(Source(SourceKind.MODEL, path)) == f"{API}/{page}"


@pytest.mark.parametrize(
    ("kind", "text", "address"),
    [
        (
            SourceKind.GUIDE,
            "AWS Cloud Map Developer Guide, cloud-map-limits",
            "https://docs.aws.amazon.com/cloud-map/latest/dg/cloud-map-limits.html",
        ),
        (
            SourceKind.GUIDE,
            "Amazon VPC User Guide, vpc-dns (DNS quotas)",
            "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html",
        ),
        (SourceKind.REPORT, "aws/containers-roadmap#343", "https://github.com/aws/containers-roadmap/issues/343"),
        (SourceKind.GUIDE, "An Unknown Guide, page", ""),
        (SourceKind.MEASURED, "botocore against a loopback server", ""),
        (SourceKind.MODEL, "nosuchservice/Thing", ""),
    ],
)
def test_guides_and_reports_have_addresses(kind: SourceKind, text: str, address: str) -> None:
    """A known guide has its page, a report its thread; other sources have no address."""
    assert href(Source(kind, text)) == address


def test_every_documented_claim_has_an_address(claims: Claims) -> None:
    """Each claim whose source is a model or a guide has an address."""
    documented = [claim for claim in claims.by_id.values() if claim.source.kind in (SourceKind.MODEL, SourceKind.GUIDE)]
    assert documented
    assert [claim.id for claim in documented if not href(claim.source).startswith("https://")] == []
