"""What several files about IAM share."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import is_allowed, timeouts

NOT_YET = ("AccessDenied", "InvalidClientTokenId")
"""What STS answers until it knows a new user, a new role or their policies."""


def allowed_lists(caller):
    """Return which of four list operations the caller may do."""
    cloudmap, ecs = caller("servicediscovery"), caller("ecs")
    calls = {"servicediscovery:ListNamespaces": cloudmap.list_namespaces,
             "servicediscovery:ListServices": cloudmap.list_services,
             "servicediscovery:ListOperations": cloudmap.list_operations,
             "ecs:ListClusters": ecs.list_clusters}  # fmt: skip
    return {action for action, call in calls.items() if is_allowed(call)}


@pytest.fixture
def check_lists(read_until):
    """Check which of four list operations a caller may do, once IAM's changes are in effect."""
    # IAM User Guide, "Changes that I make are not always immediately visible": IAM is eventually consistent.

    def check(caller, expected, about=None):
        assert read_until(lambda: allowed_lists(caller), expected) == expected, about

    return check


@pytest.fixture
def check_allowed(read_until):
    """Check whether calls are allowed, once IAM's changes are in effect."""

    def check(expected, call, *args, **params):
        assert read_until(lambda: is_allowed(call, *args, **params), expected) is expected, (args, params)

    return check


@pytest.fixture
def assume(make_user, client_with, unique_name, eventually):
    """Assume a role, as a user who may do everything unless `by` is another caller; return a client factory.

    `at_once`: without waiting until IAM's changes are in effect.
    """
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    users = SimpleNamespace(everything=None)

    def attempt(call):
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_YET:
                raise
            return None

    def assume_role(role, by=None, at_once=False, **params):
        params.setdefault("RoleSessionName", unique_name("session")[-64:])
        if by is None:
            by = users.everything = users.everything or make_user(everything)
        sts = by("sts")
        if at_once:
            return client_with(sts.assume_role(RoleArn=role, **params)["Credentials"])
        response = eventually(lambda: attempt(lambda: sts.assume_role(RoleArn=role, **params)), within=timeouts.READS)
        return client_with(response["Credentials"])

    return assume_role


@pytest.fixture
def check_assumed(assume, check_allowed):
    """Check whether a caller may assume a role, once IAM's changes are in effect."""

    def check(expected, role, by, **params):
        check_allowed(expected, assume, role, by=by, at_once=True, **params)

    return check
