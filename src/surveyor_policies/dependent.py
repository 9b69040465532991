"""Permissions that an operation of Cloud Map needs besides its own action: it calls Route 53 and EC2 as its caller.

Source: AWS Cloud Map Developer Guide, AWS Cloud Map API permissions reference. Which of them a registration needs
depends on the namespace, and no document says how. Here it needs those of Route 53 if the service has records or
checks, and those of EC2 if an EC2 instance is named.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DEPENDENT", "TYPES"]

_ZONES = ("route53:CreateHostedZone", "route53:GetHostedZone", "route53:ListHostedZonesByName")
_RECORDS = ("route53:GetHealthCheck", "route53:UpdateHealthCheck", "route53:ChangeResourceRecordSets")

DEPENDENT: Mapping[str, tuple[str, ...]] = {
    "servicediscovery:CreatePublicDnsNamespace": _ZONES,
    "servicediscovery:CreatePrivateDnsNamespace": (*_ZONES, "ec2:DescribeVpcs", "ec2:DescribeRegions"),
    "servicediscovery:RegisterInstance": (*_RECORDS, "route53:CreateHealthCheck", "ec2:DescribeInstances"),
    "servicediscovery:DeregisterInstance": (*_RECORDS, "route53:DeleteHealthCheck"),
}
"""Further actions by action, whatever the request contains."""

TYPES: Mapping[str, str] = {
    "route53:DeleteHealthCheck": "arn:aws:route53:::healthcheck/*",
    "route53:GetHealthCheck": "arn:aws:route53:::healthcheck/*",
    "route53:GetHostedZone": "arn:aws:route53:::hostedzone/*",
    "route53:UpdateHealthCheck": "arn:aws:route53:::healthcheck/*",
}
"""The resource of those that have one in the Service Authorization Reference: it is new, and has no id yet."""
