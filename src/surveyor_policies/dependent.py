"""What an operation of Cloud Map needs of its caller beside its own action: it goes to Route 53 and EC2 as that caller.

AWS Cloud Map Developer Guide, AWS Cloud Map API permissions reference. Which of them a registration needs depends on
the namespace; no document says how: here those of Route 53 where there are records or checks, and EC2's where an EC2
instance is named.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DEPENDENT"]

_ZONES = ("route53:CreateHostedZone", "route53:GetHostedZone", "route53:ListHostedZonesByName")
_RECORDS = ("route53:GetHealthCheck", "route53:UpdateHealthCheck", "route53:ChangeResourceRecordSets")

DEPENDENT: Mapping[str, tuple[str, ...]] = {
    "servicediscovery:CreatePublicDnsNamespace": _ZONES,
    "servicediscovery:CreatePrivateDnsNamespace": (*_ZONES, "ec2:DescribeVpcs", "ec2:DescribeRegions"),
    "servicediscovery:RegisterInstance": (*_RECORDS, "route53:CreateHealthCheck", "ec2:DescribeInstances"),
    "servicediscovery:DeregisterInstance": (*_RECORDS, "route53:DeleteHealthCheck"),
}
"""By action: the others, whatever the request."""
