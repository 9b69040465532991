"""What `surveyor conform` refuses with exit code 2, and what ends it with 3: one line, and no verdicts."""

from __future__ import annotations

import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from surveyor.clock import WallClock
from surveyor.report.file import load_report
from tests.cli.conform_command import GOOD, command, surveyor

pytestmark = pytest.mark.soak  # each test starts a program

if TYPE_CHECKING:
    from tests.conftest import Checkout


@pytest.mark.soak
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "fkae"], "unknown target 'fkae'; did you mean 'fake'?"),
        (["--target", "fake", "--area", "alhpa"], "unknown area 'alhpa'; did you mean 'alpha'?"),
        (["--target", "fake", "--claim", "alpha.frist"], "unknown claim 'alpha.frist'; did you mean 'alpha.first'?"),
        (["--target", "fake", "--claim", "alpha.second"], "nothing selected: no suite proves alpha.second"),
        (["--target", "http://127.0.0.1:1", "--update-expectations"], "--update-expectations needs a target file"),
        (["--target", "http://127.0.0.1:1", "--workers", "2"], "is running already, and workers would share its clock"),
        (["--target", "https://sts.amazonaws.com"], "never reached by a bare URL"),
    ],
)
def test_invalid_usage_is_2_in_one_line(checkout: Checkout, arguments: list[str], message: str) -> None:
    """Invalid arguments are refused in one line on stderr, with the nearest valid name if there is one."""
    checkout.suite(GOOD)
    completed = surveyor(checkout, "conform", *arguments)
    assert completed.returncode == 2
    assert completed.stderr.startswith("surveyor: ")
    assert message in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


def test_unwritable_out_is_2(checkout: Checkout) -> None:
    """A folder that cannot be written is refused before anything runs."""
    checkout.suite(GOOD)
    occupied = checkout.layout.root / "file"
    occupied.write_text("")
    completed = subprocess.run(
        command(checkout, "conform", "--target", "fake", "--out", str(occupied / "out")),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert completed.returncode == 2
    assert completed.stderr.startswith(f"surveyor: cannot write to {occupied / 'out'}")


@pytest.mark.soak
def test_a_second_run_into_one_folder_is_2(checkout: Checkout) -> None:
    """While a run writes to a folder, another run is refused before it starts anything."""
    marker = checkout.layout.root / "started"
    checkout.suite(f"""
@proves("alpha.first")
def test_long(cloudmap, clock):
    '''It is so.'''
    open({str(marker)!r}, "w").close()
    clock.wait(600)
""")
    out = checkout.layout.root / "out"
    line = command(checkout, "conform", "--target", "fake", "--out", str(out))
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        WallClock().eventually(marker.exists, within=30)
        done = surveyor(checkout, "conform", "--target", "fake")
        process.terminate()
    assert done.returncode == 2
    assert done.stderr == (
        f"surveyor: another run (process {process.pid}) writes to {out}; choose another folder with --out\n"
    )
    assert done.stdout == ""


def test_removed_working_directory_is_2(checkout: Checkout) -> None:
    """Reports go below the current directory; one that no longer exists is refused in one line."""
    checkout.suite(GOOD)
    gone = checkout.layout.root / "gone"
    gone.mkdir()
    shell = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *command(checkout, "conform", "--target", "fake")]
    completed = subprocess.run(shell, cwd=gone, capture_output=True, text=True, check=False, timeout=60)
    assert (completed.returncode, completed.stderr) == (
        2,
        "surveyor: the current directory was removed; change to another\n",
    )


def test_an_installed_package_keeps_its_fingerprints(checkout: Checkout) -> None:
    """The recorded fingerprints of documents can only be rewritten in a checkout."""
    completed = surveyor(checkout, "claims", "drift", "--accept")
    assert completed.returncode == 2
    assert "belongs to an installed package" in completed.stderr


def test_unknown_option_is_2(checkout: Checkout) -> None:
    """An unknown option and a missing argument have the exit code of invalid usage."""
    assert surveyor(checkout, "conform", "--tarket", "fake").returncode == 2
    assert surveyor(checkout, "diff").returncode == 2


@pytest.mark.soak
@pytest.mark.parametrize("target", ["http://127.0.0.1:9", "broken"])
def test_unreachable_target_is_3_in_one_line(checkout: Checkout, target: str) -> None:
    """If no server listens, or the target does not start, there is one line on stderr and no verdict."""
    (checkout.layout.targets / "broken.toml").write_text('[start]\nargv = ["no-such-program"]\n')
    checkout.suite(GOOD)
    completed = surveyor(checkout, "conform", "--target", target)
    assert completed.returncode == 3
    assert len(completed.stderr.splitlines()) == 1
    if target == "broken":
        assert "no-such-program" in completed.stderr
        report = load_report(checkout.layout.root / "out" / "report.json")
        assert all(claim.verdict != "pass" for claim in report.claims)
    else:
        assert "cannot be reached at http://127.0.0.1:9" in completed.stderr
        assert completed.stdout == ""


def test_web_server_is_3_in_one_line(checkout: Checkout) -> None:
    """A URL at which something else answers is refused before any test runs."""
    checkout.suite(GOOD)
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        completed = surveyor(checkout, "conform", "--target", f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert (completed.returncode, completed.stdout) == (3, "")
    (line,) = completed.stderr.splitlines()
    assert "is not an AWS API that has Cloud Map: servicediscovery:ListNamespaces is not offered (HTTP 501" in line


@pytest.mark.soak
def test_a_target_that_never_started_prints_no_verdicts(checkout: Checkout) -> None:
    """Verdicts known from the target file alone are no reason to print a table of errors."""
    (checkout.layout.targets / "lame.toml").write_text('[start]\nargv = ["{python}", "-c", "import no_such_module"]\n')
    checkout.suite(GOOD + "@proves('alpha.named')\ndef test_named(cloudmap):\n    '''It is so.'''\n")
    completed = surveyor(checkout, "conform", "--target", "lame")
    assert completed.returncode == 3
    assert completed.stdout.splitlines()[-2].startswith("report: ")
    assert "alpha.first" not in completed.stdout
    (line,) = completed.stderr.splitlines()
    assert "No module named 'no_such_module' before it was ready; run `surveyor doctor` to see what is missing" in line


@pytest.mark.soak
def test_uncollectable_suite_is_3(checkout: Checkout) -> None:
    """A suite that breaks the rules is a harness error, not a failure of the target."""
    checkout.suite(GOOD.replace("first", "frist"))
    completed = surveyor(checkout, "conform", "--target", "fake")
    assert completed.returncode == 3
    assert "test_good proves the unknown claim 'alpha.frist'" in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


def test_a_suite_that_is_no_python_is_3_in_one_line(checkout: Checkout) -> None:
    """The only line names file and line; nothing says that the run was interrupted."""
    checkout.suite("def broken(:\n")
    completed = surveyor(checkout, "conform", "--target", "fake")
    assert completed.returncode == 3
    assert completed.stderr.startswith("surveyor: the suites cannot be collected: ")
    assert completed.stderr.endswith("/suites/alpha/test_alpha.py:8: SyntaxError: invalid syntax\n")
    assert len(completed.stderr.splitlines()) == 1
    assert "interrupted" not in completed.stdout
