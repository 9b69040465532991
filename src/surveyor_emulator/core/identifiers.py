"""Formats of account and region names."""

from __future__ import annotations

import re

__all__ = ["is_account", "is_region"]

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")


def is_account(text: str) -> bool:
    """Return whether ``text`` is an account number: 12 digits."""
    return _ACCOUNT.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Return whether ``text`` looks like a region: ``us-east-1``, ``us-gov-west-1``, ``us-iso-east-1``."""
    return _REGION.fullmatch(text) is not None
