"""Makes text that a target sent fit to be shown: nothing in it may steer a terminal, a parser or a reader's eye."""

from __future__ import annotations

import re

__all__ = ["cut", "one_line", "visible"]

# Controls but tab and line feed, surrogates, non-characters, and what reorders or hides the text around it.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """`text` with each character that is not shown as itself written as its escape, `\\x1b` or `\\u202e`."""
    return _UNSEEN.sub(lambda found: _escape(ord(found[0])), text)


def one_line(text: str, longest: int = 600) -> str:
    """The words of `text` on one line of at most `longest` characters."""
    return cut(visible(" ".join(text.split())), longest)


def cut(text: str, longest: int) -> str:
    """`text`, or its beginning and how long it was."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
