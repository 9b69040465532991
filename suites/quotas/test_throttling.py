"""Request quotas of discovery calls.

The documents give rates, so the service time that the calls took counts: on a clock that is advanced it is zero.
"""

import pytest

from surveyor.testing import Inconclusive, for_each, proves

RATES = {"discover_instances": 1_000, "discover_instances_revision": 3_000}
CALLS = {"discover_instances": 6_000, "discover_instances_revision": 12_000}
"""Calls that exhaust a bucket unless they are slower than it is refilled."""


@pytest.fixture
def names(make_service, http_namespace, clock):
    """Return the names of a service without instances; wait before and after the test until every bucket is full."""
    service = make_service(http_namespace)
    clock.wait(10)
    yield {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
    clock.wait(10)


@pytest.fixture
def exhaust(clock, count_answered):
    """Return `exhaust(client, operation, names)`: the calls answered before one raises RequestLimitExceeded."""

    def count(client, operation, names):
        start = clock.now()
        answered, code = count_answered(client, operation, names, CALLS[operation])
        passed = clock.now() - start
        if not code and passed > 1:
            rate = answered / passed
            raise Inconclusive(f"{rate:.0f} calls a second do not empty a bucket that refills by {RATES[operation]}")
        assert code == "RequestLimitExceeded"
        return answered

    return count


@proves("quotas.discover.bucket", "errors.request-limit-exceeded")
def test_discover_takes_2000_calls_and_1000_more_a_second(cloudmap, clock, names, exhaust):
    """From a full bucket 2,000 calls are answered, plus 1,000 for each second that passes, and no more."""
    # Cloud Map Developer Guide, throttling: "If the bucket is at capacity when refill tokens arrive, then these tokens
    # are discarded."
    operation, start = "discover_instances", clock.now()
    first = exhaust(cloudmap, operation, names)
    empty = clock.now()
    assert 2_000 <= first <= 2_000 + 1_000 * (empty - start)
    for waited in (0.5, 1, 1.5):
        clock.wait(waited)
        more = exhaust(cloudmap, operation, names)
        passed, empty = clock.now() - empty, clock.now()
        assert int(1_000 * waited) <= more <= 1_000 * passed + 1
    clock.wait(10)  # five times as long as it takes to fill the bucket
    full = clock.now()
    assert 2_000 <= exhaust(cloudmap, operation, names) <= 2_000 + 1_000 * (clock.now() - full) + 1


@proves("quotas.discover-revision.rate", "errors.request-limit-exceeded")
def test_revision_takes_3000_calls_in_a_second(cloudmap, clock, names, exhaust):
    """3,000 calls within a second are answered, further ones refused; a second later 3,000 more are answered."""
    operation = "discover_instances_revision"
    assert exhaust(cloudmap, operation, names) >= 3_000
    empty = clock.now()
    for waited in (0.5, 1):
        clock.wait(waited)
        more = exhaust(cloudmap, operation, names)
        passed, empty = clock.now() - empty, clock.now()
        # Whatever the size of the bucket is, it was empty.
        assert int(3_000 * waited) <= more <= 3_000 * passed + 1


@proves("quotas.throttling-is-by-operation")
@for_each("throttled, other", [tuple(RATES), tuple(RATES)[::-1]])
def test_exhausted_operation_leaves_others(
    cloudmap, clock, names, exhaust, count_answered, http_namespace, throttled, other
):
    """While one discovery operation is throttled, the other and those of the control plane are answered."""
    exhaust(cloudmap, throttled, names)
    by_id = {"Id": http_namespace["Id"]}
    for operation, params in ((other, names), ("list_namespaces", {}), ("get_namespace", by_id)):
        assert count_answered(cloudmap, operation, params, 5) == (5, "")


@proves("quotas.throttling-is-by-region")
@for_each("operation", list(RATES))
def test_exhausted_region_leaves_others(cloudmap, client, unique_name, names, exhaust, count_answered, operation):
    """While an operation is throttled in one Region, it is answered in another."""
    # Cloud Map Developer Guide, throttling: "There is one bucket for a single Region"
    region = "eu-west-1" if cloudmap.meta.region_name != "eu-west-1" else "us-east-1"
    elsewhere = client("servicediscovery", region)
    unknown = dict.fromkeys(names, unique_name("ns"))
    exhaust(cloudmap, operation, names)
    assert count_answered(elsewhere, operation, unknown, 1) == (0, "NamespaceNotFound")


@proves("quotas.throttling-is-by-account")
@for_each("operation", list(RATES))
def test_exhausted_account_leaves_others(
    cloudmap, consumer_client, unique_name, names, exhaust, count_answered, operation
):
    """While an operation is throttled in one account, it is answered in another."""
    # Cloud Map Developer Guide, throttling: "throttles DiscoverInstances API requests for each AWS account"
    unknown = dict.fromkeys(names, unique_name("ns"))
    exhaust(cloudmap, operation, names)
    assert count_answered(consumer_client("servicediscovery"), operation, unknown, 1) == (0, "NamespaceNotFound")
