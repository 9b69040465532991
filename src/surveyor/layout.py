"""The folders of claims, targets, suites and the like: in a checkout, or inside the installed package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from surveyor.errors import UsageError

__all__ = ["Layout", "find_layout"]


@dataclass(frozen=True)
class Layout:
    """The folders that hold data and suites, all below one root."""

    root: Path

    @property
    def claims(self) -> Path:
        """Return the folder with one TOML file per area."""
        return self.root / "claims"

    @property
    def recordings(self) -> Path:
        """Return the folder with one TOML file per area."""
        return self.root / "recordings"

    @property
    def targets(self) -> Path:
        """Return the folder with one TOML file per target."""
        return self.root / "targets"

    @property
    def mutants(self) -> Path:
        """Return the folder with one TOML file per area."""
        return self.root / "mutants"

    @property
    def suites(self) -> Path:
        """Return the folder with one folder of tests per area."""
        return self.root / "suites"

    @property
    def chaos(self) -> Path:
        """Return the folder with one file per experiment."""
        return self.root / "chaos"

    @property
    def loadtests(self) -> Path:
        """Return the folder with one file per load scenario."""
        return self.root / "loadtests"

    @property
    def templates(self) -> Path:
        """Return the folder with the templates of reports."""
        return self.root / "reports" / "templates"

    @property
    def lock_file(self) -> Path:
        """Return the file with the pinned packages and their hashes."""
        return self.root / "requirements" / "lock.txt"

    @property
    def is_checkout(self) -> bool:
        """Return whether the files are those of a checkout, which may be edited, not of an installed package."""
        return (self.root / "pyproject.toml").is_file()

    @property
    def out(self) -> Path:
        """Return the folder for the output of runs: below the current directory, or below the checkout around it."""
        try:
            current = Path.cwd()
        except FileNotFoundError:
            raise UsageError("the current directory was removed; change to another") from None
        is_inside = self.is_checkout and current.is_relative_to(self.root.resolve())
        return (self.root if is_inside else current) / "reports" / "out"


def find_layout() -> Layout:
    """Return the checkout that this package is imported from, or the files inside the installed package."""
    package = Path(__file__).resolve().parent
    checkout = package.parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "claims").is_dir():
        return Layout(checkout)
    return Layout(package / "_bundle")
