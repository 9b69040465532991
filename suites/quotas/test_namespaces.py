"""Quotas of namespaces, and of services in a namespace."""

from surveyor.testing import Inconclusive, proves, raises


@proves("quotas.fifty-namespaces-a-region")
def test_fifty_first_namespace_is_refused(cloudmap, client, wait_for_success, unique_name):
    """The 50th namespace of a Region is accepted, the 51st raises ResourceLimitExceeded; other Regions accept more."""
    pages = cloudmap.get_paginator("list_namespaces").paginate()
    count = sum(len(page["Namespaces"]) for page in pages)
    if count >= 50:
        raise Inconclusive(
            f"the account has {count} namespaces in this Region already, so its quota is used up or was raised"
        )
    for answer in [cloudmap.create_http_namespace(Name=unique_name("ns")) for _ in range(50 - count)]:
        wait_for_success(answer)
    with raises("ResourceLimitExceeded"):
        cloudmap.create_http_namespace(Name=unique_name("ns"))
    elsewhere = "eu-west-1" if cloudmap.meta.region_name != "eu-west-1" else "us-east-1"
    assert client("servicediscovery", elsewhere).create_http_namespace(Name=unique_name("ns"))["OperationId"]
