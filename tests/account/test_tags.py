"""The tag of a run on what it creates."""

from __future__ import annotations

import pytest

from surveyor.account.tags import TAG, add_run_tag

ARN = "arn:aws:servicediscovery:us-east-1:111122223333:namespace/ns-1"


@pytest.mark.parametrize("operation", ["CreateHttpNamespace", "CreateService"])
def test_create_calls_of_cloud_map_carry_the_tag(operation: str) -> None:
    """The tag is added unless the call has tags; other calls are left as they are."""
    tagged = {"Name": "a", "Tags": [{"Key": TAG, "Value": "run"}]}
    assert add_run_tag("servicediscovery", operation, {"Name": "a"}, "run") == tagged
    assert add_run_tag("servicediscovery", operation, tagged, "run") is None
    assert add_run_tag("servicediscovery", "DeleteService", {"Id": "a"}, "run") is None


def test_services_in_another_accounts_namespace_carry_none() -> None:
    """A namespace that is named by its ARN may be shared, where AWS refuses tags at creation."""
    assert add_run_tag("servicediscovery", "CreateService", {"Name": "a", "NamespaceId": ARN}, "run") is None
    assert add_run_tag("servicediscovery", "CreateService", {"Name": "a", "NamespaceId": "ns-1"}, "run")
