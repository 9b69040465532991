"""Situations of Route 53: hosted zones that were created through Route 53, not through Cloud Map."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from surveyor.conformance.replay.situations import situation
from surveyor.fixtures.namespaces import DOMAIN
from surveyor.targets.running import RunningTarget

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

__all__: list[str] = []


@situation("private-zone", "route53", "ec2")
def with_private_zone(
    route53: Route53Client, vpc: str, unique_name: Callable[..., str], running_target: RunningTarget
) -> dict[str, str]:
    """Provide a private hosted zone."""
    name = f"{unique_name('zone')}.{DOMAIN}."
    answer = route53.create_hosted_zone(
        Name=name,
        CallerReference=name,
        VPC={"VPCRegion": running_target.target.region, "VPCId": vpc},  # type: ignore[typeddict-item]  # any region
    )
    return {"zone": _id(answer["HostedZone"]["Id"]), "zone_name": name, "vpc": vpc}


@situation("public-zone", "route53")
def with_public_zone(route53: Route53Client, unique_name: Callable[..., str]) -> dict[str, str]:
    """Provide a public hosted zone."""
    name = f"{unique_name('zone')}.{DOMAIN}."
    answer = route53.create_hosted_zone(Name=name, CallerReference=name)
    return {"zone": _id(answer["HostedZone"]["Id"]), "zone_name": name}


def _id(text: str) -> str:
    return text.removeprefix("/hostedzone/")
