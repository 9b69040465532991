"""An emulator at a bare URL may have a single account, whatever the key of the caller."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from surveyor.errors import NotOffered
from surveyor.targets.clients import Clients
from surveyor.targets.features import PROBING_ACCOUNT, only_account


def _answering(answer: Any) -> Clients:
    def get_caller_identity() -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    sts = SimpleNamespace(get_caller_identity=get_caller_identity)
    return cast(Clients, SimpleNamespace(client=lambda service, account: sts))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"Account": "123456789012"}, "123456789012"),
        ({"Account": PROBING_ACCOUNT}, ""),
        ({}, ""),
        ({"Account": "\x1b[2J"}, ""),
        (NotOffered("sts", "GetCallerIdentity", "501"), ""),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetCallerIdentity"), ""),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), ""),
    ],
)
def test_the_only_account_is_that_of_a_caller_with_another_key(answer: Any, expected: str) -> None:
    """What is no account, and an answer that is an error, say nothing."""
    assert only_account(_answering(answer)) == expected
