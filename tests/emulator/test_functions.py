"""Functions in Python: whatever their code does, they have a result or have failed, and leave no process."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path

import pytest

from surveyor_emulator.aws.functions import running
from surveyor_emulator.aws.functions.state import Function


def result_of(body: str, timeout: int = 20) -> object:
    """Return the result of a function with this body, or FAILED."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hook.py", f"import os, sys, time\ndef handler(event, context):\n    {body}\n")
    function = Function("hook", "arn", "python3.11", "role", "hook.handler", buffer.getvalue(), timeout, {}, 0.0)
    return asyncio.run(running._run(function, {"stage": "POST_SCALE_UP"}))


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('no')",
        "sys.exit(0)",
        "os.kill(os.getpid(), 9)",
        "return {1, 2}",
        "return object()",
    ],
)
def test_a_function_that_returns_nothing_has_failed(body: str) -> None:
    """A function that raises, ends its process, or returns what is no JSON has failed."""
    assert result_of(body) is running.FAILED


@pytest.mark.soak
def test_a_function_that_hangs_is_killed(tmp_path: Path) -> None:
    """After its time-out the function has failed, and its process is gone."""
    pids = tmp_path / "pid"
    assert result_of(f"open({str(pids)!r}, 'w').write(str(os.getpid())); time.sleep(600)", timeout=2) is running.FAILED
    assert not Path(f"/proc/{pids.read_text()}").exists()


def test_what_a_function_prints_is_no_result() -> None:
    """The result is what the handler returns, whatever it prints before."""
    assert result_of("print('{\"hookStatus\": \"FAILED\"}'); return {'hookStatus': 'SUCCEEDED'}") == {
        "hookStatus": "SUCCEEDED"
    }
