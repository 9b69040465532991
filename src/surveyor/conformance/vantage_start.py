"""Start the vantage of a run before its tests: what keeps it from starting costs one line, and leaves nothing."""

from __future__ import annotations

from botocore.exceptions import ClientError

from surveyor.account.failed_calls import describe_failed_call
from surveyor.account.ledger import Ledger, Owner
from surveyor.conformance.pytest_run import RunConfig
from surveyor.errors import TargetUnavailable, UsageError
from surveyor.targets import Target
from surveyor.targets.consumer import close_accounts
from surveyor.targets.running import RunningTarget, reach_target
from surveyor.targets.sweep import existing_resources, not_searched
from surveyor.vantage import choose_place, open_main

__all__ = ["start_vantage"]

_LEDGER = "ledger-vantage.jsonl"


def start_vantage(config: RunConfig, target: Target) -> str:
    """Start the vantage of a run and return a line about it.

    Raises UsageError for subnets that cannot be used, and TargetUnavailable if the task does not start; what was
    created for it is deleted then.
    """
    owner = Owner(config.run, config.target, target.account or "", target.region, target.endpoint,
                  config.target_options.dns, profile=target.credentials.profile)  # fmt: skip
    ledger = Ledger(config.out / _LEDGER, owner)
    try:
        with reach_target(target, config.seed, ledger) as running:
            return _start(running, ledger, target)
    except TargetUnavailable as error:
        raise TargetUnavailable(f"{error}; {_clean_up(config, owner, target, ledger)}") from None
    except BaseException:  # Ctrl-C, too: nothing may be left
        _clean_up(config, owner, target, ledger)
        raise
    finally:
        ledger.close()


def _clean_up(config: RunConfig, owner: Owner, target: Target, ledger: Ledger) -> str:
    """Delete what was created for a vantage, and return what is left in words."""
    ledger.close()
    if not ledger.count:
        return "nothing was created"
    close_accounts(config.out, owner, target, reach_target, not_searched(target, config.command))
    left = existing_resources(config.out)
    return f"left behind: {', '.join(map(str, left))}; `surveyor sweep {config.out}`" if left else "nothing is left"


def _start(running: RunningTarget, ledger: Ledger, target: Target) -> str:
    began = running.clock.now()
    try:
        place = choose_place(running.clients.client("ec2", target.account or ""), target.from_vpc or ())
        if place is None:
            raise UsageError(
                f"--from-vpc: account {target.account} has no default VPC in {target.region}: name subnets, "
                "--from-vpc SUBNET,…"
            )
        task = open_main(running, ledger, place)
    except ClientError as error:
        why = describe_failed_call(error.operation_name, error.response)
        raise TargetUnavailable(f"the vantage cannot start: {why}") from None
    seconds = running.clock.now() - began
    return (
        f"vantage: a task in {place.vpc} ({task.address}) asks {task.resolver} and reaches S3; nothing reaches it "
        f"({seconds:.0f} s)"
    )
