"""How a run ends that is not allowed to go to its end: a signal, an output that is lost, a full disk."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from surveyor.clock import WallClock
from surveyor.report.file import load_report
from tests.cli.conform_command import GOOD, command, surveyor
from tests.conftest import Checkout

SLOW = """
import pathlib
import pytest

@pytest.mark.parametrize("number", range(40))
@proves("alpha.first")
def test_slow(cloudmap, clock, number):
    '''It is so.'''
    pathlib.Path({marker!r}).touch()
    clock.wait(0.3)
"""


def _run(checkout: Checkout, *arguments: str) -> list[str]:
    return command(checkout, "conform", "--target", "fake", "--out", str(_out(checkout)), *arguments)


def _out(checkout: Checkout) -> Path:
    return checkout.layout.root / "out"


@pytest.mark.soak
def test_a_closed_pipe_ends_a_run_with_141_and_its_report(checkout: Checkout) -> None:
    """`surveyor conform | head -1` ends quietly, and what was judged until then is in the report."""
    checkout.suite(SLOW.format(marker=str(checkout.layout.root / "started")))
    with subprocess.Popen(
        _run(checkout), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141
    assert "Traceback" not in errors
    assert load_report(_out(checkout) / "report.json").interrupted


@pytest.mark.soak
def test_a_full_disk_behind_the_output_is_3_in_one_line(checkout: Checkout) -> None:
    """`surveyor conform > /dev/full` ends with the reason; the report is written."""
    checkout.suite(GOOD)
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(_run(checkout), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == "surveyor: the output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr
    assert (_out(checkout) / "report.json").exists()


@pytest.mark.soak
def test_a_full_disk_below_out_is_3_after_the_results(checkout: Checkout) -> None:
    """A report that cannot be written is named in one line; its results are printed before."""
    checkout.suite(GOOD)
    done = subprocess.run(
        _run(checkout), capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000)),
    )  # fmt: skip
    assert done.returncode == 3
    assert "1 of 1 judged claims hold" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line == f"surveyor: {_out(checkout)}/report.json cannot be written: File too large"


@pytest.mark.soak
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_files_change_nothing(checkout: Checkout, closed: str) -> None:
    """A run without standard input, output or error passes, and no file of it takes their place."""
    checkout.suite(GOOD)
    shell = ["sh", "-c", f'"$@" {closed}', "sh", *_run(checkout)]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert load_report(_out(checkout) / "report.json").claims[0].verdict == "pass"


def test_an_error_that_is_not_foreseen_is_3_in_one_line(checkout: Checkout) -> None:
    """The line says what it is, and where its traceback was kept; 1 would be a verdict."""
    (checkout.layout.claims / "alpha.toml").chmod(0)
    (checkout.layout.claims / "alpha.toml").unlink()
    (checkout.layout.claims / "alpha.toml").mkdir()
    done = surveyor(checkout, "conform", "--target", "fake")
    assert done.returncode in (2, 3)
    (line,) = done.stderr.splitlines()
    assert line.startswith("surveyor: ")


@pytest.mark.soak
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("group", [False, True])
def test_a_signal_ends_a_run_with_its_report(
    checkout: Checkout, workers: str, number: signal.Signals, *, group: bool
) -> None:
    """A signal to the program, or to it and its workers as a terminal sends it: 130, a report, no process left."""
    marker = checkout.layout.root / "started"
    checkout.suite(SLOW.format(marker=str(marker)))
    with subprocess.Popen(
        _run(checkout, "--workers", workers),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        WallClock().eventually(marker.exists, within=60)
        (os.killpg if group else os.kill)(process.pid, number)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "surveyor: interrupted; nothing was left behind"
    assert load_report(_out(checkout) / "report.json").interrupted
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
