"""Coverage: which claims are proven, which say why not, which do neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.claims import Area, Claim, Claims, ClaimsError, Level, Reason, Source, Unproven
from surveyor.claims.coverage import cover
from surveyor.claims.model import Place, SourceKind
from surveyor.claims.proofs import find_proofs

PLACE = Place(Path("claims/x.toml"), 1)


def claim(id_: str, reason: Reason | None = None, operations: tuple[str, ...] = (), source: str = "s/Shape") -> Claim:
    """A claim that is about `operations` and says `reason` for not being proven."""
    unproven = Unproven(reason, "Needs it.") if reason else None
    return Claim(
        id_, "Says.", Level.MUST, Source(SourceKind.MODEL, source), PLACE, (), operations, (), "Look.", unproven
    )


def test_counts_what_stands_how() -> None:
    """Proven, waiting with a reason, open, torn and unknown are told apart by area and by operation."""
    book = Claims((
        Area("a", "A", (claim("a.proven", operations=("Get",)), claim("a.open"), claim("a.torn", Reason.CLIENT))),
        Area("b", "B", (claim("b.waits", Reason.LATER, source="servicediscovery/Put"),)),
    ))  # fmt: skip
    found = cover(book, {"a.proven": ("t1", "t2"), "a.torn": ("t1",), "a.opne": ("t3",)}, ("Delete", "Get", "Put"))
    assert (found.claims, found.proven) == (4, 2)
    assert (found.open, found.torn, found.unknown) == (("a.open",), ("a.torn",), {"a.opne": ("t3",)})
    assert not found.complete
    first, second = found.areas
    assert (first.claims, first.proven, first.open, first.reasons, first.tests) == (3, 2, 1, {}, 2)
    assert (second.claims, second.proven, second.open, second.reasons, second.tests) == (1, 0, 0, {Reason.LATER: 1}, 0)
    assert [(one.name, one.claims, one.tests) for one in found.operations] == [
        ("Delete", (), ()), ("Get", ("a.proven",), ("t1", "t2")), ("Put", ("b.waits",), ()),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([None, *Reason]), st.integers(0, 3)), max_size=20))
def test_every_claim_is_counted_once(kinds: list[tuple[Reason | None, int]]) -> None:
    """Proven, reasons and open add up to the claims, and complete means that none is open or torn."""
    made = tuple(claim(f"a.c{number}", reason) for number, (reason, _) in enumerate(kinds))
    proofs = {f"a.c{number}": tuple(f"t{i}" for i in range(tests)) for number, (_, tests) in enumerate(kinds) if tests}
    found = cover(Claims((Area("a", "A", made),)), proofs)
    (area,) = found.areas
    assert area.proven + sum(area.reasons.values()) + area.open == area.claims == found.claims == len(kinds)
    assert area.proven == found.proven == sum(1 for _, tests in kinds if tests)
    assert found.complete == all(bool(tests) != (reason is not None) for reason, tests in kinds)


SUITE = """
import pytest
from surveyor import testing
from surveyor.testing import proves

pytestmark = proves("a.whole-file")

@proves("a.one", "a.two")
def test_one(): ...

@testing.proves("a.one")
async def test_two(): ...

@proves("a.class")
class TestThings:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=proves("a.param"))])
    @proves("a.two")
    def test_three(self, x): ...

@proves("a.no-test")
def helper(): ...
"""


def test_proofs_are_found_without_importing(tmp_path: Path) -> None:
    """Decorators of tests and classes, marks of a file and of a parameter count; what is no test does not."""
    (tmp_path / "dns").mkdir()
    (tmp_path / "dns" / "test_x.py").write_text(SUITE)
    (tmp_path / "dns" / "helper.py").write_text('@proves("a.none")\ndef test_z(): ...\n')
    one, two, three = (f"dns/test_x.py::{name}" for name in ("test_one", "test_two", "TestThings::test_three"))
    assert find_proofs(tmp_path) == {
        "a.whole-file": (one, two, three), "a.one": (one, two), "a.two": (one, three),
        "a.class": (three,), "a.param": (three,),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = 1\n@proves(NAME)\ndef test_x(): ...\n", r"suites/test_x\.py:2: proves\(\) takes the ids"),
        ("def test_x(:\n", r"suites/test_x\.py:1: cannot be read"),
    ],
)
def test_a_suite_that_cannot_be_read_is_an_error(tmp_path: Path, text: str, error: str) -> None:
    """A proof that cannot be seen is never passed over."""
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "test_x.py").write_text(text)
    with pytest.raises(ClaimsError, match=error):
        find_proofs(suites)


def test_no_suites_prove_nothing(tmp_path: Path) -> None:
    """Claims can be listed before there are suites."""
    assert find_proofs(tmp_path / "suites") == {}
