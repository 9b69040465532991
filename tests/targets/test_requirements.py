"""Requirements files of targets: exact pins with hashes, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.targets.requirements import check_pins, read_pins

HASH = f"--hash=sha256:{'0' * 64}"
FILES = sorted((find_layout().targets / "requirements").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pinned_files_are_valid(path: Path) -> None:
    """Each file of the checkout pins its target, everything in it has hashes, and it names no address."""
    name, _, version = path.stem.rpartition("-")
    check_pins(path, name, version)
    assert len(read_pins(path)) >= 5
    assert "://" not in path.read_text("utf-8")


def test_all_forms_of_pins_are_read(tmp_path: Path) -> None:
    """Comments, extras, markers, continued lines and several hashes are understood; names are compared canonically."""
    path = tmp_path / "r.txt"
    path.write_text(
        f"# a comment\nMy.Thing[server,more]==1.2 \\\n    {HASH} \\\n    {HASH}\n"
        f"other==2 ; python_version < '3.12' {HASH}  # a reason\n\nlast==3.0 {HASH}"
    )
    assert read_pins(path) == {"my-thing": "1.2", "other": "2", "last": "3.0"}
    check_pins(path, "my_thing", "1.2")
    with pytest.raises(UsageError, match=r"must pin other==1, and pins 2"):
        check_pins(path, "other", "1")
    with pytest.raises(UsageError, match=r"must pin nothing==1, and pins no version of it"):
        check_pins(path, "nothing", "1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("moto==5.0.5", "r.txt:2: moto==5.0.5 has no hash"),
        ("a==1 \\\n    --hash=md5:00", "r.txt:2: 'a==1 --hash=md5:00' is not of the form NAME==VERSION"),
        (f"a==1 \\\n    {HASH}\nb==2", "r.txt:4: b==2 has no hash"),
        (f"moto>=5 {HASH}", "is not of the form NAME==VERSION"),
        (f"moto {HASH}", "is not of the form NAME==VERSION"),
        (f"moto @ git+https://host.test/moto {HASH}", "is not of the form NAME==VERSION"),
        ("-r other.txt", "r.txt:2: -r is not allowed"),
        ("--pre", "r.txt:2: --pre is not allowed"),
        ("--trusted-host=host.test", "r.txt:2: --trusted-host is not allowed: the package index is configured"),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """What has no hash, no exact version, or is an option is refused, since its result could differ tomorrow."""
    (tmp_path / "r.txt").write_text(f"# head\n{text}\n")
    with pytest.raises(UsageError) as refusal:
        read_pins(tmp_path / "r.txt")
    assert message in str(refusal.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A file in another encoding, and a folder, are reported with their path."""
    (tmp_path / "r.txt").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "r.txt", tmp_path):
        with pytest.raises(UsageError, match=r"cannot be read"):
            read_pins(path)
