"""Run the embedded target and record which lines each test runs in it.

`python -m tests.mutation.recorder FOLDER ARGUMENTS` takes the arguments of the emulator. The name of a test that
arrives at the socket PID.sock in the folder is the context of all lines from then on. At the end PID.json holds file ->
line -> numbers of tests, and the names of the tests.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
import threading
from pathlib import Path

from coverage import Coverage

__all__ = ["main", "send_context"]

_PACKAGES = ("surveyor_emulator", "surveyor_policies")
_DONE = b"ok"


def send_context(folder: Path, pid: int, name: str) -> None:
    """Switch the recorder with this process id to a test, and wait until it has."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(folder / f"{pid}.sock"))
        connection.sendall(name.encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(len(_DONE))


def main() -> None:
    """Run the emulator until it ends; write what was recorded."""
    folder = Path(sys.argv.pop(1))
    coverage = Coverage(data_file=None, source_pkgs=list(_PACKAGES), messages=False)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / f"{os.getpid()}.sock"))
    listener.listen()
    coverage.start()
    threading.Thread(target=_switch, args=(coverage, listener), daemon=True).start()
    try:
        runpy.run_module("surveyor_emulator", run_name="__main__", alter_sys=True)
    finally:
        coverage.stop()
        (folder / f"{os.getpid()}.json").write_text(json.dumps(_lines(coverage)), "utf-8")


def _switch(coverage: Coverage, listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            coverage.switch_context(_read(connection).decode())
            connection.sendall(_DONE)


def _read(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(4096), b""))


def _lines(coverage: Coverage) -> dict[str, object]:
    """Return file (below src) -> line -> numbers of contexts, and the contexts; the first context is the start."""
    data = coverage.get_data()
    numbers: dict[str, int] = {"": 0}
    files: dict[str, dict[str, list[int]]] = {}
    for path in sorted(data.measured_files()):
        package = next(part for part in _PACKAGES if f"/{part}/" in path)
        name = path[path.rindex(f"/{package}/") + 1 :]
        files[name] = {
            str(line): sorted(numbers.setdefault(context, len(numbers)) for context in contexts)
            for line, contexts in data.contexts_by_lineno(path).items()
        }
    return {"contexts": list(numbers), "files": files}


if __name__ == "__main__":
    main()
