"""The Region of a run: from the command line, a variable, the profile, or the target file, in this order."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any, Literal

from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.targets.model import Target

__all__ = ["Use", "with_region"]

Use = Literal["create", "read", "describe"]
"""What a command does in the Region: only what creates something is bound to the target file's list of Regions.

What describes a target calls nothing, and follows no setting of the user.
"""

_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-\d{1,2}")
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def with_region(target: Target, given: str | None, use: Use) -> Target:
    """Return the target in the Region that was chosen. Raises UsageError, before any call."""
    is_account = target.start is None and target.credentials.kind != "per-test"
    where = "--region"
    if given is None and is_account and use != "describe":
        from surveyor.targets.aws_settings import configured_region  # botocore is slow to load

        given, where = configured_region(target.credentials.profile) or (None, where)
    if given is None:
        return target
    by = "" if where == "--region" else f" ({where})"
    if not (_REGION if is_account else _HOST_LABEL).fullmatch(given):
        raise UsageError(f"{where}: expected a Region such as eu-west-1, got {given[:80]!r}{_near(given, target)}")
    if use == "create" and target.regions and given not in target.regions:
        cure = "choose one with --region, or " if by else ""
        raise UsageError(
            f"{target.name} may be tested in {', '.join(target.regions)}, not in {given[:80]}{by}: {cure}add it to "
            f"`regions` of its target file"
        )
    if is_account and target.endpoint is None and given not in target.regions and given not in _known_regions():
        raise UsageError(f"{where}: AWS has no Region {given!r}{nearest(given, _known_regions()) or _newer(target)}")
    return replace(target, region=given)


def _near(given: str, target: Target) -> str:
    return nearest(given[:80].lower(), target.regions or ("us-east-1", "eu-west-1", "ap-southeast-2"))


@cache
def _known_regions() -> list[str]:
    """Return the Regions of all partitions that botocore knows."""
    from botocore.session import Session

    session: Any = Session()
    partitions = session.get_available_partitions()
    return [region for name in partitions for region in session.get_available_regions("ec2", name)]


def _newer(target: Target) -> str:
    where = target.file.name if target.file else "a target file"
    return f", or it is newer than the installed botocore: add it to `regions` in {where}"
