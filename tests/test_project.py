"""Holds the project to its own rules: what no linter checks and a reader of the repository relies on."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = ROOT / "requirements" / "lock.txt"
PINNED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][\w.+!]*)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?P<more> \\)?$")
# The folders of whoever worked on a file: they mean nothing on the reader's machine.
MACHINE_PATH = re.compile(r"(?<![\w.$}-])/(?:home/\w|Users/\w|(?:root|work|tmp)/\w)")
INDEX_OPTION = re.compile(r"[-]-(?:extra-index-url|index-url|find-links)\b")
WAIVER = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma)")
REASONED = re.compile(
    r"# (?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\]|pragma: no cover)\W+\w+ \w+"
)


def tracked() -> list[Path]:
    """Every file that git tracks and that is there, as text files go; skips the test outside a repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def offending(pattern: re.Pattern[str]) -> list[str]:
    """Lines of tracked files that match, as `file:line: text`."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def locked() -> dict[str, set[str]]:
    """Versions in the lock by canonical name; several where systems differ."""
    versions: dict[str, set[str]] = {}
    for line in LOCK.read_text().splitlines():
        if match := PINNED.match(line):
            versions.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return versions


def direct_requirements() -> list[Requirement]:
    """What pyproject.toml and the two files beside the lock ask for."""
    project = PYPROJECT["project"]
    extras = [line for extra in project["optional-dependencies"].values() for line in extra]
    files = [
        line
        for name in ("build.in", "constraints.txt")
        for line in (LOCK.parent / name).read_text().splitlines()
        if line and not line.startswith("#")
    ]
    return [
        Requirement(line)
        for line in [*project["dependencies"], *extras, *PYPROJECT["build-system"]["requires"], *files]
    ]


def make_targets(text: str) -> set[str]:
    """The targets of all `make <target>` commands in a text, in code spans, blocks or scripts."""
    return set(re.findall(r"(?:^|`|    )make ([a-z-]+)", text, flags=re.MULTILINE))


def test_the_lock_holds_pins_with_hashes_and_nothing_else() -> None:
    """Each line of the lock is a comment, an exact pin or a hash: no address, no option, no unhashed entry."""
    lines = [line for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    odd = [line for line in lines if not PINNED.match(line) and not HASH.match(line)]
    assert odd == []
    ends_with_hash = [follows for line, follows in zip(lines, [*lines[1:], ""], strict=True) if line.endswith("\\")]
    assert all(HASH.match(line) for line in ends_with_hash)


@pytest.mark.parametrize("requirement", sorted(set(map(str, direct_requirements()))))
def test_the_lock_satisfies_what_the_project_asks_for(requirement: str) -> None:
    """Each direct requirement is in the lock, in a version that its bounds allow: `make pins` was not forgotten."""
    wanted = Requirement(requirement)
    versions = locked().get(canonicalize_name(wanted.name), set())
    assert versions, f"{wanted.name} is not in {LOCK.name}: run `make pins`"
    assert all(wanted.specifier.contains(version) for version in versions)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/decisions/0001-pins.md", ".ci/run"])
def test_every_make_command_that_is_named_exists(document: str) -> None:
    """A reader who types a make command from a document finds it."""
    named = make_targets((ROOT / document).read_text())
    offered = set(re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named, f"{document} names no command"
    assert named <= offered


def test_continuous_integration_runs_the_commands_of_the_readme() -> None:
    """What CI runs is what the README tells a contributor to run, then the linters, stopping at a failure."""
    script = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"^make .*$", script, flags=re.MULTILINE) == ["make test", "make lint"]
    assert "set -eu" in script
    assert "make test" in (ROOT / "README.md").read_text()


def test_every_room_of_python_is_under_the_import_contracts() -> None:
    """No top-level folder with Python in it escapes the rules of who may import whom, and none is listed in vain."""
    top = {path.relative_to(ROOT).parts[0] for path in tracked() if path.suffix == ".py" and path.parent != ROOT}
    rooms = (top - {"src"}) | {"surveyor"}
    settings = PYPROJECT["tool"]["importlinter"]
    assert set(settings["root_packages"]) == rooms, "name each room under tool.importlinter in pyproject.toml"
    ends = next(contract for contract in settings["contracts"] if contract["id"] == "rooms-are-ends")
    assert set(ends["source_modules"]) == rooms
    assert set(ends["forbidden_modules"]) == rooms - {"surveyor"}


def test_import_contracts_name_modules_that_exist() -> None:
    """A contract about a module that was renamed would hold for ever and mean nothing."""
    named = {
        module.removesuffix(".*")
        for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
        for key in ("source_modules", "forbidden_modules", "protected_modules", "allowed_importers")
        for module in contract.get(key, [])
    }
    homes = [ROOT / "src", ROOT]
    missing = [
        module
        for module in sorted(named)
        if not any(
            (home / f"{path}.py").exists() or (home / path).is_dir()
            for home in homes
            for path in [module.replace(".", "/")]
        )
    ]
    assert missing == []


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    """Files speak of the project, never of the machine that they were written on."""
    assert offending(MACHINE_PATH) == []


def test_no_tracked_file_chooses_a_package_index() -> None:
    """Where packages come from is the business of the machine, not of the project."""
    assert offending(INDEX_OPTION) == []


def test_every_waiver_gives_its_reason() -> None:
    """A suppressed lint or type error names the rule that it suspends and says on its own line why."""
    bare = [
        f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}"
        for path in tracked()
        if path.suffix == ".py"
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type == tokenize.COMMENT and WAIVER.match(token.string) and not REASONED.match(token.string)
    ]
    assert bare == []


def test_a_built_wheel_carries_what_it_surveys_with(tmp_path: Path) -> None:
    """An installed surveyor has all claims, targets, suites and templates of the checkout, and its own files."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    names = [path.relative_to(ROOT) for path in tracked()]
    rooms = {"claims", "suites", "targets", "conftest.py", "reports"}
    own = [name for name in names if name.parts[0] != "reports" or name.parts[1] == "templates"]
    bundled = [f"surveyor/_bundle/{name.as_posix()}" for name in own if name.parts[0] in rooms]
    package = [name.relative_to("src").as_posix() for name in names if name.parts[0] == "src"]
    assert {room.split("/")[2] for room in bundled} == rooms
    assert sorted(set(bundled + package) - carried) == []
    assert not [name for name in carried if "__pycache__" in name]
