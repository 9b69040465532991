"""Where claims, targets and suites are: in a checkout, or inside the installed package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from surveyor.errors import UsageError

__all__ = ["Layout", "find_layout"]


@dataclass(frozen=True)
class Layout:
    """The rooms that hold data and suites, all below one root."""

    root: Path

    @property
    def claims(self) -> Path:
        """One TOML file an area."""
        return self.root / "claims"

    @property
    def targets(self) -> Path:
        """One TOML file a target."""
        return self.root / "targets"

    @property
    def mutants(self) -> Path:
        """One TOML file an area."""
        return self.root / "mutants"

    @property
    def suites(self) -> Path:
        """One folder an area."""
        return self.root / "suites"

    @property
    def chaos(self) -> Path:
        """One file an experiment."""
        return self.root / "chaos"

    @property
    def loadtests(self) -> Path:
        """One file a load scenario."""
        return self.root / "loadtests"

    @property
    def templates(self) -> Path:
        """What reports are made from."""
        return self.root / "reports" / "templates"

    @property
    def is_checkout(self) -> bool:
        """Whether these files are somebody's own, to be edited, and not an installed package's."""
        return (self.root / "pyproject.toml").is_file()

    @property
    def out(self) -> Path:
        """This machine's runs: in the checkout, or below the current directory where there is none."""
        try:
            base = self.root if self.is_checkout else Path.cwd()
        except FileNotFoundError:
            raise UsageError("the current directory was removed; change to another") from None
        return base / "reports" / "out"


def find_layout() -> Layout:
    """The checkout that this package is imported from, else what the installed package carries along."""
    package = Path(__file__).resolve().parent
    checkout = package.parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "claims").is_dir():
        return Layout(checkout)
    return Layout(package / "_bundle")
