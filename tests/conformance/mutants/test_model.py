"""The data of mutants: each names a claim that suites prove, and errors name their file."""

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
    """Suites must be able to fail: at least 90 % of the proven claims have a mutant."""
    claims = load_claims(LAYOUT.claims).by_id
    proven = set(find_proofs(LAYOUT.suites)) & set(claims)
    known = set(load_mutants(LAYOUT.mutants, claims))
    assert known <= proven
    assert len(known) >= 0.9 * len(proven)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"a.b" = { operator = "drop", operation = "X", path = "Y" }', "no such claim"),
        ('"dns.srv.value" = { operator = "forge" }', "unknown operator 'forge'"),
        ('"dns.srv.value" = { operator = "drop", operation = "X" }', "needs path"),
        ('"dns.srv.value" = { operator = "dns-drop", colour = "red" }', "takes no colour"),
        ('"dns.srv.value" = 3', "expected {"),
        ('"dns.srv.value" = {', "dns.toml"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, line: str, message: str) -> None:
    """An error names the file and says what is invalid in it."""
    (tmp_path / "dns.toml").write_text(line)
    with pytest.raises(UsageError, match=r"mutants/dns\.toml") as refusal:
        load_mutants(tmp_path, {"dns.srv.value": None})
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
