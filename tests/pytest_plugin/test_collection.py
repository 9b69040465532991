"""Collection: which suites are refused, and which tests are run."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.claims import load_claims
from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import find_layout
from surveyor.pytest_plugin.collection import short_lists_first
from surveyor.report.run_folder import reserve_folder
from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from tests.conftest import Checkout

GOOD = "@proves('alpha.first')\ndef test_good(cloudmap):\n    '''It is true.'''\n    assert cloudmap\n\n"
OTHER = "@proves('alpha.second')\ndef test_other(cloudmap):\n    '''It is true.'''\n    assert cloudmap\n\n"


def test_tests_that_list_operations_are_first() -> None:
    """In an account their lists are short only as long as the run has made few; the order is kept otherwise."""
    claims = load_claims(find_layout().claims)
    names = ["ecs.cluster.names", "operations.filter.conditions", "dns.multivalue.caps-at-eight"]
    assert "ListOperations" in claims.by_id[names[1]].operations
    items: list[Any] = [
        SimpleNamespace(nodeid=name, iter_markers=lambda _, name=name: [SimpleNamespace(args=(name,))])
        for name in names
    ]
    assert [item.nodeid for item in short_lists_first(items, claims)] == [names[1], names[0], names[2]]


@pytest.mark.soak
def test_slow_tests_are_first(checkout: Checkout) -> None:
    """The last tests of a run are short, so that workers end together; the order is kept otherwise."""
    slow = f"import pytest\n@pytest.mark.slow\n{GOOD.replace('test_good', 'test_slow')}"
    checkout.suite(GOOD + OTHER + slow)
    done = plain_pytest(checkout, "suites", "--collect-only", "-q")
    names = [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    assert names == ["test_slow", "test_good", "test_other"]


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (GOOD.replace("@proves('alpha.first')", ""), "::test_good proves no claim: decorate it with @proves"),
        (
            GOOD.replace("first", "frist"),
            "::test_good proves the unknown claim 'alpha.frist'; did you mean 'alpha.first'?",
        ),
        ("def broken(:\n", "suites/alpha/test_alpha.py:8: SyntaxError: "),
        ("import no_such_module\n", "test_alpha.py:8: ModuleNotFoundError: No module named 'no_such_module'"),
        ("open('no such file')\n", "test_alpha.py:8: FileNotFoundError: [Errno 2] No such file"),
        ("raise ValueError('one\\n\\ntwo')\n", "test_alpha.py:8: ValueError: one"),
        ("try:\n    1 / 0\nexcept ArithmeticError as error:\n    raise KeyError from error\n", ": KeyError"),
    ],
    ids=["no claim", "unknown claim", "no Python", "no module", "no file", "lines", "chain"],
)
def test_bad_suite_is_one_line_and_no_verdict(checkout: Checkout, body: str, message: str, workers: int) -> None:
    """A test that proves no known claim stops the run at collection, by name, before anything is judged."""
    checkout.suite(OTHER, "test_beside.py")
    checkout.suite(body)
    with pytest.raises(SurveyorError) as broken:
        checkout.run(workers=workers)
    assert message in str(broken.value)
    assert "\n" not in str(broken.value)
    assert not isinstance(broken.value, UsageError)


@pytest.mark.soak
def test_each_case_of_a_bad_file_is_named(checkout: Checkout) -> None:
    """All tests of a file that break the rule are reported at once."""
    checkout.suite(GOOD.replace("first", "frist") + OTHER.replace("@proves('alpha.second')", ""))
    with pytest.raises(SurveyorError, match=r"test_good proves the unknown.*; .*test_other proves no claim"):
        checkout.run()


def test_selection_is_by_claim_and_area(checkout: Checkout) -> None:
    """Only the tests of selected claims are run, and the report has those claims only."""
    checkout.suite(GOOD + OTHER)
    report = checkout.run(claims=("alpha.second",))
    assert [(claim.id, claim.verdict) for claim in report.claims] == [("alpha.second", Verdict.PASS)]
    assert [test.id for test in report.claims[0].tests] == ["suites/alpha/test_alpha.py::test_other"]
    assert len(checkout.run(areas=("alpha",)).claims) == 4


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ((("alhpa",), ()), "unknown area 'alhpa'; did you mean 'alpha'?"),
        (((), ("alpha.frist",)), "unknown claim 'alpha.frist'; did you mean 'alpha.first'?"),
        (((), ("alpha.unseen",)), "nothing selected: no suite proves alpha.unseen"),
    ],
)
def test_empty_selection_is_refused(
    checkout: Checkout, choice: tuple[tuple[str, ...], tuple[str, ...]], message: str
) -> None:
    """An unknown name and a selection without tests are errors, not success."""
    checkout.suite(GOOD)
    with pytest.raises(UsageError) as refused:
        checkout.run(areas=choice[0], claims=choice[1])
    assert message in str(refused.value)


def test_a_misspelled_claim_of_a_suite_is_named(checkout: Checkout) -> None:
    """A run of the claim does not collect the suite that means it."""
    checkout.suite(GOOD.replace("first", "frist"))
    message = "no suite proves alpha.first; a suite proves the unknown claim 'alpha.frist'; did you mean 'alpha.first'"
    with pytest.raises(UsageError, match=message):
        checkout.run(claims=("alpha.first",))


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ('source = "servicediscovery/Namespac.Type"', "no operation and no shape 'Namespac'; did you mean 'Namespace'"),
        (
            'source = "servicediscovery/Namespace.Type"\noperations = ["GetNamespac"]',
            "Cloud Map has no operation 'GetNamespac'; did you mean 'GetNamespace'",
        ),
    ],
)
def test_a_claim_about_what_aws_lacks_is_refused(checkout: Checkout, new: str, problem: str) -> None:
    """Who runs a single claim may have just written it."""
    checkout.suite(GOOD)
    path = checkout.layout.claims / "alpha.toml"
    path.write_text(path.read_text().replace('source = "servicediscovery/Namespace.Type"', new, 1))
    with pytest.raises(UsageError, match=rf"claims/alpha\.toml:4: claim 'alpha\.first': .*{problem}"):
        checkout.run(claims=("alpha.first",))


def test_no_suites_at_all_is_refused(checkout: Checkout) -> None:
    """An empty checkout is not a success."""
    with pytest.raises(UsageError, match="nothing selected"):
        checkout.run()


def plain_pytest(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain pytest in a temporary checkout."""
    (checkout.layout.root / "conftest.py").write_text('pytest_plugins = ["surveyor.pytest_plugin"]\n')
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--target", "fake", *arguments]
    return subprocess.run(command, cwd=checkout.layout.root, capture_output=True, text=True, check=False)


