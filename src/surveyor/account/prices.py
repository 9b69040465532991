"""What AWS asks for what suites create: list prices of the Regions in the United States, in dollars.

One table, with the source of each price, how parts of a month or an hour are billed, and when it was read. Prices
limit a run and do not check a bill. Where no document says how parts are billed, the expected cost is by time, and the
worst case a whole month.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ALARM",
    "CALL_PRICES",
    "CERTIFICATE_AUTHORITY",
    "FARGATE_TASK",
    "HEALTH_CHECK",
    "HOSTED_ZONE",
    "INSTANCE",
    "LOAD_BALANCER",
    "PRICES_READ",
    "RESOLVER_ENDPOINT",
    "T3_NANO",
    "Price",
    "expected_dollars",
]

PRICES_READ = "2026-11-28"
"""When the table was read."""

_HOURS_OF_MONTH = 730.0
_HOUR = 3_600.0


@dataclass(frozen=True)
class Price:
    """The price of one resource: dollars of a month, and how less than a month is billed.

    `free`: seconds after which it is billed at all; `at_least`: seconds that are billed for less. A resource that is
    not `divided` is billed for a whole month once it is billed. `parts` says what documents say about it.
    """

    name: str
    month: float
    source: str
    parts: str
    free: float = 0.0
    at_least: float = 0.0
    divided: bool = True


def expected_dollars(price: Price, seconds: float) -> float:
    """Return what one resource costs that stands for these seconds."""
    if seconds <= price.free:
        return 0.0
    if not price.divided:
        return price.month
    return price.month / _HOURS_OF_MONTH * max(seconds, price.at_least) / _HOUR


INSTANCE = Price(
    "instance", 0.10, "aws.amazon.com/cloud-map/pricing", "no document says how parts of a month are billed"
)
HOSTED_ZONE = Price(
    "hosted zone",
    0.50,
    "aws.amazon.com/route53/pricing; Route 53 Developer Guide, I was billed twice for the same hosted zone",
    "nothing if it is deleted within 12 hours, then a whole month, not prorated",
    free=12 * _HOUR,
    divided=False,
)
HEALTH_CHECK = Price(
    "health check",
    0.75,  # of an endpoint outside AWS, the dearer kind
    "aws.amazon.com/route53/pricing",
    "no document says how parts of a month are billed",
)
FARGATE_TASK = Price(
    "task",
    # A quarter of a vCPU, half a GB and a public IPv4 address, which a task in a public subnet has.
    (0.25 * 0.04048 + 0.5 * 0.004445 + 0.005) * _HOURS_OF_MONTH,
    "aws.amazon.com/fargate/pricing, aws.amazon.com/vpc/pricing",
    "by the second, at least a minute",
    at_least=60.0,
)
T3_NANO = Price(
    "EC2 instance",
    0.0052 * _HOURS_OF_MONTH,
    "aws.amazon.com/ec2/pricing/on-demand",
    "by the second, at least a minute",
    at_least=60.0,
)
LOAD_BALANCER = Price(
    "load balancer",
    (0.0225 + 0.008) * _HOURS_OF_MONTH,  # with one capacity unit
    "aws.amazon.com/elasticloadbalancing/pricing",
    "each hour that has begun",
    at_least=_HOUR,
)
ALARM = Price(
    "alarm",
    0.10,  # of one metric, at standard resolution
    "aws.amazon.com/cloudwatch/pricing",
    "prorated by the hour",
    at_least=_HOUR,
)
CERTIFICATE_AUTHORITY = Price(
    "certificate authority",
    50.0,  # in the short-lived mode
    "aws.amazon.com/private-ca/pricing",
    "prorated for partial months",
)

RESOLVER_ENDPOINT = Price(
    "Resolver endpoint",
    2 * 0.125 * _HOURS_OF_MONTH,  # of each of its network interfaces, of which the suites' have two
    "aws.amazon.com/route53/pricing",
    "no document says how parts of an hour are billed",
    at_least=_HOUR,
)

CALL_PRICES = {
    "servicediscovery:DiscoverInstances": 1e-6,  # aws.amazon.com/cloud-map/pricing
    "servicediscovery:DiscoverInstancesRevision": 1e-6,
    "cloudwatch:GetMetricData": 1e-5,  # aws.amazon.com/cloudwatch/pricing, for each metric
}
"""Dollars of one call. The calls of other operations cost nothing."""
