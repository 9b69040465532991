"""Target files, and the values of --target."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.claims import load_claims
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.targets import Credentials, Dns, TaskPlacement, all_versions, load_target, target_names, target_versions
from surveyor.targets.expectations import expectations_file, load_expectations
from surveyor.targets.options import TargetOptions

HASH = f"--hash=sha256:{'0' * 64}"
VERSIONED = 'package = "mine[all]"\n[start]\nargv = ["{python}", "-p", "{port}"]\n[versions."1.0"]\n'
GOOD = 'features = ["dns"]\n[start]\nargv = ["{python}", "-p", "{port}"]\n'


@pytest.mark.parametrize("name", ["embedded", "staging", *all_versions(find_layout().targets)])
def test_known_targets_load(name: str) -> None:
    """The target files of the checkout are valid; their targets are local and started by Surveyor."""
    target = load_target(name, find_layout().targets)
    assert (target.label, target.kind, target.is_local) == (name, "started", True)
    assert target.version()
    assert not load_expectations(expectations_file(target, find_layout().targets)).unknown(
        load_claims(find_layout().claims).by_id
    )


def test_a_name_alone_means_the_newest_version() -> None:
    """Versions are ordered as versions, not as text; values of a version replace those of the file."""
    folder = find_layout().targets
    assert target_versions("moto", folder)[:2] == ("5.0.5", "5.0.28")
    assert load_target("moto", folder).label == f"moto@{target_versions('moto', folder)[-1]}"
    old, new = load_target("moto@5.0.5", folder), load_target("moto", folder)
    assert "servicediscovery:RegisterInstance" in old.lacks - new.lacks
    assert "custom-health" in (new.features or set()) - (old.features or set())
    assert expectations_file(old, folder).name == "moto-5.0.5.toml"
    assert target_versions("embedded", folder) == ()


def versioned(folder: Path, text: str = VERSIONED, requirements: str = f"mine==1.0 {HASH}") -> Path:
    """Write a target file with versions, and the requirements of 1.0."""
    (folder / "requirements").mkdir()
    (folder / "requirements" / "mine-1.0.txt").write_text(requirements)
    path = folder / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine@2.0", "mine has no version '2.0'; known are 1.0 (the default)"),
        ("mine@", "mine has no version ''; known are 1.0 (the default)"),
        ("mine@1.0@1.0", "unknown target 'mine@1.0'; did you mean 'mine'?"),
        ("bare@1.0", "bare has no versions to choose from: write --target bare"),
        ("mien@1.0", "unknown target 'mien'; did you mean 'mine'?"),
    ],
)
def test_an_unknown_version_is_refused_with_the_known_ones(tmp_path: Path, name: str, message: str) -> None:
    """The error of an unknown version lists the known ones."""
    path = versioned(tmp_path)
    (tmp_path / "bare.toml").write_text(GOOD)
    with pytest.raises(UsageError) as refusal:
        load_target(name, tmp_path)
    assert str(refusal.value) == message
    assert load_target("mine@1.0", tmp_path) == load_target("mine", tmp_path)
    by_path = load_target(f"{path}@1.0", Path("elsewhere"))
    assert (by_path.label, by_path.version()) == ("mine@1.0", "1.0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (VERSIONED.replace('"1.0"', '"latest"'), "versions: 'latest' is not the version of a package"),
        (VERSIONED.replace('"1.0"', "1"), "version 1 needs "),
        (VERSIONED + 'feature = ["dns"]\n', "mine.toml:5: unknown key 'feature'; did you mean 'features'?"),
        (VERSIONED + 'features = ["dsn"]\n', "mine.toml:5: unknown feature 'dsn'"),
        (
            VERSIONED.replace('[versions."1.0"]', '[versions]\n"1.0" = "yes"'),
            "mine.toml:5: 1.0: expected a table, got text",
        ),
        (VERSIONED + '[versions."1.1"]\n', "version 1.1 needs "),
        (VERSIONED.replace('package = "mine[all]"\n', ""), "[versions] needs package and [start]"),
        (VERSIONED.replace("mine[all]", "mine="), "package: expected the name of a Python package, got 'mine='"),
        (VERSIONED.replace("mine[all]", "other"), "must pin other==1.0, and pins no version of it"),
        (
            'endpoint = "http://127.0.0.1:1"\npackage = "mine"\n[versions."1.0"]\n',
            "[versions] needs package and [start]",
        ),
    ],
)
def test_a_file_with_wrong_versions_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake is one line that names the target file or the requirements file."""
    versioned(tmp_path, text)
    with pytest.raises(UsageError) as refusal:
        load_target("mine", tmp_path)
    assert str(refusal.value).startswith((f"{tmp_path.name}/mine.toml:", str(tmp_path)))
    assert message in str(refusal.value)


def test_requirements_without_hashes_are_refused(tmp_path: Path) -> None:
    """The error names the requirements file and the line."""
    versioned(tmp_path, requirements="mine==1.0\n")
    with pytest.raises(UsageError, match=r"mine-1\.0\.txt:1: mine==1\.0 has no hash"):
        load_target("mine", tmp_path)


def test_a_target_is_named_after_its_file(tmp_path: Path) -> None:
    """The name of a target is the stem of its file; a path is accepted as well."""
    (tmp_path / "mine.toml").write_text(GOOD)
    assert target_names(tmp_path) == ["mine"]
    assert load_target("mine", tmp_path).name == "mine"
    assert load_target(str(tmp_path / "mine.toml"), Path("elsewhere")).features == frozenset({"dns", "cloudmap"})


