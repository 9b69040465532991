"""Target files and what --target may name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.errors import TargetFileError, UsageError
from surveyor.layout import find_layout
from surveyor.targets import Credentials, Dns, TaskPlacement, load_target, target_names
from surveyor.targets.options import TargetOptions

GOOD = 'features = ["dns"]\n[start]\nargv = ["{python}", "-p", "{port}"]\n'


@pytest.mark.parametrize("name", ["embedded", "moto", "ministack"])
def test_known_targets_load(name: str) -> None:
    """The files that come along are right, started by Surveyor, and local."""
    target = load_target(name, find_layout().targets)
    assert (target.name, target.kind, target.is_local) == (name, "started", True)
    assert target.version()


def test_names_are_the_files(tmp_path: Path) -> None:
    """A target is known by the stem of its file."""
    (tmp_path / "mine.toml").write_text(GOOD)
    assert target_names(tmp_path) == ["mine"]
    assert load_target("mine", tmp_path).name == "mine"
    assert load_target(str(tmp_path / "mine.toml"), Path("elsewhere")).features == frozenset({"dns", "cloudmap"})


def test_the_place_of_tasks_is_read(tmp_path: Path) -> None:
    """Cluster, subnets, groups and capacity of the file; nothing where it is silent."""
    text = '[ecs]\ncluster = "c"\nsubnets = ["s-2", "s-1"]\nsecurity_groups = ["g"]\n'
    text += 'capacity = "FARGATE_SPOT"\npublic = true\n'
    (tmp_path / "mine.toml").write_text(GOOD + text)
    assert load_target("mine", tmp_path).place == TaskPlacement("c", ("s-1", "s-2"), ("g",), "FARGATE_SPOT", True)
    (tmp_path / "bare.toml").write_text(GOOD)
    assert load_target("bare", tmp_path).place == TaskPlacement()


def test_unknown_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    """A typing mistake gets the name that was meant."""
    (tmp_path / "ministack.toml").write_text(GOOD)
    with pytest.raises(UsageError, match=r"unknown target 'minstack'; did you mean 'ministack'\?"):
        load_target("minstack", tmp_path)
    with pytest.raises(UsageError, match=r"no target file at \./none\.toml"):
        load_target("./none.toml", tmp_path)


def test_url_is_an_endpoint(tmp_path: Path) -> None:
    """On this machine tests have accounts of their own; elsewhere credentials come from the environment."""
    local = load_target("http://127.0.0.1:4566/", tmp_path)
    assert (local.name, local.endpoint, local.features) == ("127.0.0.1:4566", "http://127.0.0.1:4566", None)
    assert local.is_local
    assert local.credentials == Credentials("per-test")
    with pytest.raises(UsageError, match="name it with --account"):
        load_target("https://emulator.test", tmp_path)
    remote = load_target("https://emulator.test", tmp_path, TargetOptions(account="111122223333"))
    assert not remote.is_local
    assert remote.credentials == Credentials("environment")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host", "is not an endpoint"),
        ("http://", "is not an endpoint"),
        ("http://host:99999", "is not an endpoint"),
        ("http://me:secret@host", "must not carry credentials"),
        ("https://servicediscovery.us-east-1.amazonaws.com", "never reached by a bare URL"),
    ],
)
def test_unfit_url_is_refused(tmp_path: Path, url: str, said: str) -> None:
    """A bare URL never leads to a real account, and nonsense is told as such."""
    with pytest.raises(UsageError, match=said):
        load_target(url, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs either endpoint or [start], not both"),
        (GOOD.replace("[start]", 'endpoint = "http://127.0.0.1:1"\n[start]'), "needs either endpoint or [start]"),
        (GOOD.replace('"dns"', '"dsn"'), "unknown feature 'dsn'; did you mean 'dns'?"),
        (GOOD.replace("features", "featurs"), "unknown key 'featurs'; did you mean 'features'?"),
        (GOOD.replace("argv", "args"), "unknown key 'start.args'; did you mean 'argv'?"),
        (GOOD.replace("{port}", "{prot}"), "unknown placeholder"),
        (GOOD + 'ready = "yes"\n', "ready must be one of http, json-line, not 'yes'"),
        (GOOD + "within = 0\n", "within must be a number of seconds, not 0"),
        ('lacks = ["CreateService"]\n' + GOOD, "'CreateService' is not of the form service:Operation"),
        ('dns = "8.8.8.8"\n' + GOOD, "dns must be"),
        ('clock = "sun"\n' + GOOD, "clock must be one of wall, control, not 'sun'"),
        ('inject_host_prefix = "no"\n' + GOOD, "inject_host_prefix must be true or false"),
        (GOOD + '[ecs]\npublic = "no"\n', "ecs.public must be true or false"),
        (GOOD + '[ecs]\nsubnets = "subnet-1"\n', "subnets must be a list of words"),
        (GOOD + "[ecs]\nvpc = 1\n", "unknown key 'ecs.vpc'"),
        (GOOD + '[credentials]\nkind = "profile"\n', "credentials.profile goes with"),
        ('endpoint = "https://x.amazonaws.com"\n', "never reached by a bare URL"),
        ("[start", "cannot be read"),
    ],
)
def test_wrong_file_is_told_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    """Each mistake is one line that names the file and what is wrong."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(TargetFileError) as wrong:
        load_target("mine", tmp_path)
    assert str(wrong.value).startswith(f"{path}: ")
    assert said in str(wrong.value)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_dns_address_is_read(tmp_path_factory: pytest.TempPathFactory, address: object, port: int) -> None:
    """Any address and port is taken, IPv6 in brackets."""
    path = tmp_path_factory.mktemp("targets") / "mine.toml"
    shown = f"[{address}]" if ":" in str(address) else str(address)
    path.write_text(f'dns = "{shown}:{port}"\n' + GOOD)
    assert load_target(str(path), path.parent).dns == Dns("address", str(address), port)
