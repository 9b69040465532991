"""Make text from a target safe to show: nothing in it may control a terminal, a parser or the order of characters."""

from __future__ import annotations

import json
import re

from surveyor.secret_values import blank

__all__ = ["cut", "escape_in_json", "one_line", "toml_string", "visible"]

# Controls except tab and line feed, surrogates, non-characters, and characters that reorder or hide text.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Return `text` with each hidden character replaced by its escape, `\\x1b` or `\\u202e`."""
    return text if _is_plain(text) else _HIDDEN.sub(lambda found: _escape(ord(found[0])), text)


def escape_in_json(text: str) -> str:
    """Return a JSON text with each hidden character in its strings as an escape of JSON, which means the same."""
    return text if _is_plain(text) else _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def toml_string(text: str) -> str:
    """Return a text as a string of TOML: that of JSON, with hidden characters as escapes and no half of a pair."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _HIDDEN.sub(lambda found: f"\\U{ord(found[0]):08x}", json.dumps(whole, ensure_ascii=False))


def one_line(text: str, max_length: int = 600) -> str:
    """Return the words of `text` on one line, without secrets, cut after `max_length` characters."""
    return cut(visible(" ".join(blank(text).split())), max_length)


def cut(text: str, max_length: int) -> str:
    """Return `text`, or its beginning with the full length if it is longer than `max_length`."""
    return text if len(text) <= max_length else f"{text[:max_length]}… ({len(text)} characters)"


def _is_plain(text: str) -> bool:
    """Return whether there is nothing in a text but ASCII without controls: most are, and the search takes longer."""
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
