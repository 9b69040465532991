"""`surveyor emulator` runs the embedded target for other programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import boto3
import pytest

pytestmark = pytest.mark.soak  # each test starts an emulator

COMMAND = (sys.executable, "-m", "surveyor", "emulator")


def test_boto3_reaches_it_with_the_printed_settings_until_ctrl_c() -> None:
    """A plain boto3 client needs only the printed settings; Ctrl-C ends the emulator with 130."""
    command = [
        sys.executable,
        "-c",
        "import sys; from surveyor.cli import main; sys.exit(main())",
        "emulator",
        "--port",
        "0",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    settings: dict[str, str] = {}
    try:
        for line in process.stdout:
            if line.startswith("dig "):
                break
            name, _, value = line.strip().removeprefix("export ").partition("=")
            settings[name] = value
        assert settings["AWS_DISABLE_HOST_PREFIX_INJECTION"] == "true"
        client = boto3.client(
            "servicediscovery",
            endpoint_url=settings["AWS_ENDPOINT_URL"],
            region_name=settings["AWS_DEFAULT_REGION"],
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        )
        assert client.list_namespaces()["Namespaces"] == []
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130


def test_its_own_secrets_are_printed() -> None:
    """A token and a secret that the environment has already are those to be used, so they are not blanked."""
    token, secret = "a-token-for-every-start", "a-secret-for-every-start"
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--secret", secret], stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "SURVEYOR_TOKEN": token, "AWS_SECRET_ACCESS_KEY": secret},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        lines = [next(process.stdout).strip() for _ in range(6)]
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
    assert f"export SURVEYOR_TOKEN={token}" in lines
    assert f"export AWS_SECRET_ACCESS_KEY={secret}" in lines


def test_options_are_passed_to_the_emulator() -> None:
    """--help and invalid options are answered by the emulator, with its exit code."""
    helped = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=False)
    assert helped.returncode == 0
    assert "--dns-port" in helped.stdout
    assert "surveyor emulator [OPTIONS]" in helped.stdout
    settings = [line for line in helped.stdout.splitlines() if line.startswith("  custom_health ")]
    assert settings[0].split(None, 3) == ["custom_health", "30", "s", "until a custom health status takes effect"]
    assert "one of no-wait, wait-for-operation, after-exit" in helped.stdout
    invalid = subprocess.run([*COMMAND, "--no-such"], capture_output=True, text=True, check=False)
    assert invalid.returncode == 2
    assert "--no-such" in invalid.stderr
