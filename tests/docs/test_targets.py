"""docs/targets.md against the loader of target files."""

from __future__ import annotations

from pathlib import Path

from surveyor.claims.features import FEATURES
from surveyor.targets import Credentials, TaskPlacement, load_target
from surveyor.targets.file import StartTable, TargetFile, VersionTable
from tests.documents import DOCS

TEXT = (DOCS / "targets.md").read_text("utf-8")


def test_every_key_and_feature_is_described() -> None:
    """Each key of a target file and each feature has a row."""
    rows = "\n".join(line.split("|")[1] for line in TEXT.splitlines() if line.startswith("|"))
    tables = {"": TargetFile, "start": StartTable, "versions": VersionTable, "credentials": Credentials,
              "ecs": TaskPlacement}  # fmt: skip
    described = {name for table in tables.values() for name in table.__struct_fields__} - {*tables, "budget", "tags"}
    assert [name for name in (*sorted(described), *FEATURES) if f"`{name}`" not in rows] == []
    assert [section for section in (*tables, "budget") if section and f"`[{section}]`" not in TEXT] == []


def test_the_example_is_a_target(tmp_path: Path) -> None:
    """The first example loads, with the features that it declares."""
    lines = [line.removeprefix("    ") for line in TEXT.splitlines() if line.startswith("    ") and "$" not in line]
    path = tmp_path / "emulator.toml"
    path.write_text("\n".join(lines), "utf-8")
    target = load_target(str(path), tmp_path)
    assert target.endpoint == "http://127.0.0.1:4566"
    assert sorted(target.features or ()) == ["cloudmap", "custom-health", "ec2", "route53"]
