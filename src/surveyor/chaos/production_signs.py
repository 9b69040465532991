"""What says that a cluster or a service is production: its name, or its tags.

The words are those that AWS shows for the environment of a resource (Tagging Best Practices whitepaper, `prod` and
`production`), and `live`. They count as words of their own, divided by anything but letters or by capitals; after
`non`, `not` or `pre` they do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from surveyor.visible_text import one_line

__all__ = ["production_signs"]

_SAYING = frozenset({"prod", "production", "live"})
_DENYING = frozenset({"non", "not", "pre"})
_NO = frozenset({"false", "no", "0", "off"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def production_signs(kind: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Yield what says that this cluster or service (`kind`) is production, each as text for people."""
    if _says_production(name):
        yield f"the name of the {kind} {one_line(name)}"
    for key, value in sorted(tags.items()):
        if key.startswith("surveyor:"):
            continue
        if _says_production(value) or (_says_production(key) and value.strip().lower() not in _NO):
            yield f"the tag {one_line(key)}={one_line(value)} of the {kind} {one_line(name)}"


def _says_production(text: str) -> bool:
    words = [word.lower() for word in _WORD.findall(text)]
    return any(
        word in _SAYING and (not number or words[number - 1] not in _DENYING) for number, word in enumerate(words)
    )
