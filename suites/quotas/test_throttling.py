"""Request quotas of discovery calls.

The documents give rates, so the service time that the calls took counts: on a clock that is advanced it is zero.
"""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import Inconclusive, proves


@pytest.fixture
def names(make_service, http_namespace, clock):
    """Return the names of a service without instances; wait before and after the test until every bucket is full."""
    service = make_service(http_namespace)
    clock.wait(10)
    yield {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
    clock.wait(10)


def count_answered(call, maximum):
    """Return how many calls in a row are answered before one raises RequestLimitExceeded; `maximum` if none does."""
    for count in range(maximum):
        try:
            call()
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] != "RequestLimitExceeded":
                raise
            return count
    return maximum


@proves("quotas.discover.bucket")
def test_discover_takes_2000_calls_and_1000_more_a_second(cloudmap, clock, names):
    """From a full bucket 2,000 calls are answered, plus 1,000 for each second that passes, and no more."""
    maximum, start = 6_000, clock.now()
    first = count_answered(lambda: cloudmap.discover_instances(**names), maximum)
    empty = clock.now()
    if first == maximum and empty - start > 1:
        raise Inconclusive(f"{first / (empty - start):.0f} calls a second do not empty a bucket that refills by 1,000")
    assert 2_000 <= first <= 2_000 + 1_000 * (empty - start)
    clock.wait(1)
    more = count_answered(lambda: cloudmap.discover_instances(**names), maximum)
    assert 1_000 <= more <= 1_000 * (clock.now() - empty) + 1


@proves("quotas.discover-revision.rate", "errors.request-limit-exceeded")
def test_revision_takes_3000_calls_in_a_second(cloudmap, clock, names):
    """3,000 calls within a second are answered; further calls without a pause raise RequestLimitExceeded."""
    maximum, start = 12_000, clock.now()
    count = count_answered(lambda: cloudmap.discover_instances_revision(**names), maximum)
    passed = clock.now() - start
    if count == maximum and passed > 1:
        raise Inconclusive(f"{count / passed:.0f} calls a second are fewer than the 3,000 that are allowed")
    assert 3_000 <= count < maximum
