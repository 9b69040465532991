"""What several files about IAM share."""

import pytest


@pytest.fixture
def assume(make_user, client_with, unique_name):
    """Assume a role, as a user who may do everything unless `by` is another caller; return a client factory."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}

    def assume_role(role, by=None, **params):
        params.setdefault("RoleSessionName", unique_name("session")[-64:])
        response = (by or make_user(everything))("sts").assume_role(RoleArn=role, **params)
        return client_with(response["Credentials"])

    return assume_role
