"""Running a function: its code in a process of this machine, in a folder that is deleted afterwards."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping

from surveyor_emulator.core.world import Call

from .state import Function, FunctionState

__all__ = ["FAILED", "invoke"]

FAILED = None
"""The result of a function that does not exist, raises, takes too long or returns no JSON."""
MAX_RESULT = 6 * 1024 * 1024  # bytes
# What the process runs: the handler with the event of its standard input; its result is the last line that it prints.
_PROGRAM = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
module, _, name = sys.argv[2].rpartition(".")
handler = getattr(importlib.import_module(module.replace("/", ".")), name)
print("\\n" + json.dumps(handler(json.load(sys.stdin), None)))
"""


def invoke(call: Call, arn: str, event: Mapping[str, object], then: Callable[[object], object]) -> None:
    """Invoke the function of an ARN with an event, and call ``then`` with its result, or with FAILED."""
    name = arn.partition(":function:")[2].partition(":")[0]
    function = call.world.regional(FunctionState, call.account, call.region).functions.get(name)
    call.world.clock.run(_invoke(call, function, arn, event, then))


async def _invoke(
    call: Call,
    function: Function | None,
    arn: str,
    event: Mapping[str, object],
    then: Callable[[object], object],
) -> None:
    result = FAILED if function is None else await _run(function, event)
    call.note("lambda.invoked", arn, "failed" if result is FAILED else "returned")
    then(result)


async def _run(function: Function, event: Mapping[str, object]) -> object:
    with tempfile.TemporaryDirectory(prefix="surveyor-function-", ignore_cleanup_errors=True) as folder:
        with zipfile.ZipFile(io.BytesIO(function.code)) as archive:
            archive.extractall(folder)  # CreateFunction refuses names outside of the folder
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-c", _PROGRAM, folder, function.handler),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), **function.environment},
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(json.dumps(event).encode()), function.timeout)
        except TimeoutError:
            process.kill()
            await process.wait()
            return FAILED
    if process.returncode or len(output) > MAX_RESULT:
        return FAILED
    try:
        return json.loads(output.rstrip(b"\n").rpartition(b"\n")[2])
    except ValueError:
        return FAILED
