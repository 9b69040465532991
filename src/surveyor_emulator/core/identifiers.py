"""Formats of account numbers, and the names of Regions."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from pathlib import Path

__all__ = ["is_account", "is_region"]

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")


def is_account(text: str) -> bool:
    """Return whether ``text`` is an account number: 12 digits."""
    return _ACCOUNT.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Return whether ``text`` is the name of a Region of AWS, in any partition, that this version of botocore knows."""
    return text == "us-east-1" or text in _regions()


@functools.cache
def _regions() -> frozenset[str]:
    """Return the names in the list of partitions of the botocore package, which is read without importing botocore."""
    package = importlib.util.find_spec("botocore")
    assert package is not None
    assert package.submodule_search_locations is not None
    path = Path(package.submodule_search_locations[0]) / "data" / "partitions.json"
    partitions = json.loads(path.read_text("utf-8"))["partitions"]
    # Without aws-global and the like, which no signature is scoped to.
    return frozenset(name for partition in partitions for name in partition["regions"] if _REGION.fullmatch(name))
