"""Groups of options that say how a target is reached and what a run may do there; each extends the one before."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from surveyor.cli._support.options import (
    Account,
    BudgetText,
    ConsumerProfile,
    DnsText,
    Enable,
    Endpoint,
    FromVpc,
    Profile,
    Region,
    Role,
    ServiceRole,
    Tag,
    Vpc,
)
from surveyor.targets.options import TargetOptions, split_features

__all__ = ["AccountOptions", "ConformOptions", "RunOptions", "SuiteOptions", "TaskOptions"]


@dataclass(frozen=True)
class AccountOptions:
    """How an account is reached: enough to read it."""

    account: Account = None
    profile: Profile = None
    region: Region = None
    endpoint: Endpoint = None

    def target_options(self) -> TargetOptions:
        """Return them as the options of a target. Raises UsageError."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["enable"], values["tag"] = split_features(values.get("enable") or []), tuple(values.get("tag") or ())
        return TargetOptions(**values)


@dataclass(frozen=True)
class RunOptions(AccountOptions):
    """And what a run may create there."""

    dns: DnsText = None
    budget: BudgetText = None
    tag: Tag = None


@dataclass(frozen=True)
class TaskOptions(RunOptions):
    """And what it uses of an account: for commands that start tasks."""

    vpc: Vpc = None
    role: Role = None
    enable: Enable = None


@dataclass(frozen=True)
class SuiteOptions(TaskOptions):
    """And the second account: for commands that run suites."""

    consumer_profile: ConsumerProfile = None


@dataclass(frozen=True)
class ConformOptions(SuiteOptions):
    """And the place from which names are asked and tasks are called."""

    from_vpc: FromVpc = None
    service_role: ServiceRole = None
