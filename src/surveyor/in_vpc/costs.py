"""What the task of a command costs beside the command itself: list prices, read when surveyor.account.prices was."""

from __future__ import annotations

from surveyor.in_vpc.conversation import HEARTBEAT

__all__ = ["CALLS", "MINUTES", "hourly_dollars"]

CALLS = 30
"""Calls that start the task and delete what it needs: those of an ordinary run on the profile `staging`."""

MINUTES = 4.0
"""Start of a Fargate task, installation of the packages, and deletion of groups whose interface is gone."""

_VCPU, _GB, _ADDRESS = 0.04048, 0.004445, 0.005
"""Dollars an hour (aws.amazon.com/fargate/pricing, aws.amazon.com/vpc/pricing)."""

_PUT, _GET = 5e-6, 4e-7
"""Dollars of a request (aws.amazon.com/s3/pricing, S3 Standard)."""

_MESSAGES = 3_600.0 / 2
"""Messages with output or files in an hour: a command that prints all the time has one in two seconds."""

_LOOKS = 2 * 3_600.0 * 2
"""Requests of both sides that look for a message."""


def hourly_dollars(cpus: int) -> float:
    """Return what an hour of the task costs, with a public address and the requests to S3."""
    puts = 2 * _MESSAGES + 3_600.0 / HEARTBEAT
    return cpus * (_VCPU + 2 * _GB) + _ADDRESS + puts * _PUT + _LOOKS * _GET
