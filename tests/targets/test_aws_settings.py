"""Settings of the AWS CLI: which a run follows, which it refuses, and how broken ones are reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.targets import Credentials, Target, load_target
from surveyor.targets.aws_settings import check_transport_settings
from surveyor.targets.options import TargetOptions, pinned
from surveyor.targets.regions import Use

ACCOUNT = "111122223333"
CONFIG = """
[default]
region = eu-central-1
[profile team-a]
region = eu-west-1
[profile far]
region = eu-south-1
[profile odd]
region = eu west
[profile at]
endpoint_url = http://127.0.0.1:4566
[profile some]
services = local
[profile ignores]
endpoint_url = http://127.0.0.1:4566
ignore_configured_endpoint_urls = true
[services local]
ecs =
  endpoint_url = http://127.0.0.1:4566
"""


@pytest.fixture(autouse=True)
def write_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write the file ~/.aws/config of the tests, and take every variable of the AWS CLI away."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    path = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")

    def write(text: str | bytes) -> Path:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    write(CONFIG)
    return write


def load(name: str = "aws", use: Use = "create", **options: Any) -> Target:
    """Load a target with options."""
    return load_target(name, find_layout().targets, TargetOptions(**{"account": ACCOUNT, **options}), use)


def refused(**options: Any) -> str:
    """Return the line with which options are refused."""
    with pytest.raises(UsageError) as refusal:
        load(**options)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("variables", "options", "region"),
    [
        ({}, {}, "eu-central-1"),
        ({}, {"profile": "team-a"}, "eu-west-1"),
        ({"AWS_PROFILE": "team-a"}, {}, "eu-west-1"),
        ({}, {"profile": "some", "endpoint": "http://127.0.0.1:1"}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "us-west-2"}, {"profile": "team-a"}, "us-west-2"),
        ({"AWS_DEFAULT_REGION": "us-west-2", "AWS_REGION": "us-east-2"}, {}, "us-east-2"),
        ({"AWS_REGION": "us-east-2"}, {"region": "eu-north-1", "profile": "team-a"}, "eu-north-1"),
        ({"AWS_REGION": ""}, {}, "eu-central-1"),
    ],
)
def test_the_region_is_found_as_the_aws_cli_finds_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], options: dict[str, Any], region: str
) -> None:
    """The command line comes first, then the variables, the profile, and the target file last."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    target = load(**options)
    assert target.region == region
    assert pinned(TargetOptions(), target).region == region


def test_targets_without_credentials_of_the_user_follow_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variables nor files of the AWS CLI change what is started here."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_PROFILE", "unknown")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert load("embedded").region == "us-east-1"
    assert load("http://127.0.0.1:1", account=None).region == "us-east-1"


def test_a_description_follows_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy is printed for the target, whatever the user has set."""
    for name, value in {"AWS_REGION": "x", "AWS_PROFILE": "unknown", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    assert load(use="describe").region == "us-east-1"


def test_only_what_creates_is_bound_to_the_list_of_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit, a gate and a sweep work in each Region of AWS."""
    assert load(profile="far", use="read").region == "eu-south-1"
    assert "not in eu-south-1 (the profile far): choose one with --region, or add it" in refused(profile="far")
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert "not in ap-south-1 (AWS_REGION)" in refused()
    assert load(use="read").region == "ap-south-1"


@pytest.mark.parametrize("use", ["create", "read"])
@pytest.mark.parametrize(
    "text",
    ["", " ", "eu west", "us-east-1a", "EU-WEST-1", "eu-west-1\n", "eu-west-1/../x", "a" * 100_000, "\x1b[31m", "é"],
)
def test_what_is_no_region_is_refused(monkeypatch: pytest.MonkeyPatch, use: Use, text: str) -> None:
    """In one line that names where it stands."""
    assert refused(region=text, use=use).startswith("--region: expected a Region such as eu-west-1, got ")
    assert len(refused(region=text, use=use)) < 250
    if text.strip():
        monkeypatch.setenv("AWS_DEFAULT_REGION", text)
        assert refused(use=use).startswith("AWS_DEFAULT_REGION: expected a Region such as")


def test_a_profile_with_no_region_is_refused() -> None:
    """The line names the profile."""
    assert refused(profile="odd").startswith("the profile odd: expected a Region such as eu-west-1, got 'eu west'")


def test_a_region_that_aws_does_not_have_is_refused() -> None:
    """With the nearest one; at an endpoint any name will do that has the form of one."""
    assert (
        refused(region="eu-wets-1", use="read") == "--region: AWS has no Region 'eu-wets-1'; did you mean 'eu-west-1'?"
    )
    assert "add it to `regions` in aws.toml" in refused(region="zz-nowhere-99", use="read")
    assert load(region="eu-wets-1", use="read", endpoint="http://127.0.0.1:1").region == "eu-wets-1"


