"""A run of few claims imports only the files that may prove them, and Hypothesis only if a test does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.claims.proofs import find_proofs, names_any_claim
from surveyor.layout import find_layout
from surveyor.verdicts import Verdict
from tests.pytest_plugin.test_collection import GOOD, OTHER, plain_pytest

if TYPE_CHECKING:
    from tests.conftest import Checkout

BETA = """\
title = "Beta"

[[claim]]
id = "beta.only"
statement = "It is so."
level = "must"
source = "servicediscovery/HttpInstanceSummary.InstanceId"
check = "Look."
"""
IDS = st.from_regex(r"[a-z]{1,3}(-[a-z]{1,2})?(\.[a-z]{1,3}){1,2}", fullmatch=True)


@pytest.mark.soak
def test_every_proof_of_the_suites_is_found_by_its_text() -> None:
    """A file that proves a claim, as its syntax tree says, contains the claim's quoted id."""
    suites = find_layout().suites
    proofs = find_proofs(suites)
    assert len(proofs) > 200
    texts = {path.relative_to(suites).as_posix(): path.read_text("utf-8") for path in suites.glob("**/test_*.py")}
    for claim, tests in proofs.items():
        for test in tests:
            assert names_any_claim(texts[test.partition("::")[0]], {claim}), test


@given(st.lists(IDS, max_size=5), st.sets(IDS, max_size=3), st.sampled_from(["'", '"']))
def test_a_file_is_collected_if_it_names_a_selected_claim(named: list[str], selected: set[str], quote: str) -> None:
    """Only whole quoted ids count: not a prefix of another id, and not a word of a docstring."""
    text = f"x = 1\n@proves({', '.join(f'{quote}{claim}{quote}' for claim in named)})\n# about " + " ".join(selected)
    assert names_any_claim(text, selected) == bool(selected & set(named))


@pytest.mark.soak
def test_files_without_a_selected_claim_are_not_imported(checkout: Checkout) -> None:
    """A file that proves other claims may be broken, and takes no time."""
    checkout.suite(GOOD)
    checkout.suite(OTHER + "raise RuntimeError('imported')\n", "test_beside.py")
    done = plain_pytest(checkout, "suites", "--claim", "alpha.first")
    assert done.returncode == 0, done.stdout
    assert "1 passed in" in done.stdout
    assert "RuntimeError: imported" in plain_pytest(checkout, "suites").stdout


def test_a_run_of_an_area_collects_all_its_claims(checkout: Checkout) -> None:
    """Several selected claims are found in several files."""
    checkout.suite(GOOD)
    checkout.suite(OTHER, "test_beside.py")
    report = checkout.run(areas=("alpha",), claims=("alpha.first", "alpha.second"))
    assert {claim.id for claim in report.claims if claim.verdict is Verdict.PASS} == {"alpha.first", "alpha.second"}


@pytest.mark.soak
@pytest.mark.parametrize("uses", [False, True])
def test_hypothesis_is_imported_only_by_a_test(checkout: Checkout, uses: bool) -> None:
    """The summary of its plugin does not import Hypothesis, and works if a suite uses it."""
    checkout.suite(("import hypothesis\n\n" if uses else "") + GOOD)
    (checkout.layout.root / "late.py").write_text(
        "import sys\n\ndef pytest_unconfigure():\n    print('imported:', 'hypothesis.core' in sys.modules)\n"
    )
    done = plain_pytest(checkout, "suites", "-p", "late", "-s", "--hypothesis-show-statistics" if uses else "-q")
    assert re.search(rf"imported: {uses}", done.stdout), done.stdout + done.stderr
    assert ("Hypothesis Statistics" in done.stdout) == uses


@pytest.mark.soak
@pytest.mark.parametrize(
    ("collected", "imported"), [("suites", False), ("suites/alpha/test_alpha.py::test_good", False), (".", True)]
)
def test_suites_import_neither_experiments_nor_reports(checkout: Checkout, collected: str, imported: bool) -> None:
    """Their modules take a tenth of a second to import; the fixtures of experiments are there where these may be."""
    checkout.suite(GOOD)
    (checkout.layout.root / "late.py").write_text(
        "import sys\n\ndef pytest_unconfigure():\n"
        "    print('imported:', *(name in sys.modules for name in ('surveyor.chaos', 'surveyor.report.model')))\n"
    )
    done = plain_pytest(checkout, collected, "-p", "late", "-s", "-q")
    assert f"imported: {imported} False" in done.stdout, done.stdout + done.stderr


@pytest.mark.soak
def test_a_file_may_prove_claims_of_other_areas(checkout: Checkout) -> None:
    """The files of the other areas are read then as well."""
    (checkout.layout.claims / "beta.toml").write_text(BETA)
    checkout.suite(GOOD + OTHER.replace("alpha.second", "beta.only"))
    done = plain_pytest(checkout, "suites", "--claim", "alpha.first")
    assert "1 passed, 1 deselected in" in done.stdout, done.stdout
    wrong = GOOD + OTHER.replace("alpha.second", "beta.olny")
    checkout.suite(wrong)
    assert (
        "proves the unknown claim 'beta.olny'; did you mean 'beta.only'?"
        in plain_pytest(checkout, "suites", "--claim", "alpha.first").stdout
    )
