"""The reference of fixtures, docs/fixtures.md."""

from __future__ import annotations

import pytest

from tests.fixture_reference import REFERENCE, Fixture, describe, find_fixtures, main

MODULE = '''
"""Things. More about them."""

class MakeThing(Protocol):
    """Create a thing."""

    def __call__(self, name: str, *, size: int = 1, **params: Any) -> Thing:
        """`make_thing(name, *, size=1, **params)`.

        `size`: in metres.
        """

@pytest.fixture
def make_thing(cloudmap: Client) -> Iterator[MakeThing]:
    """Create things."""

@pytest.fixture(scope="session")
def thing() -> dict[str, Any]:
    """Return
    the thing."""

@pytest.fixture
def _internal() -> int:
    """Return a number."""

def helper() -> int:
    """Return a number."""
'''


def test_the_reference_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/fixtures.md is what the docstrings say now."""
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_it_lists_the_fixtures_that_suites_use() -> None:
    """The fixtures that every suite begins with are there, with their parameters."""
    text = REFERENCE.read_text(encoding="utf-8")
    for call in ("cloudmap", "unique_name(prefix='t')", "register(service, instance_id, attributes)", "clock"):
        assert f"- `{call}` (" in text


def test_a_fixture_that_returns_a_function_is_described_by_its_protocol() -> None:
    """Its parameters have no types, and its sentences are those of the protocol and of its call."""
    make_thing, thing = find_fixtures(MODULE)
    assert make_thing == Fixture(
        "make_thing(name, *, size=1, **params)", "`MakeThing`", "Create a thing. `size`: in metres."
    )
    assert thing == Fixture("thing", "session, `dict[str, Any]`", "Return the thing.")


def test_a_section_lists_the_fixtures_of_a_module() -> None:
    """One item for each fixture, under the title."""
    assert (
        describe("Things", [Fixture("thing", "`int`", "Return it.")]) == "## Things\n\n- `thing` (`int`): Return it.\n"
    )