@pytest.mark.parametrize(
    ("variables", "profile", "where"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, None, "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL_ROUTE_53": "http://127.0.0.1:1"}, None, "AWS_ENDPOINT_URL_ROUTE_53"),
        ({"AWS_ENDPOINT_URL_STS": "https://sts.eu-west-1.amazonaws.com"}, "team-a", "AWS_ENDPOINT_URL_STS"),
        ({"AWS_ENDPOINT_URL": "\x1b]0;x\x07"}, None, "AWS_ENDPOINT_URL"),
        ({}, "at", "endpoint_url of the profile at"),
        ({"AWS_PROFILE": "at"}, None, "endpoint_url of the profile at"),
        ({}, "some", "endpoint_url of ecs in the services local of the profile some"),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "no"}, "at", "endpoint_url of the profile at"),
    ],
)
@pytest.mark.parametrize("use", ["create", "read"])
def test_an_endpoint_in_the_settings_is_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], profile: str | None, where: str, use: Use
) -> None:
    """One line says where it is named and what to do; it is never ignored silently."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    line = refused(profile=profile, use=use)
    assert line.startswith(f"{where} names an endpoint, and the target is AWS itself")
    assert "--endpoint" in line
    assert load(profile=profile, use=use, endpoint="http://127.0.0.1:9").endpoint == "http://127.0.0.1:9"


def test_endpoints_can_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the AWS CLI does: by a variable or by the profile; an empty variable names none."""
    assert load(profile="ignores").endpoint is None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    assert load().endpoint is None
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert load().endpoint is None


def test_a_profile_is_used() -> None:
    """Its credentials and no others."""
    assert load(profile="team-a").credentials == Credentials("profile", profile="team-a")


@pytest.mark.parametrize("name", ["team_a", "", "default ", "\x1b[31m", "x" * 100_000])
def test_an_unknown_profile_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With the names that exist; one in AWS_PROFILE, and one of the consumer, too."""
    assert "have 'default', 'team-a', 'far'" in refused(profile=name)
    assert "there is no profile" in refused(consumer_profile=name)
    monkeypatch.setenv("AWS_PROFILE", name)
    assert "there is no profile" in refused()


@pytest.mark.parametrize("option", ["profile", "consumer_profile"])
def test_a_profile_goes_only_with_an_account(option: str) -> None:
    """A target that is started, or has accounts per test, takes no credentials of the user."""
    for name in ("embedded", "http://127.0.0.1:1"):
        assert "takes no credentials of yours" in refused(name=name, account=None, **{option: "team-a"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CONFIG + "[default]\n", "there is a second section [default]"),
        ("[default]\nregion = a\nregion = b\n", ":3: [default] has region twice"),
        ("[default]\nregion = eu-west-1\n[profile te", ":3: expected [SECTION] or KEY = VALUE"),
        ("aws_secret_access_key = SECRETSECRETSECRET\n", ":1: expected a section such as [default] first"),
        ("[default]\naws_secret_access_key SECRETSECRETSECRET\n", ":2: expected [SECTION] or KEY = VALUE"),
        ("[default]\ns3 =\n  SECRETSECRETSECRET\n", "a setting of several lines must have the form"),
        (b"\xff\xfe[\x00d\x00", "it is not text in UTF-8"),
        ("[default]\n" + "# filled\n" * 200_000, "it is larger than 1 MB"),
    ],
    ids=["second section", "second key", "cut short", "no section", "no value", "nested", "not UTF-8", "huge"],
)
def test_a_broken_file_is_reported_in_one_line(
    write_config: Callable[[str | bytes], Path], text: str | bytes, words: str
) -> None:
    """With file and line, and nothing of its content."""
    path = write_config(text)
    line = refused()
    assert words in line
    assert "SECRET" not in line
    assert str(path) in line or "~/.aws" in line


@pytest.mark.parametrize("url", [None, "https://127.0.0.1:1"])
@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_certificates_that_cannot_be_used_are_refused(
    monkeypatch: pytest.MonkeyPatch, write_config: Callable[[str], Path], url: str | None, name: str
) -> None:
    """A missing file, a directory, and one without certificates; calls without TLS need none."""
    for path in ("/nonexistent.pem", str(Path(__file__).parent), str(write_config(CONFIG))):
        monkeypatch.setenv(name, path)
        with pytest.raises(UsageError, match=f"^{name}: .*expected certificates in PEM"):
            check_transport_settings(Session(), url)
        check_transport_settings(Session(), "http://127.0.0.1:1")


@pytest.mark.parametrize("text", ["http://", "socks5://x:1", "http://[::1", "http://x:port", "http://x:99999", "://"])
def test_what_is_no_proxy_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """In one line that does not repeat it, since it may hold a password; towards this machine none is used."""
    monkeypatch.setenv("HTTPS_PROXY", text)
    with pytest.raises(UsageError, match=r"^HTTPS_PROXY is not the URL of a proxy: expected http://HOST:PORT$"):
        check_transport_settings(Session(), None)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    check_transport_settings(Session(), None)
