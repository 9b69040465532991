"""The reference of fixtures, docs/fixtures.md."""

from __future__ import annotations

import pytest

from tests.fixture_reference import REFERENCE, Fixture, describe, find_fixtures, main

MODULE = '''
"""Things. More about them."""

from surveyor.clock import Clock

@pytest.fixture
def make_thing(cloudmap: Client) -> Iterator[Callable[..., Thing]]:
    """Create a thing; delete it after the test."""
    created = []

    def make(name: str, *, size: int = 1, **params: Any) -> Thing:
        """Use `params` as in CreateThing.

        `size`: in metres.
        """

    yield make
    created.clear()

@pytest.fixture
def client_of(account: str) -> Callable[..., Any]:
    """Return a client."""

    def make_client(service: str) -> Any:
        return None

    return make_client

@pytest.fixture
def wait(clock: Clock) -> Callable[..., None]:
    """Wait."""
    return clock.wait

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
    for call in (
        "cloudmap",
        "unique_name(prefix='t') -> str",
        "register_all(service, instances) -> list[str]",
        "clock",
    ):
        assert f"- `{call}`" in text


def test_a_fixture_that_is_a_function_is_shown_as_a_call() -> None:
    """The parameters and the docstring are those of the function that it returns or yields; its docstring is first."""
    make_thing, client_of, wait, thing = find_fixtures(MODULE)
    sentences = "Create a thing; delete it after the test. Use `params` as in CreateThing. `size`: in metres."
    assert make_thing == Fixture("make_thing(name, *, size=1, **params) -> Thing", "", sentences)
    assert client_of == Fixture("client_of(service)", "", "Return a client.")
    assert wait == Fixture("wait(seconds)", "", "Wait. Return when `seconds` of service time have passed.")
    assert thing == Fixture("thing", "session, `dict[str, Any]`", "Return the thing.")


def test_a_section_lists_the_fixtures_of_a_module() -> None:
    """One item for each fixture, under the title."""
    fixtures = [Fixture("thing", "`int`", "Return it."), Fixture("make_thing() -> int", "", "Make it.")]
    assert describe("Things", fixtures) == (
        "## Things\n\n- `thing` (`int`): Return it.\n- `make_thing() -> int`: Make it.\n"
    )
