"""The condition keys of changes of records (Route 53 Developer Guide, fine-grained access control)."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor_emulator.aws.route53.permissions import permission_requests
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import Call, World

KEY = "route53:ChangeResourceRecordSets"


def keys_of(*changes: tuple[str, str, str]) -> dict[str, tuple[str, ...]]:
    """Return the condition keys of a request with these actions, names and types."""
    world = World(Settings(), Clock(start=1_000_000.0, scale=None))
    call = Call(world, "111111111111", "us-east-1", "arn:aws:iam::111111111111:user/a", "route53",
                "ChangeResourceRecordSets")  # fmt: skip
    batch: list[dict[str, Any]] = [
        {"Action": action, "ResourceRecordSet": {"Name": name, "Type": kind}} for action, name, kind in changes
    ]
    [request] = permission_requests(call, {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": batch}})
    return dict(request.keys)


@pytest.mark.parametrize(
    ("name", "normalized"),
    [
        ("Web.Example.TEST.", "web.example.test"),
        ("web.example.test", "web.example.test"),
        ("*.example.test", r"\052.example.test"),
        ("a b.test", "a b.test"),
    ],
)
def test_names_of_records_are_normalized(name: str, normalized: str) -> None:
    """Lower case, without the last dot, other characters as octal escapes."""
    assert keys_of(("UPSERT", name, "A"))[f"{KEY}NormalizedRecordNames"] == (normalized,)


def test_all_changes_count() -> None:
    """Each value of the request once."""
    assert keys_of(("CREATE", "a.test", "A"), ("DELETE", "b.test", "A")) == {
        f"{KEY}NormalizedRecordNames": ("a.test", "b.test"),
        f"{KEY}RecordTypes": ("A",),
        f"{KEY}Actions": ("CREATE", "DELETE"),
    }
