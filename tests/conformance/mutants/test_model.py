"""The data of mutants: every one names a claim that suites prove, and mistakes are told with their file."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.claims.proofs import find_proofs
from surveyor.conformance.mutants import load_mutants
from surveyor.errors import UsageError
from surveyor.layout import find_layout

LAYOUT = find_layout()


def test_nine_in_ten_proven_claims_have_a_mutant() -> None:
    """A suite is worth as much as its power to notice: at least 90 % of what is proven can be broken."""
    claims = load_claims(LAYOUT.claims).by_id
    proven = set(find_proofs(LAYOUT.suites)) & set(claims)
    known = set(load_mutants(LAYOUT.targets / "mutants", claims))
    assert known <= proven
    assert len(known) >= 0.9 * len(proven)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"a.b" = { operator = "drop", operation = "X", path = "Y" }', "no such claim"),
        ('"dns.srv.value" = { operator = "forge" }', "unknown operator 'forge'"),
        ('"dns.srv.value" = { operator = "drop", operation = "X" }', "needs path"),
        ('"dns.srv.value" = { operator = "dns-drop", colour = "red" }', "knows no colour"),
        ('"dns.srv.value" = 3', "expected {"),
        ('"dns.srv.value" = {', "dns.toml"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, line: str, told: str) -> None:
    """The file and what is wrong in it."""
    (tmp_path / "dns.toml").write_text(line)
    with pytest.raises(UsageError, match=r"mutants/dns\.toml") as refusal:
        load_mutants(tmp_path, {"dns.srv.value": None})
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)
