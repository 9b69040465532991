"""Options that say on which target a service of the user's runs, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import Account, DnsText, Endpoint, Profile, Region

if TYPE_CHECKING:
    from surveyor.targets.model import Target

__all__ = ["ServiceTarget"]


@dataclass(frozen=True)
class ServiceTarget:
    """The target of a service that exists."""

    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Target that runs the service.")] = "aws"
    account: Account = None
    profile: Profile = None
    region: Region = None
    endpoint: Endpoint = None
    dns: DnsText = None

    def load(self) -> Target:
        """Return the target. Raises UsageError."""
        from surveyor.layout import find_layout
        from surveyor.targets import load_target
        from surveyor.targets.options import TargetOptions

        options = TargetOptions(
            account=self.account, region=self.region, endpoint=self.endpoint, dns=self.dns, profile=self.profile
        )
        return load_target(self.target, find_layout().targets, options, "read")