@pytest.mark.soak
def test_plain_pytest_judges_and_writes_the_report(checkout: Checkout) -> None:
    """Without the command line the same plugin runs, shows reasons and, with --out, writes the report."""
    named = "@proves('alpha.named')\ndef test_named(cloudmap):\n    '''It is true.'''\n    assert False\n\n"
    checkout.suite(GOOD + named)
    done = plain_pytest(checkout, "suites", "--out", "here", "-rs")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert "unsupported: fake lacks dns" in done.stdout
    assert '"kind": "ConformanceReport"' in (checkout.layout.root / "here" / "report.json").read_text()


@pytest.mark.soak
def test_plain_pytest_does_not_write_into_another_run(checkout: Checkout) -> None:
    """While another process writes to the folder, pytest is refused in one line and leaves the report alone."""
    checkout.suite(GOOD)
    reserve_folder(checkout.layout.root / "here")
    done = plain_pytest(checkout, "suites", "--out", "here")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"another run (process {os.getpid()}) writes to" in done.stderr
    assert not (checkout.layout.root / "here" / "report.json").exists()


@pytest.mark.soak
def test_plain_pytest_keeps_its_own_exit_codes(checkout: Checkout) -> None:
    """A bad suite is a collection error, an unknown target a usage error."""
    checkout.suite(GOOD.replace("first", "frist"))
    done = plain_pytest(checkout, "suites")
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "test_good proves the unknown claim 'alpha.frist'" in done.stdout
    done = plain_pytest(checkout, "suites", "--target", "fkae")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "unknown target 'fkae'; did you mean 'fake'?" in done.stderr


@pytest.mark.soak
def test_tests_outside_suites_are_left_alone(checkout: Checkout) -> None:
    """An ordinary test needs no claim, no target is started for it, and its failures are not judged."""
    (checkout.layout.root / "tests").mkdir()
    (checkout.layout.root / "tests" / "test_own.py").write_text("def test_own():\n    raise KeyError('own')\n")
    (checkout.layout.targets / "fake.toml").write_text('features = []\n[start]\nargv = ["no-such-program"]\n')
    done = plain_pytest(checkout, "tests")
    assert done.returncode == 1
    assert "KeyError: 'own'" in done.stdout
