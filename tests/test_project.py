"""Rules of the project that no linter checks and that readers of the repository rely on."""

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
# Absolute paths of the machine on which a file was written: they do not exist on other machines.
MACHINE_PATH = re.compile(r"(?<![\w.$}-])/(?:home/\w|Users/\w|(?:root|work|tmp)/\w)")
INDEX_OPTION = re.compile(r"[-]-(?:extra-index-url|index-url|find-links)\b")
WAIVER = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma)")
REASONED = re.compile(
    r"# (?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\]|pragma: no cover)\W+\w+ \w+"
)


def tracked() -> list[Path]:
    """Return the existing text files that git tracks; skip the test outside a repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def matching_lines(pattern: re.Pattern[str]) -> list[str]:
    """Return the lines of tracked files that match, as `file:line: text`."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def locked_versions() -> dict[str, set[str]]:
    """Return the versions in the lock file by canonical name; several if systems differ."""
    versions: dict[str, set[str]] = {}
    for line in LOCK.read_text().splitlines():
        if match := PINNED.match(line):
            versions.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return versions


def direct_requirements() -> list[Requirement]:
    """Return the requirements of pyproject.toml and of the two files beside the lock file."""
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
    """Return the targets of all `make TARGET` commands in a text: code spans, blocks or scripts."""
    return set(re.findall(r"(?:^|`|    )make ([a-z-]+)", text, flags=re.MULTILINE))


def test_the_lock_holds_pins_with_hashes_and_nothing_else() -> None:
    """Each line of the lock file is a comment, an exact pin or a hash: no address, no option, no unhashed entry."""
    lines = [line for line in LOCK.read_text().splitlines() if not line.startswith("#")]
    others = [line for line in lines if not PINNED.match(line) and not HASH.match(line)]
    assert others == []
    ends_with_hash = [follows for line, follows in zip(lines, [*lines[1:], ""], strict=True) if line.endswith("\\")]
    assert all(HASH.match(line) for line in ends_with_hash)


@pytest.mark.parametrize("requirement", sorted(set(map(str, direct_requirements()))))
def test_the_lock_satisfies_the_requirements_of_the_project(requirement: str) -> None:
    """Each direct requirement is in the lock file in an allowed version; otherwise run `make pins`."""
    required = Requirement(requirement)
    versions = locked_versions().get(canonicalize_name(required.name), set())
    assert versions, f"{required.name} is not in {LOCK.name}: run `make pins`"
    assert all(required.specifier.contains(version) for version in versions)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/decisions/0001-pins.md", ".ci/run"])
def test_every_documented_make_command_exists(document: str) -> None:
    """Each make command in a document is a target of the Makefile."""
    named = make_targets((ROOT / document).read_text())
    existing = set(re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named, f"{document} names no command"
    assert named <= existing


def test_continuous_integration_runs_the_commands_of_the_readme() -> None:
    """CI runs the test command of the README, then the linters, and stops at a failure."""
    script = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"^make .*$", script, flags=re.MULTILINE) == ["make test", "make lint", "make soak"]
    assert "set -eu" in script
    assert "make test" in (ROOT / "README.md").read_text()


def test_every_folder_of_python_is_under_the_import_contracts() -> None:
    """Each package and each top-level folder with Python files is in the contract of the packages."""
    paths = [path.relative_to(ROOT) for path in tracked() if path.suffix == ".py" and path.parent != ROOT]
    folders = {path.parts[1] if path.parts[0] == "src" else path.parts[0] for path in paths}
    settings = PYPROJECT["tool"]["importlinter"]
    assert set(settings["root_packages"]) == folders, "name each folder under tool.importlinter in pyproject.toml"
    packages = next(contract for contract in settings["contracts"] if contract["id"] == "packages")
    assert {name for layer in packages["layers"] for name in modules_of(layer)} == folders


def test_import_contracts_name_modules_that_exist() -> None:
    """A contract about a module that does not exist would never fail."""
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    keys = ("source_modules", "forbidden_modules", "protected_modules", "allowed_importers", "containers", "ancestors")
    named = {module.removesuffix(".*") for contract in contracts for key in keys for module in contract.get(key, [])}
    for contract in contracts:
        prefixes = [f"{container}." for container in contract.get("containers", [])] or [""]
        named |= {
            prefix + module
            for prefix in prefixes
            for layer in contract.get("layers", [])
            for module in modules_of(layer)
        }
    missing = [
        module
        for module in sorted(named)
        if not any(
            (folder / f"{path}.py").exists() or (folder / path).is_dir()
            for folder in (ROOT / "src", ROOT)
            for path in [module.replace(".", "/")]
        )
    ]
    assert missing == []


def modules_of(layer: str) -> list[str]:
    """Return the modules of one layer of a contract."""
    return [module.strip(" ()") for module in re.split(r"[|:]", layer)]


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    """Files contain no absolute paths of the machine on which they were written."""
    assert matching_lines(MACHINE_PATH) == []


def test_no_tracked_file_chooses_a_package_index() -> None:
    """The package index is configured on each machine, not in the project."""
    assert matching_lines(INDEX_OPTION) == []


@pytest.mark.soak
def test_every_waiver_gives_its_reason() -> None:
    """A suppressed lint or type error names the rule and gives the reason on the same line."""
    unexplained = [
        f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string}"
        for path in tracked()
        if path.suffix == ".py"
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type == tokenize.COMMENT and WAIVER.match(token.string) and not REASONED.match(token.string)
    ]
    assert unexplained == []


def test_a_built_wheel_contains_the_data_folders(tmp_path: Path) -> None:
    """The wheel has all claims, targets, suites and templates of the checkout, and all packages."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    contents = set(zipfile.ZipFile(wheel).namelist())
    names = [path.relative_to(ROOT) for path in tracked()]
    folders = {"claims", "suites", "targets", "conftest.py", "reports"}
    included = [name for name in names if name.parts[0] != "reports" or name.parts[1] == "templates"]
    bundled = [f"surveyor/_bundle/{name.as_posix()}" for name in included if name.parts[0] in folders]
    package = [name.relative_to("src").as_posix() for name in names if name.parts[0] == "src"]
    assert {name.split("/")[2] for name in bundled} == folders
    assert sorted(set(bundled + package) - contents) == []
    assert not [name for name in contents if "__pycache__" in name]
