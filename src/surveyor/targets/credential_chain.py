"""Find the credentials of a run as the AWS CLI finds them: variables, profiles, roles, programs, metadata services.

botocore's providers do it, with limits: a program may not run for ever, a code of an MFA device is asked for once and
on a terminal only, and the role of a profile is assumed at the run's endpoint, by its proxy and its certificates.
"""

from __future__ import annotations

import getpass
import os
import sys
from typing import Any

from botocore.config import Config
from botocore.credentials import (
    AssumeRoleProvider,
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ProcessProvider,
    create_credential_resolver,
)
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    InfiniteLoopConfigError,
    InvalidConfigError,
    LoginError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)
from botocore.session import Session

from surveyor import timeouts
from surveyor.account.failed_calls import advice_on
from surveyor.account.refusals import DENIED
from surveyor.account.removal.account import error_code
from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.targets.credential_process import run_credential_process
from surveyor.targets.model import Target
from surveyor.targets.transport import limit_answers

__all__ = ["END_VARIABLES", "RunSession", "find_credentials", "no_credentials", "one_line", "own_calls"]

END_VARIABLES = ("AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION")
"""What `aws configure export-credentials` and others call the end of the credentials beside it."""

_BROKEN_PROFILE = (InfiniteLoopConfigError, InvalidConfigError, PartialCredentialsError)
_LOGIN = {SSOError: "aws sso login", TokenRetrievalError: "aws sso login", LoginError: "aws login"}


class RunSession(Session):
    """A session of a target's profile. Clients of STS that its providers create call where the run calls."""

    def __init__(self, target: Target) -> None:
        super().__init__(profile=target.credentials.profile)
        self._target = target
        self.asked = False  # whether a code of an MFA device was asked for

    def create_client(self, service_name: str, *positional: Any, **named: Any) -> Any:
        """Create a client; one of STS without an endpoint gets that of the run, and limits."""
        if service_name != "sts" or named.get("endpoint_url") is not None:
            return super().create_client(service_name, *positional, **named)
        config = own_calls(self._target).merge(named.get("config") or Config())
        named |= {"endpoint_url": self._target.endpoint, "config": config}
        client = super().create_client(service_name, *positional, **named)
        limit_answers(client)
        return client

    def ask_for_code(self, prompt: str) -> str:
        """Ask for a code of an MFA device on the terminal. Raises UsageError if there is none."""
        if sys.stdin is None or not sys.stdin.isatty():
            name = self.profile or "default"
            raise UsageError(
                f"the profile {name} needs a code of an MFA device, and there is no terminal to ask on: "
                f'eval "$(aws configure export-credentials --profile {name} --format env)", and leave --profile out'
            )
        self.asked = True
        try:
            return getpass.getpass(prompt).strip()
        except EOFError:
            raise UsageError("no code of the MFA device was given") from None


def own_calls(target: Target) -> Config:
    """Return the settings of calls that are no part of a test: few attempts, and a limit on the time of each."""
    config = Config(  # type: ignore[call-arg]  # the stubs do not know ignore_configured_endpoint_urls
        connect_timeout=timeouts.CONNECT if target.is_local else timeouts.PROBE_ANSWER,
        read_timeout=timeouts.PROBE_ANSWER,
        retries={"mode": "standard", "total_max_attempts": 2},
        ignore_configured_endpoint_urls=True,
    )
    if target.endpoint is not None:  # AWS_USE_FIPS_ENDPOINT is about endpoints of AWS
        config = config.merge(Config(use_fips_endpoint=False, use_dualstack_endpoint=False))
    return config.merge(Config(proxies={})) if target.is_local else config


def find_credentials(session: RunSession, target: Target) -> Credentials:
    """Return the credentials of a target that has no fixed ones; what may be renewed was fetched once.

    Raises UsageError for a profile that cannot be used, TargetUnavailable if there are no credentials.
    """
    try:
        found = _resolver(session, target).load_credentials()
        if found is not None:
            found.get_frozen_credentials()  # the role of a profile is assumed only now
    except SurveyorError:
        raise
    except Exception as error:  # noqa: BLE001  # the boundary: a provider raises whatever its source makes of it
        raise no_credentials(target, error) from None
    if found is None:
        where = (
            f"the profile {target.credentials.profile} has none"
            if target.credentials.profile
            else "neither in the environment nor in a profile"
        )
        raise TargetUnavailable(f"no credentials for {target.name}: {where}")
    return found


def no_credentials(target: Target, error: BaseException) -> SurveyorError:
    """Return the error, in one line, of a run that gets no credentials."""
    name = target.credentials.profile or os.environ.get("AWS_PROFILE") or "default"
    if isinstance(error, _BROKEN_PROFILE):
        return UsageError(f"the profile {name} cannot be used: {one_line(error)}")
    if isinstance(error, ClientError):
        advice, message = advice_on(error.response), " ".join(str(error.response["Error"].get("Message", "")).split())
        if error.operation_name == "AssumeRole" and error_code(error) in DENIED:
            advice = "create the role, or let its trust policy name who assumes it, who must be allowed to"
        return TargetUnavailable(
            f"no credentials for {target.name}: {error.operation_name} for the profile {name} was refused with "
            f"{error_code(error)}{f': {advice}' if advice else ''}; nothing was created ({message})"
        )
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}"
    elif isinstance(error, BotoCoreError | RuntimeError):
        what = one_line(error)
    else:  # its text may be a part of the setting
        what = f"one of its settings cannot be read ({type(error).__name__})"
    login = next((command for kind, command in _LOGIN.items() if isinstance(error, kind)), "")
    cure = f"; `{login} --profile {name}` first" if login else ""
    return TargetUnavailable(f"no credentials for {target.name}: the profile {name}: {what}{cure}")


def one_line(error: BaseException) -> str:
    """Return the text of an error without line breaks."""
    return " ".join(str(error).split())


def _resolver(session: RunSession, target: Target) -> CredentialResolver:
    """Return botocore's chain of providers, with the limits of a run."""
    resolver = create_credential_resolver(session, region_name=target.region)

    def process_provider(name: str) -> CredentialProvider:
        return ProcessProvider(name, lambda: session.full_config, popen=run_credential_process)

    for provider in resolver.providers:
        if isinstance(provider, ProcessProvider):
            _set(provider, "_popen", run_credential_process)
        elif isinstance(provider, AssumeRoleProvider):
            _set(provider, "_prompter", session.ask_for_code)
            _set(vars(provider)["_profile_provider_builder"], "_create_process_provider", process_provider)
    try:
        # botocore would read the same credentials there again when they end.
        _set(resolver.get_provider("env"), "environ", {k: v for k, v in os.environ.items() if k not in END_VARIABLES})
    except UnknownCredentialError:  # a profile is named, and the environment is not read
        return resolver
    return resolver


def _set(part: Any, member: str, value: object) -> None:
    """Set a member that botocore has no parameter for where the part is created."""
    if not hasattr(part, member):
        raise TargetUnavailable(f"this version of botocore has no {type(part).__name__}.{member}")
    setattr(part, member, value)
