"""Credentials of profiles: found once in the process that begins a run, and handed to its other processes."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError, CredentialRetrievalError

from surveyor import timeouts
from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.targets.caller import describe_caller
from surveyor.targets.credential_chain import no_credentials
from surveyor.targets.credential_process import run_credential_process
from surveyor.targets.credential_relay import SOCKET_VARIABLE, ask_for_credentials, serve_credentials
from surveyor.targets.credentials import hand_over, open_session
from tests.account.conftest import ACCOUNT, EmulatorAccount

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/me"
ROLE = "[profile a]\nrole_arn = {role}\nsource_profile = "
SSO = """[profile a]
sso_session = s
sso_account_id = 1
sso_role_name = r
[sso-session s]
sso_region = us-east-1
sso_start_url = https://x
"""
CLAIM = ("--claim", "services.create-is-synchronous")


@pytest.fixture(scope="module")
def user(emulator: EmulatorAccount) -> dict[str, str]:
    """Return the keys of a user that may assume a role which may do everything, and the role."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        iam = emulator.clients().client("iam", ACCOUNT)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        iam.create_user(UserName="me")
        iam.put_user_policy(UserName="me", PolicyName="all", PolicyDocument=policy)
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName="run", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        iam.put_role_policy(RoleName="run", PolicyName="all", PolicyDocument=policy)
        key = iam.create_access_key(UserName="me")["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"], "role": role}


@pytest.fixture
def config(user: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Path]:
    """Take the keys from the environment, and write a config file with the profile `me` and further lines."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    path = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")

    def write(more: str = "") -> Path:
        keys = f"aws_access_key_id = {user['id']}\naws_secret_access_key = {user['secret']}\n"
        role = f"role_arn = {user['role']}\nsource_profile = me\n"
        mfa = f"[profile code]\n{role}mfa_serial = {SERIAL}\n"
        path.write_text(f"[profile me]\n{keys}[profile role]\n{role}{mfa}{more}")
        return path

    write()
    return write


Config = Callable[[str], Path]


def refused(emulator: EmulatorAccount, profile: str, kind: type[SurveyorError]) -> str:
    """Return the line with which a profile is refused."""
    with pytest.raises(kind) as refusal:
        open_session(emulator.target(profile=profile))
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.soak
def test_the_role_of_a_profile_is_assumed_at_the_endpoint(
    emulator: EmulatorAccount, config: Config, user: dict[str, str]
) -> None:
    """Not at AWS: the target decides where all calls go, with its credentials too."""
    session, own = open_session(emulator.target(profile="role"))
    assert own is not None
    assert not own.temporary
    found = session.get_credentials()
    assert isinstance(found, RefreshableCredentials)
    assert found.get_frozen_credentials().token


def test_a_role_is_assumed_once_in_a_process(emulator: EmulatorAccount, config: Config) -> None:
    """Each part of a run opens a session of its profile."""
    first, second = (open_session(emulator.target(profile="role"))[0].get_credentials() for _ in range(2))
    assert first is second


def test_without_a_terminal_a_code_is_not_asked_for(
    emulator: EmulatorAccount, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says how to get credentials without one."""
    monkeypatch.setattr("sys.stdin", None)
    line = refused(emulator, "code", UsageError)
    assert "no terminal" in line
    assert "aws configure export-credentials --profile code" in line


