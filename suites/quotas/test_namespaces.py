"""Quotas of namespaces."""

from surveyor.testing import Inconclusive, proves, raises


@proves("quotas.fifty-namespaces-a-region")
def test_fifty_first_namespace_is_refused(cloudmap, client, wait_for_success, unique_name, vpc, beyond_quota):
    """The 50th namespace of a Region is accepted, the 51st raises ResourceLimitExceeded; other Regions accept more."""
    pages = cloudmap.get_paginator("list_namespaces").paginate()
    count = sum(len(page["Namespaces"]) for page in pages)
    if count >= 50:
        raise Inconclusive(
            f"the account has {count} namespaces in this Region already, so its quota is used up or was raised"
        )
    creations = [  # each with another name: a creation in progress blocks its name
        lambda: cloudmap.create_public_dns_namespace(Name=f"{unique_name('ns')}.surveyor.test"),
        lambda: cloudmap.create_private_dns_namespace(Name=f"{unique_name('ns')}.surveyor.test", Vpc=vpc),
        *[lambda: cloudmap.create_http_namespace(Name=unique_name("ns"))] * 48,
    ]
    for answer in [create() for create in creations[: 50 - count]]:
        wait_for_success(answer)
    for _ in range(2):
        with raises("ResourceLimitExceeded"), beyond_quota():
            cloudmap.create_http_namespace(Name=unique_name("ns"))
    elsewhere = "eu-west-1" if cloudmap.meta.region_name != "eu-west-1" else "us-east-1"
    assert client("servicediscovery", elsewhere).create_http_namespace(Name=unique_name("ns"))["OperationId"]
