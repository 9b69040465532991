"""The word list of `make lint`."""

from __future__ import annotations

import pytest

from tests.wordlist import EXCEPTIONS, REPLACEMENTS, find_words


@pytest.mark.parametrize("word", REPLACEMENTS)
def test_each_word_is_found_with_its_line(word: str) -> None:
    """Every word of the list is reported, in prose and as part of an identifier."""
    prose = f"first line\nwhat {word}share of them" if word.endswith("_") else f"first line\nwhat {word} of them"
    assert [problem.partition(": ")[0] for problem in find_words("src/a.py", prose)] == ["src/a.py:2"]


def test_parts_of_identifiers_are_found() -> None:
    """A word between underscores counts, since names are read as words."""
    assert len(list(find_words("src/a.py", "def _told(): told_of = was_told"))) == 3


@pytest.mark.parametrize("text", ["foretold", "almost_all", "at most five", "cameras", "a so-called many"])
def test_other_words_are_not_found(text: str) -> None:
    """Longer words and other phrases that contain a word of the list are allowed."""
    assert list(find_words("src/a.py", text)) == []


def test_a_phrase_may_wrap_over_a_line() -> None:
    """A phrase is found across a line break."""
    assert len(list(find_words("docs/a.md", "this is to\nbe done"))) == 1


def test_every_exception_has_a_reason() -> None:
    """An exception without a reason cannot be reviewed."""
    assert all(reason for _, _, reason in EXCEPTIONS)


def test_an_excepted_phrase_is_allowed_and_the_word_alone_is_not() -> None:
    """The id of a claim may hold a word of the list; the word elsewhere in the file is reported."""
    text = 'id = "ecs.events.unhealthy-instance-is-told"\n\n# {}\n{}\n'.format("x" * 80, "what was told")
    assert [problem.partition(": ")[0] for problem in find_words("claims/ecs.toml", text)] == ["claims/ecs.toml:4"]
