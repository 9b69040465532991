"""Buckets of a run are found without a ledger and deleted with what is in them; those of others are left alone."""

from __future__ import annotations

import pytest

from surveyor.account.ledger import Resource
from surveyor.account.marked import find_marked
from surveyor.account.ownership import NotOwned, Ownership
from surveyor.account.removal import delete_resources
from surveyor.targets.running import reach_target
from tests.account.conftest import ACCOUNT, EmulatorAccount

RUN, REGION = "0123abcd", "us-east-1"
OWN, FOREIGN = f"surveyor-{RUN}-mailbox-0123456f", "surveyors-photographs"
LIKE_OWN = f"surveyor-{RUN}-photographs"


@pytest.mark.soak
def test_buckets_are_found_and_deleted(emulator: EmulatorAccount) -> None:
    """By the whole name of a mailbox, not by its prefix alone; a bucket that is gone counts as deleted."""
    clients = emulator.clients()
    s3 = clients.client("s3", ACCOUNT)
    for bucket in (OWN, FOREIGN, LIKE_OWN):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="1/answer/1", Body=b"x")
    found = [marked for marked in find_marked(clients.patient, REGION).found if marked.operation == "s3:CreateBucket"]
    assert [(marked.run, marked.id, str(marked)) for marked in found] == [(RUN, OWN, f"bucket {OWN}")]
    with reach_target(emulator.target(), 7) as running:
        for resource in (found[0].resource(), Resource(1, "s3:CreateBucket", REGION, {"Bucket": OWN}, (f"/{OWN}",))):
            result = delete_resources([resource], running.account(RUN))
            assert (len(result.deleted), result.remaining) == (1, {})
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == {FOREIGN, LIKE_OWN}
    for bucket in (FOREIGN, LIKE_OWN):
        s3.delete_object(Bucket=bucket, Key="1/answer/1")
        s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("operation", ["PutObject", "DeleteObject", "DeleteBucket", "CreateBucket"])
def test_buckets_of_others_are_not_changed(operation: str) -> None:
    """A call about a bucket without the run's prefix is not sent."""
    ownership = Ownership(RUN)
    ownership.check("s3", operation, {"Bucket": OWN}, ("Bucket", "Key"))
    with pytest.raises(NotOwned, match="may belong to others"):
        ownership.check("s3", operation, {"Bucket": FOREIGN}, ("Bucket", "Key"))
