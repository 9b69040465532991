"""What goes into the mailbox: a wheel of this Surveyor, the pins of its packages, files of the user."""

from __future__ import annotations

import io
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from surveyor.errors import UsageError
from surveyor.in_vpc import packing
from surveyor.layout import Layout, find_layout

LAYOUT = find_layout()


def test_pins_have_hashes_and_all_that_is_needed() -> None:
    """Each package that Surveyor imports is pinned with hashes; tools of developers are not."""
    entries = packing.pins(LAYOUT, "3.13.1").strip().split("\n\n")
    names = {entry.partition("==")[0] for entry in entries}
    direct = [Requirement(text) for text in metadata.requires("surveyor") or ()]
    assert {needed.name for needed in direct if needed.marker is None} <= names
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not names & {"ruff", "mypy", "mutmut", "pywin32", "colorama"}
    assert {"urllib3", "gevent", "pluggy"} <= names


@pytest.mark.soak
def test_the_wheel_is_this_surveyor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built in a checkout, and again from where that wheel is installed: the same files."""
    name, built = packing.wheel.__wrapped__(LAYOUT)
    assert name.startswith("surveyor-")
    site = tmp_path / "site"
    with zipfile.ZipFile(io.BytesIO(built)) as archive:
        archive.extractall(site)
        files = {entry for entry in archive.namelist() if not entry.endswith("RECORD")}
    assert {
        "surveyor/cli/in_vpc.py",
        "surveyor/_bundle/requirements/lock.txt",
        "surveyor/_bundle/targets/aws.toml",
    } <= files
    installed = next(iter(metadata.distributions(path=[str(site)])))
    monkeypatch.setattr(metadata, "distribution", lambda _: installed)
    again_name, again = packing.wheel.__wrapped__(Layout(site / "surveyor" / "_bundle"))
    assert again_name == name
    with zipfile.ZipFile(io.BytesIO(again)) as archive:
        assert {entry for entry in archive.namelist() if not entry.endswith("RECORD")} == files
        assert archive.testzip() is None


def test_files_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder goes in with what is below it, and no more than a limit."""
    monkeypatch.setattr(packing, "wheel", lambda _: ("surveyor-0-py3-none-any.whl", b"wheel"))
    (tmp_path / "runs" / "1").mkdir(parents=True)
    (tmp_path / "runs" / "1" / "report.json").write_text("{}")
    packed = packing.pack(LAYOUT, "3.13.1", {"over/x": "y"}, {"files/0/runs": tmp_path / "runs"}, None)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("files/0/runs/1/report.json") == b"{}"
        assert archive.read("overlay/over/x") == b"y"
    assert packing.pack(LAYOUT, "3.13.1", {}, {}, None) == packing.pack(LAYOUT, "3.13.1", {}, {}, None)
    monkeypatch.setattr(packing, "MAX_FILES", 1)
    with pytest.raises(UsageError, match="the files of the command have more than"):
        packing.pack(LAYOUT, "3.13.1", {}, {"files/0/runs": tmp_path / "runs"}, None)
