"""Coverage distinguishes claims that are proven, claims with a reason for having no test, and claims with neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.claims import Area, Claim, Claims, Level, Reason, Source, Unproven
from surveyor.claims.coverage import measure_coverage
from surveyor.claims.model import FileLocation, SourceKind
from surveyor.claims.proofs import find_proofs

LOCATION = FileLocation(Path("claims/x.toml"), 1)


def claim(id_: str, reason: Reason | None = None, operations: tuple[str, ...] = (), source: str = "s/Shape") -> Claim:
    """Return a claim about `operations` with `reason` for having no test."""
    unproven = Unproven(reason, "Needs it.") if reason else None
    return Claim(
        id_, "Says.", Level.MUST, Source(SourceKind.MODEL, source), LOCATION, (), operations, "Look.", unproven
    )


def test_claims_are_counted_by_status() -> None:
    """Proven, explained, open, contradictory and unknown claims are counted separately, by area and by operation."""
    claims = Claims((
        Area("a", "A", (claim("a.proven", operations=("Get",)), claim("a.open"), claim("a.both", Reason.CLIENT))),
        Area("b", "B", (claim("b.waits", Reason.LATER, source="servicediscovery/Put"),)),
    ))  # fmt: skip
    proofs = {"a.proven": ("t1", "t2"), "a.both": ("t1",), "a.opne": ("t3",)}
    coverage = measure_coverage(claims, proofs, ("Delete", "Get", "Put"))
    assert (coverage.claims, coverage.proven) == (4, 2)
    assert (coverage.open, coverage.contradictory, coverage.unknown) == (("a.open",), ("a.both",), {"a.opne": ("t3",)})
    assert not coverage.complete
    first, second = coverage.areas
    assert (first.claims, first.proven, first.open, first.reasons, first.tests) == (3, 2, 1, {}, 2)
    assert (second.claims, second.proven, second.open, second.reasons, second.tests) == (1, 0, 0, {Reason.LATER: 1}, 0)
    assert [(operation.name, operation.claims, operation.tests) for operation in coverage.operations] == [
        ("Delete", (), ()), ("Get", ("a.proven",), ("t1", "t2")), ("Put", ("b.waits",), ()),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([None, *Reason]), st.integers(0, 3)), max_size=20))
def test_every_claim_is_counted_once(kinds: list[tuple[Reason | None, int]]) -> None:
    """Proven, reasons and open add up to the claims; coverage is complete if none is open or contradictory."""
    claims = tuple(claim(f"a.c{number}", reason) for number, (reason, _) in enumerate(kinds))
    proofs = {f"a.c{number}": tuple(f"t{i}" for i in range(tests)) for number, (_, tests) in enumerate(kinds) if tests}
    coverage = measure_coverage(Claims((Area("a", "A", claims),)), proofs)
    (area,) = coverage.areas
    assert area.proven + sum(area.reasons.values()) + area.open == area.claims == coverage.claims == len(kinds)
    assert area.proven == coverage.proven == sum(1 for _, tests in kinds if tests)
    assert coverage.complete == all(bool(tests) != (reason is not None) for reason, tests in kinds)


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
    """Decorators of tests and classes, marks of a file and of a parameter count; helpers and other files do not."""
    (tmp_path / "dns").mkdir()
    (tmp_path / "dns" / "test_x.py").write_text(SUITE)
    (tmp_path / "dns" / "helper.py").write_text('@proves("a.none")\ndef test_z(): ...\n')
    one, two, three = (f"dns/test_x.py::{name}" for name in ("test_one", "test_two", "TestThings::test_three"))
    assert find_proofs(tmp_path) == {
        "a.whole-file": (one, two, three), "a.one": (one, two), "a.two": (one, three),
        "a.class": (three,), "a.param": (three,),
    }  # fmt: skip


def test_files_that_name_no_wanted_claim_are_not_parsed(tmp_path: Path) -> None:
    """A run of few claims need not read the syntax of every suite."""
    (tmp_path / "test_x.py").write_text(SUITE)
    (tmp_path / "test_y.py").write_text("def test_(:\n")
    assert find_proofs(tmp_path, {"a.class"})["a.class"] == ("test_x.py::TestThings::test_three",)
    assert find_proofs(tmp_path, {"a.unknown"}) == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = 1\n@proves(NAME)\ndef test_x(): ...\n", r"suites/test_x\.py:2: proves\(\) takes claim ids"),
        ("def test_x(:\n", r"suites/test_x\.py:1: cannot be read"),
    ],
)
def test_a_suite_that_cannot_be_read_is_an_error(tmp_path: Path, text: str, error: str) -> None:
    """A proof that cannot be read is never skipped silently."""
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "test_x.py").write_text(text)
    with pytest.raises(match=error):
        find_proofs(suites)


def test_no_suites_prove_nothing(tmp_path: Path) -> None:
    """Claims can be listed before there are suites."""
    assert find_proofs(tmp_path / "suites") == {}