def test_the_placement_of_tasks_is_read(tmp_path: Path) -> None:
    """Cluster, subnets, groups and capacity come from the file; without it they are empty."""
    text = '[ecs]\ncluster = "c"\nsubnets = ["s-2", "s-1"]\nsecurity_groups = ["g"]\n'
    text += 'capacity = "FARGATE_SPOT"\npublic = true\n'
    (tmp_path / "mine.toml").write_text(GOOD + text)
    assert load_target("mine", tmp_path).place == TaskPlacement("c", ("s-2", "s-1"), ("g",), "FARGATE_SPOT", True)
    (tmp_path / "bare.toml").write_text(GOOD)
    assert load_target("bare", tmp_path).place == TaskPlacement()


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    """The error for a misspelled name suggests the nearest target."""
    (tmp_path / "ministack.toml").write_text(GOOD)
    with pytest.raises(UsageError, match=r"unknown target 'minstack'; did you mean 'ministack'\?"):
        load_target("minstack", tmp_path)
    with pytest.raises(UsageError, match=r"no target file at \./none\.toml"):
        load_target("./none.toml", tmp_path)


def test_url_is_an_endpoint(tmp_path: Path) -> None:
    """On this machine each test has its own account; elsewhere credentials come from the environment."""
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
    ("url", "message"),
    [
        ("ftp://host", "is not an endpoint"),
        ("http://", "is not an endpoint"),
        ("http://host:99999", "is not an endpoint"),
        ("http://me:secret@host", "must not carry credentials"),
        ("https://servicediscovery.us-east-1.amazonaws.com", "never reached by a bare URL"),
    ],
)
def test_an_invalid_url_is_refused(tmp_path: Path, url: str, message: str) -> None:
    """A bare URL must be an endpoint without credentials, and never one of AWS."""
    with pytest.raises(UsageError, match=message):
        load_target(url, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs either endpoint or [start], not both"),
        (GOOD.replace("[start]", 'endpoint = "http://127.0.0.1:1"\n[start]'), "needs either endpoint or [start]"),
        (GOOD.replace('"dns"', '"dsn"'), "unknown feature 'dsn'; did you mean 'dns'?"),
        (GOOD.replace("features", "featurs"), "unknown key 'featurs'; did you mean 'features'?"),
        (GOOD.replace("argv", "args"), "mine.toml:3: unknown key 'args'; did you mean 'argv'?"),
        (GOOD.replace("{port}", "{prot}"), "unknown placeholder"),
        (GOOD + 'ready = "yes"\n', "mine.toml:4: ready: expected http or json-line, got 'yes'"),
        (GOOD + "within = 0\n", "mine.toml:4: within: expected a number > 0.0 (0)"),
        ('lacks = ["CreateService"]\n' + GOOD, "lacks: expected the form service:Operation, got 'CreateService'"),
        ('dns = "8.8.8.8"\n' + GOOD, 'dns: expected "control", "zones", "none" or "address:port"'),
        ('clock = "sun"\n' + GOOD, "clock: expected control or wall, got 'sun'"),
        ('inject_host_prefix = "no"\n' + GOOD, "inject_host_prefix: expected true or false, got text"),
        (GOOD + '[ecs]\npublic = "no"\n', "mine.toml:5: public: expected true or false, got text"),
        (GOOD + '[ecs]\nsubnets = "subnet-1"\n', "mine.toml:5: subnets: expected a list, got text"),
        (GOOD + "[ecs]\nvpc = 1\n", "mine.toml:5: unknown key 'vpc'"),
        (GOOD + '[credentials]\nkind = "profile"\n', "credentials.profile goes with"),
        ('endpoint = "https://x.amazonaws.com"\n', "never reached by a bare URL"),
        ("[start", "mine.toml:1: not valid TOML"),
        (GOOD + "[budget]\ncalls = -1\n", "mine.toml:5: calls: expected a number > 0.0 (-1)"),
        (GOOD + "[budget]\ndollars = 0\n", "mine.toml:5: dollars: expected a number > 0.0 (0)"),
        (GOOD + "[budget]\ntasks = nan\n", "mine.toml:5: tasks: expected a number > 0.0"),
        (GOOD + "[budget]\neuros = 1\n", "mine.toml:5: unknown key 'euros'"),
        ('optional = { dns = "a b" }\n' + GOOD, "mine.toml:1: dns: expected the name of a Python package, got 'a b'"),
        ("features = 1\n[start]\nargv = []\n", "mine.toml:1: features: expected a list"),
        (GOOD + "[start.env]\nA = 1\n", "mine.toml:5: A: expected text"),
        (GOOD + 'env = { A = "{pot}" }\n', "mine.toml:4: start.env: '{pot}' contains an unknown placeholder"),
    ],
)
def test_an_invalid_file_is_refused_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake is reported in one line that names the file and the mistake."""
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refusal:
        load_target("mine", tmp_path)
    assert str(refusal.value).startswith(f"{tmp_path.name}/mine.toml:")
    assert message in str(refusal.value)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_dns_address_is_read(tmp_path_factory: pytest.TempPathFactory, address: object, port: int) -> None:
    """Any address and port is accepted, IPv6 in brackets."""
    path = tmp_path_factory.mktemp("targets") / "mine.toml"
    text = f"[{address}]" if ":" in str(address) else str(address)
    path.write_text(f'dns = "{text}:{port}"\n' + GOOD)
    assert load_target(str(path), path.parent).dns == Dns("address", str(address), port)