def test_a_code_is_asked_for_once(emulator: EmulatorAccount, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its credentials cannot be renewed, so their end is known."""
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "123456"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", answer)
    _, _, own = (open_session(emulator.target(profile="code"))[1] for _ in range(3))
    assert len(asked) == 1
    assert SERIAL in asked[0]
    assert own is not None
    assert own.temporary
    assert own.end is not None
    assert own.end - time.time() > 3_000  # by the clock of the target, which runs ahead


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        (f"{ROLE}b\n{ROLE.replace(' a]', ' b]')}a\n", UsageError, "the profile a cannot be used: "),
        (f"{ROLE}a\n", UsageError, "the profile a cannot be used: "),
        (f"{ROLE}gone\n", UsageError, '"gone"'),
        ("[profile a]\nrole_arn = {role}\n", UsageError, "the profile a cannot be used: "),
        ("[profile a]\naws_access_key_id = x\n", UsageError, "aws_secret_access_key"),
        ("[profile a]\nregion = us-east-1\n", TargetUnavailable, "the profile a has none"),
        (f"{ROLE}me\n".replace("{role}", "arn:aws:iam::444455556666:role/other"), TargetUnavailable,
         "AssumeRole for the profile a was refused with AccessDenied"),
        ("[profile a]\nrole_arn =\n  x = y\nsource_profile = me\n", TargetUnavailable, "no credentials for aws"),
        (SSO, TargetUnavailable, "aws sso login --profile a"),
        ("[profile a]\nweb_identity_token_file = /gone\nrole_arn = {role}\n", TargetUnavailable, "/gone: No such file"),
        ("[profile a]\ncredential_process = sh -c 'SECRET\n", TargetUnavailable, "one of its settings cannot be read"),
    ],
    ids=["loop", "itself", "no source", "no source named", "half", "empty", "other role", "nested", "no login",
         "no token", "open quote"],
)  # fmt: skip
def test_a_profile_that_gives_no_credentials_is_one_line(
    emulator: EmulatorAccount,
    config: Config,
    user: dict[str, str],
    more: str,
    kind: type[SurveyorError],
    words: str,
) -> None:
    """What is wrong in the file is a usage error; what AWS refuses is not."""
    config(more.replace("{role}", user["role"]))
    assert words in refused(emulator, "a", kind)


@pytest.mark.parametrize(
    ("code", "ahead", "words"),
    [
        ("SignatureDoesNotMatch", 600, "this machine's clock is 600 s ahead of the account's: set it"),
        ("SignatureDoesNotMatch", -600, "this machine's clock is 600 s behind the account's: set it"),
        ("SignatureDoesNotMatch", 0, "the secret does not belong to the access key"),
        ("ExpiredToken", 0, "get new ones"),
        ("InvalidClientTokenId", 0, "the Region is not enabled"),
        ("AccessDenied", 0, "was refused with AccessDenied: create the role, or let its trust policy name"),
    ],
)
def test_why_a_role_is_not_assumed(emulator: EmulatorAccount, code: str, ahead: int, words: str) -> None:
    """A clock that is wrong, keys that have ended, a Region that is not enabled, a trust policy."""
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=ahead), usegmt=True)
    error: Any = {"Error": {"Code": code, "Message": "no\nway"}, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    line = str(no_credentials(emulator.target(), ClientError(error, "AssumeRole")))
    assert words in line.replace("601 s", "600 s").replace("599 s", "600 s")


PROGRAMS: Mapping[str, tuple[str, str]] = {
    "fails": ("import sys; print('SECRET' * 9, file=sys.stderr); sys.exit(3)", "it ended with status 3"),
    "garbage": ("print('SECRET' * 9)", "expected one JSON object"),
    "nothing": ("pass", "expected one JSON object"),
    "not UTF-8": (r"import sys; sys.stdout.buffer.write(b'\xff\xfe')", "expected one JSON object"),
    "endless": ("while True: print('SECRET' * 999)", "more than 65536 bytes"),
    "deep": ("print('[' * 60000)", "expected one JSON object"),
    "hangs": ("import time; time.sleep(60)", "it did not end within 1 s"),
    "closes": ("import os, time; os.close(1); time.sleep(60)", "it did not end within 1 s"),
    "version": ("print('{\"Version\": 2}')", "expected Version 1"),
    "no secret": ('print(\'{"Version": 1, "AccessKeyId": "SECRET"}\')', "expected a text as SecretAccessKey"),
    "number": ('print(\'{"Version": 1, "AccessKeyId": 7}\')', "expected a text as AccessKeyId"),
}


@pytest.mark.soak
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_gives_no_credentials_is_one_line(
    emulator: EmulatorAccount, config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """It is ended in time, and nothing that it prints is shown."""
    monkeypatch.setattr(timeouts, "CREDENTIAL_PROCESS", 1.0)
    text, words = PROGRAMS[name]
    script = tmp_path / "program.py"
    script.write_text(text)
    config(f"[profile a]\ncredential_process = {sys.executable} {script}\n")
    line = refused(emulator, "a", TargetUnavailable)
    assert words in line
    assert "SECRET" not in line


@pytest.mark.parametrize("command", ["/nonexistent", "/etc", "''", "a\tb"])
def test_a_program_that_cannot_be_started_is_one_line(emulator: EmulatorAccount, config: Config, command: str) -> None:
    """A missing file, a directory, an empty name."""
    config(f"[profile a]\ncredential_process = {command}\n")
    assert "it cannot be started" in refused(emulator, "a", TargetUnavailable)


def test_the_errors_of_a_program_are_discarded(capfd: pytest.CaptureFixture[str]) -> None:
    """Also when it succeeds."""
    answer = '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S"}'
    script = f"import sys; print('SECRET', file=sys.stderr); print('{answer}')"
    assert json.loads(run_credential_process([sys.executable, "-c", script]).output)["AccessKeyId"] == "A"
    assert capfd.readouterr().err == ""


def in_child(name: str) -> subprocess.CompletedProcess[str]:
    """Ask for credentials in another process, and return what it prints."""
    code = (
        "from surveyor.targets.credential_relay import ask_for_credentials as ask; "
        f"found = ask({name!r}); print(found and (*found[0].get_frozen_credentials()[:3], found[1]))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.soak
def test_another_process_gets_the_credentials() -> None:
    """With their end; others than those of the run it looks for itself."""
    with serve_credentials({"environment": (Credentials("A", "S", "T"), 7.0)}):
        assert in_child("environment").stdout == "('A', 'S', 'T', 7.0)\n"
        assert in_child("profile x").stdout == "None\n"
        folder = Path(os.environ[SOCKET_VARIABLE]).parent
        assert folder.stat().st_mode & 0o77 == 0
    assert SOCKET_VARIABLE not in os.environ
    assert not folder.exists()
    assert ask_for_credentials("environment") is None


@pytest.mark.soak
def test_credentials_are_renewed_for_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first process, which has what it takes."""
    renewed: list[int] = []

    def refresh() -> dict[str, Any]:
        renewed.append(1)
        end = datetime.now(UTC) + timedelta(seconds=5 if len(renewed) == 1 else 3_600)
        return {"access_key": f"A{len(renewed)}", "secret_key": "S", "token": "T", "expiry_time": end.isoformat()}

    first = RefreshableCredentials.create_from_metadata(refresh(), refresh, "assume-role")
    with serve_credentials({"environment": (first, None)}):
        handed = ask_for_credentials("environment")
        assert handed is not None
        assert handed[0].get_frozen_credentials().access_key == "A2"
    assert handed[0].get_frozen_credentials().access_key == "A2"


@pytest.mark.soak
def test_why_credentials_cannot_be_renewed_is_handed_on() -> None:
    """The other process ends as the first one would."""

    def refresh() -> dict[str, Any]:
        raise CredentialRetrievalError(provider="custom-process", error_msg="no login")

    past = datetime.now(UTC) - timedelta(seconds=5)
    with (
        serve_credentials({"environment": (RefreshableCredentials("A", "S", "T", past, refresh, "x"), None)}),
        pytest.raises(CredentialRetrievalError, match="no login"),
    ):
        ask_for_credentials("environment")


@pytest.mark.soak
def test_a_path_that_is_too_long_for_a_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another folder is used."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with serve_credentials({}):
        assert in_child("environment").stdout == "None\n"


def test_targets_without_credentials_of_the_user_hand_over_nothing(emulator: EmulatorAccount) -> None:
    """No process is asked."""
    from surveyor.layout import find_layout
    from surveyor.targets import load_target

    with hand_over(load_target("embedded", find_layout().targets)):
        assert SOCKET_VARIABLE not in os.environ


@pytest.mark.soak
def test_another_key_in_the_environment_is_used(emulator: EmulatorAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command within a run that sets its own credentials does not get those of the run."""

    def key() -> str | None:
        found = open_session(emulator.target())[0].get_credentials()
        return found.access_key if found else None

    with hand_over(emulator.target()):
        assert key() == ACCOUNT
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999988887777")
        assert key() == "999988887777"


@pytest.fixture
def watch_processes() -> Iterator[set[str]]:
    """Collect arguments and environments of all processes while the test runs."""
    seen: set[str] = set()
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(0.05):
            for folder in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        seen.add((folder / name).read_text(errors="replace"))
                    except OSError:
                        continue

    thread = threading.Thread(target=collect)
    thread.start()
    yield seen
    ended.set()
    thread.join()


@pytest.mark.soak
def test_a_run_asks_for_a_code_once(
    emulator: EmulatorAccount, config: Config, user: dict[str, str], tmp_path: Path, watch_processes: set[str]
) -> None:
    """Its workers get the session; no secret is in an argument, a variable or a file."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "surveyor", "conform", "--target", "aws", "--account", ACCOUNT, "--profile",
               "code", "--endpoint", emulator.endpoint, "--dns", "control", "--out", str(tmp_path / "out"), *CLAIM,
               "--claim", "namespaces.http.only-description-changes", "--workers", "2"]  # fmt: skip
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               env=os.environ | {"COLUMNS": "200"})  # fmt: skip
    os.close(slave)
    text, answered, end = b"", 0, time.monotonic() + 120
    while time.monotonic() < end and select.select([master], [], [], end - time.monotonic())[0]:
        try:
            text += os.read(master, 65_536)
        except OSError:  # the process has ended
            break
        if text.count(b"Enter MFA code") > answered:
            answered += 1
            os.write(master, b"123456\n")
    assert process.wait(60) == 0, text.decode(errors="replace")
    assert answered == 1, text.decode(errors="replace")
    assert not [1 for value in watch_processes if user["secret"] in value]
    assert user["secret"] not in "".join(
        path.read_text(errors="replace") for path in (tmp_path / "out").rglob("*") if path.is_file()
    )


@pytest.mark.soak
def test_the_caller_is_named_on_the_terminal(
    emulator: EmulatorAccount, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the alias of the account if it may be read."""
    monkeypatch.setenv("AWS_PROFILE", "me")
    who = f"as arn:aws:iam::{ACCOUNT}:user/me, us-east-1"
    assert describe_caller(emulator.target()) == f"account {ACCOUNT} {who}"
    iam = emulator.clients().client("iam", ACCOUNT)
    iam.create_account_alias(AccountAlias="acme-staging")
    assert describe_caller(emulator.target()) == f"account {ACCOUNT} (acme-staging) {who}"
    statement = {"Effect": "Deny", "Action": "iam:ListAccountAliases", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="me", PolicyName="no-alias", PolicyDocument=policy)
    assert describe_caller(emulator.target()) == f"account {ACCOUNT} {who}"
    line = describe_caller(emulator.target(profile="role", region="eu-west-1"))
    assert line.startswith(f"account {ACCOUNT} (acme-staging) as arn:aws:sts::{ACCOUNT}:assumed-role/run/")
    assert line.endswith(", eu-west-1")
