"""Where claims, targets and suites are: in a checkout, or inside the installed package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    def suites(self) -> Path:
        """One folder an area."""
        return self.root / "suites"

    @property
    def templates(self) -> Path:
        """What reports are made from."""
        return self.root / "reports" / "templates"

    @property
    def out(self) -> Path:
        """This machine's runs: in the checkout, or below the current directory where there is none."""
        base = self.root if (self.root / "pyproject.toml").is_file() else Path.cwd()
        return base / "reports" / "out"

    @property
    def expectations(self) -> Path:
        """What known targets are known to get wrong, one TOML file a target."""
        return self.targets / "expectations"


def find_layout() -> Layout:
    """The checkout that this package is imported from, else what the installed package carries along."""
    package = Path(__file__).resolve().parent
    checkout = package.parent.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "claims").is_dir():
        return Layout(checkout)
    return Layout(package / "_bundle")
