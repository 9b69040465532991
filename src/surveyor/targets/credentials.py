"""The credentials of a run in an account that outlives it: found once, when they end, that they have ended.

botocore renews what it got from a role, an identity provider or a process that names an end. Session credentials in
the environment or in a file cannot be renewed, nor those of a role that asks for a code: their end is read here, by the
clock of the target, which judges it. Other processes of a run ask the first one for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as SESSION_VARIABLES
from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from botocore.utils import parse_timestamp

from surveyor.account.failed_calls import advice_on
from surveyor.account.refusals import EXPIRED
from surveyor.errors import CredentialsEnded, UsageError
from surveyor.secret_values import SHORTEST_KEY, register
from surveyor.service_models import share_models
from surveyor.targets.aws_settings import check_transport_settings, read_profile
from surveyor.targets.credential_chain import END_VARIABLES, RunSession, find_credentials, no_credentials, one_line
from surveyor.targets.credential_files import credential_state
from surveyor.targets.credential_relay import SOCKET_VARIABLE, Handed, ask_for_credentials, serve_credentials
from surveyor.targets.model import Target

__all__ = ["LEAST", "RunCredentials", "hand_over", "open_session"]

LEAST = 60.0
"""Service seconds before their end in which credentials begin nothing any more: the run deletes what it made."""

_RESUME = ", and `surveyor conform --resume` judges the rest"

_END_KEYS = ("x_security_token_expires", "aws_expiration", "expiration")
"""What programs that write a profile call it."""

_REFUSED = (BotoCoreError, ClientError, RuntimeError)  # RuntimeError: botocore's, of new ones that have ended too


class RunCredentials:
    """The credentials of a session. `ended`: why they are of no use any more; None while they are.

    `temporary`: they end and cannot be renewed. `end`: the service time when they do; None if it is not known.
    """

    def __init__(self, found: Credentials, end: float | None = None) -> None:
        self.ended: str | None = None
        self._found = found
        self.temporary = not isinstance(found, RefreshableCredentials) and found.token is not None
        self.end = end if self.temporary else None

    def require(self) -> None:
        """Raise CredentialsEnded if they are known to have ended, or cannot be renewed."""
        if self.ended:
            raise CredentialsEnded(self.ended)
        try:
            self._found.get_frozen_credentials()
        except _REFUSED as error:
            raise self._note(f"the credentials of the run cannot be renewed: {one_line(error)}") from None

    def check_refusal(self, service: str, code: object) -> None:
        """Raise CredentialsEnded if an error code says that they are not valid any more: nothing will be answered."""
        if code in EXPIRED:
            advice = advice_on({"Error": {"Code": code}})
            why = f"the credentials of the run are no longer valid: {service} answered {code}: {advice}"
            raise self._note(why, str(code))

    def check_time(self, now: float) -> None:
        """Raise CredentialsEnded if they have ended at this service time, or end too soon for another test."""
        if self.end is not None and now > self.end - LEAST:
            raise self._note(f"the credentials of the run end at {_format(self.end)}, too soon for another test")

    def describe(self, now: float, expected: float | None) -> str:
        """Return a line about their end before a run of `expected` service seconds; "" if there is nothing to say.

        `expected` is None for a run whose size is not known and that cannot be resumed.
        Raises UsageError if they have ended, or end within a minute.
        """
        if not self.temporary:
            return ""
        if self.end is None:
            return (
                "the credentials of the run are temporary, and it is not known when they end "
                f"({END_VARIABLES[0]} would say it): if that is during the run, it stops"
            ) + (_RESUME if expected is not None else "")
        left = self.end - now
        if left < LEAST:
            when = f"in {left:.0f} s, too soon for a run" if left > 0 else f"{_minutes(-left)} ago"
            verb = "end" if left > 0 else "ended"
            raise UsageError(
                f"the credentials of the run {verb} at {_format(self.end)}, {when}: get new ones; nothing was created"
            )
        line = f"the credentials of the run end at {_format(self.end)}, in {_minutes(left)}"
        if expected is not None and expected > left - LEAST:
            line += f"; a run of this size takes about {_minutes(expected)}: it stops then{_RESUME}"
        return line

    def _note(self, why: str, code: str = "") -> CredentialsEnded:
        self.ended = why
        return CredentialsEnded(why, code)


def open_session(target: Target) -> tuple[Session, RunCredentials | None]:
    """Return a session that reads nothing from the environment, except for credentials where they come from there.

    Raises TargetUnavailable if there are none, and UsageError for settings that cannot be used.
    """
    if target.credentials.kind == "per-test":
        session = _session_without_credentials()
        share_models(session)
        return session, None
    session = RunSession(target)
    read_profile(session)
    share_models(session)
    check_transport_settings(session, target.endpoint)
    found, end = _resolve(session, target)
    try:
        register(*found.get_frozen_credentials()[:3], shortest=SHORTEST_KEY)
    except _REFUSED as error:
        raise no_credentials(target, error) from None
    session.register_component("credential_provider", CredentialResolver([_Known(found)]))
    return session, RunCredentials(found, end)


@contextmanager
def hand_over(*targets: Target) -> Iterator[None]:
    """Give the processes that are started meanwhile the credentials of these targets, so that nothing is asked twice.

    Raises as `open_session` does.
    """
    own = [target for target in targets if target.credentials.kind != "per-test"]
    if not own or os.environ.get(SOCKET_VARIABLE):  # this process has them from the one that began the run
        yield
        return
    known: dict[str, Handed] = {}
    for target in own:
        session = RunSession(target)
        read_profile(session)
        known[_name(target)] = _resolve(session, target)
    with serve_credentials(known):
        yield


class _Known(CredentialProvider):
    """Provides credentials that were found before."""

    METHOD = "known"

    def __init__(self, found: Credentials) -> None:
        super().__init__()
        self._found = found

    def load(self) -> Credentials:
        """Return them."""
        return self._found


_FOUND: dict[object, Handed] = {}
"""What was found in this process, by the settings that led to it: nothing is asked, run or assumed again."""


def _resolve(session: RunSession, target: Target) -> Handed:
    """Return the credentials of a target, and when they end if they cannot be renewed and that is known."""
    variables = frozenset((name, value) for name, value in os.environ.items() if name.startswith(("AWS_", "HOME")))
    key = (
        target.credentials,
        target.endpoint,
        target.region,
        variables,
        credential_state(),
        os.environ.get(SOCKET_VARIABLE),
    )
    if key not in _FOUND:
        try:
            handed = ask_for_credentials(_name(target))
        except _REFUSED as error:
            raise no_credentials(target, error) from None
        _FOUND[key] = handed or _find(session, target)
    return _FOUND[key]


def _find(session: RunSession, target: Target) -> Handed:
    found = find_credentials(session, target)
    if isinstance(found, RefreshableCredentials):
        if not session.asked:
            return found, None
        # They could be renewed with another code only.
        frozen, expiry = found.get_frozen_credentials(), getattr(found, "_expiry_time", None)
        static = Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token, method="mfa")
        return static, expiry.timestamp() if expiry else None
    return found, _end_of(session, found) if found.token is not None else None


def _name(target: Target) -> str:
    """Return the name of a target's credentials among those of a run; another key in the environment has another."""
    if target.credentials.profile is not None:
        return f"profile {target.credentials.profile}"
    return " ".join(["environment", *(os.environ.get(name, "") for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID"))])


def _session_without_credentials() -> Session:
    """Return a session without names of variables and files: neither AWS_PROFILE nor ~/.aws can redirect a run."""
    without_names = {name: (None, None, default, cast) for name, (_, _, default, cast) in SESSION_VARIABLES.items()}
    session = Session(session_vars=without_names)
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("credentials_file", "/dev/null")
    return session


def _end_of(session: Session, found: Credentials) -> float | None:
    """Return when credentials end. Raises UsageError for a variable that is not a time."""
    if found.method == "env":
        name = next((name for name in END_VARIABLES if os.environ.get(name)), "")
        end = _parse(os.environ[name]) if name else None
        if name and end is None:
            raise UsageError(f"{name} is not a time such as 2030-01-31T12:00:00Z, but {os.environ[name][:80]!r}")
        return end
    profile: Mapping[str, object] = session.get_scoped_config()
    ends = [_parse(str(profile[key])) for key in _END_KEYS if key in profile]
    return next((end for end in ends if end is not None), None)


def _parse(text: str) -> float | None:
    """Return a time in any format that botocore reads, without a zone as UTC; None for anything else."""
    try:
        time = parse_timestamp(text)
    except (ValueError, OverflowError, RuntimeError):
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _format(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
