"""How many discovery calls are answered, and when more are.

The documents give rates, so how much service time the calls took counts: on a clock that stands still it is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import Clock, Inconclusive, MakeService, proves

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@pytest.fixture
def names(make_service: MakeService, http_namespace: dict[str, Any], clock: Clock) -> Iterator[dict[str, Any]]:
    """The names of a service without instances, some seconds after it was made: every bucket is full, and is again."""
    service = make_service(http_namespace)
    clock.wait(10)
    yield {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
    clock.wait(10)


def answered(call: Callable[[], Any], most: int) -> int:
    """How many calls in a row are answered before one raises RequestLimitExceeded; `most` if none does."""
    for count in range(most):
        try:
            call()
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] != "RequestLimitExceeded":
                raise
            return count
    return most


@proves("quotas.discover.bucket")
def test_discover_takes_2000_calls_and_1000_more_a_second(
    cloudmap: ServiceDiscoveryClient, clock: Clock, names: dict[str, Any]
) -> None:
    """From a full bucket 2,000 calls are answered, and 1,000 more for each second that passes; then none are."""
    most, start = 6_000, clock.now()
    first = answered(lambda: cloudmap.discover_instances(**names), most)
    empty = clock.now()
    if first == most and empty - start > 1:
        raise Inconclusive(f"{first / (empty - start):.0f} calls a second do not empty a bucket that gains 1,000")
    assert 2_000 <= first <= 2_000 + 1_000 * (empty - start)
    clock.wait(1)
    more = answered(lambda: cloudmap.discover_instances(**names), most)
    assert 1_000 <= more <= 1_000 * (clock.now() - empty) + 1


@proves("quotas.discover-revision.rate", "errors.request-limit-exceeded")
def test_revision_takes_3000_calls_in_a_second(
    cloudmap: ServiceDiscoveryClient, clock: Clock, names: dict[str, Any]
) -> None:
    """3,000 calls within a second are answered; going on without a pause ends in RequestLimitExceeded."""
    most, start = 12_000, clock.now()
    count = answered(lambda: cloudmap.discover_instances_revision(**names), most)
    passed = clock.now() - start
    if count == most and passed > 1:
        raise Inconclusive(f"{count / passed:.0f} calls a second are fewer than the 3,000 that are allowed")
    assert 3_000 <= count < most
