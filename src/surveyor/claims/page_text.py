"""Read the text of a saved page of a guide: Markdown, HTML or plain text, without markup, entities and white space.

Two copies of a page differ in all of these, depending on how they were saved. `compact` leaves what they share.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser
from pathlib import Path

from markdown_it import MarkdownIt

from surveyor.errors import UsageError
from surveyor.input_files import read_bytes

__all__ = ["EXTENSIONS", "PageError", "PageText", "compact", "cut", "parse_page", "read_page", "similarity"]

EXTENSIONS = (".md", ".html", ".htm", ".txt")
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "caption", "dd", "details", "div", "dl", "dt", "figure",
    "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section",
    "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
}  # fmt: skip
_PAIRS = (("<", ">"), ("<!--", "-->"), ("<![", "]>"))
_MAX_UNCLOSED = 20
"""How often something that is never closed may begin: the parser searches its end to the end of the page each time."""

_CELLS = {"td", "th"}
_HIDDEN = {"noscript", "script", "style", "template"}
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])")
_TYPOGRAPHY = {
    **dict.fromkeys(map(ord, "\u2018\u2019"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d"), '"'),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2013\u2014\u2212"), "-"),
    **dict.fromkeys(map(ord, "\u200b\ufeff\u00ad")),  # zero-width space, byte order mark, soft hyphen
}


class PageError(Exception):
    """A saved file is not a page: it is empty, binary or cannot be read."""


@dataclass(frozen=True)
class PageText:
    """The words of a page: its first heading (or title), and its paragraphs, list items and rows in order."""

    title: str
    blocks: tuple[str, ...]

    def contains(self, extract: str) -> bool:
        """Return whether the page has these words in this order, whatever its markup and white space."""
        return compact(extract) in compact("".join(self.blocks))

    def nearest(self, extract: str) -> str:
        """Return the sentence, or row of a table, that has words most like `extract`; "" if none is like it."""
        length, words = len(extract.split()), Counter(extract.lower().split())
        found, nearest = 0.5, ""  # below it, sentences share no more than common words
        for sentence in (sentence for block in self.blocks for sentence in _SENTENCE.split(block)):
            shared = (words & Counter(sentence.lower().split())).total()
            if shared * 2 >= length and (likeness := similarity(extract, cut(sentence, extract, length + 2))) > found:
                found, nearest = likeness, sentence
        return nearest


def read_page(path: Path) -> PageText:
    """Return the text of a saved page.

    Raise PageError if the file is empty or binary, or cannot be read.
    """
    try:
        content = read_bytes(path)
    except UsageError as error:
        raise PageError(str(error).removeprefix(f"{path}: ").removeprefix("cannot be read: it ")) from None
    if not content.strip():
        raise PageError("is empty")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PageError("is not text in UTF-8") from None
    if "\0" in text:
        raise PageError("is not text in UTF-8")
    if any(text[max(0, text.rfind(end)) :].count(begin) > _MAX_UNCLOSED for begin, end in _PAIRS):
        raise PageError("has tags that are not closed")
    page = parse_page(text, path.suffix)
    if not page.blocks:
        raise PageError("has no words")
    return page


def parse_page(text: str, extension: str) -> PageText:
    """Return the words of a page; a file that begins like HTML is HTML, whatever its extension."""
    looks_like_html = re.match(r"\s*(<!doctype|<html|<\?xml)", text, re.IGNORECASE)
    if extension == ".txt" and not looks_like_html:
        blocks = tuple(" ".join(block.split()) for block in re.split(r"\n\s*\n", text) if block.strip())
        return PageText(blocks[0] if blocks else "", blocks)
    if extension == ".md" and not looks_like_html:
        text = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.page()


def compact(text: str) -> str:
    """Return the text without white space, and with plain quotation marks and dashes."""
    plain = unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHY))
    return "".join(plain.replace("{{", "").replace("}}", "").split())  # AWS marks {{placeholders}} in Markdown only


def similarity(one: str, other: str) -> float:
    """Return how much of two texts is equal, word by word: 0 to 1."""
    return SequenceMatcher(None, one.lower().split(), other.lower().split(), autojunk=False).ratio()


def cut(sentence: str, like: str, words: int) -> str:
    """Return the part of `sentence` with at most that number of words that is most similar to `like`."""
    parts = sentence.split()
    starts = range(max(1, len(parts) - words + 1))
    return max((" ".join(parts[start : start + words]) for start in starts), key=lambda part: similarity(like, part))


class _Parser(HTMLParser):
    """Collect the text of each block; `h1` and `title` are also kept for the title of the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[str] = []
        self._words: list[str] = []
        self._hidden = 0
        self._heading = ""
        self._titles: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _CELLS:
            self._words.append(" ")
        elif tag in _BLOCKS:
            self._end_block()
            self._heading = tag

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)

    def page(self) -> PageText:
        self._end_block()
        title = self._titles.get("h1") or self._titles.get("title") or ""
        return PageText(title, tuple(self._blocks))

    def _end_block(self) -> None:
        block = " ".join("".join(self._words).split())
        if block:
            self._titles.setdefault(self._heading, block)
            self._blocks.append(block)
        self._words, self._heading = [], ""
