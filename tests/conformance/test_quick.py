"""Quick runs: the claims that need no VPC, no hosted zone, no DNS and no cluster."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.cli import main
from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.conformance.quick import is_slow, quick_selection
from surveyor.errors import UsageError
from surveyor.layout import Layout, find_layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.file import load_report
from surveyor.targets.options import TargetOptions
from surveyor.verdicts import Verdict

CLAIMS = """
title = "Alpha"
""" + "".join(
    f"""
[[claim]]
id = "alpha.{name}"
statement = "It is so."
level = "must"
source = "guide: a, b"
features = {features}
operations = []
check = "Look."
"""
    for name, features in {
        "plain": "[]", "vpc": "[]", "word": "[]", "method": "[]", "service": "[]", "parameter": "[]", "listed": "[]",
        "fixture": "[]", "part": "[]", "dns": '["dns"]', "unproven": "[]", "checked": "[]",
        "check": "[]",
    }.items()
)  # fmt: skip

SUITE = """
import pytest
from surveyor.testing import for_each, proves

KINDS = ("http", "private")

@pytest.fixture
def zone(make_namespace):
    return make_namespace("public")

@proves("alpha.plain")
def test_plain(make_namespace, unique_name):
    "A private namespace is not made."
    make_namespace("http", Description="neither private nor public")

@proves("alpha.vpc")
def test_vpc(vpc): ...

@proves("alpha.word")
def test_word(make_namespace):
    make_namespace("private")

@proves("alpha.method")
def test_method(cloudmap):
    [cloudmap.create_public_dns_namespace(Name=name) for name in "ab"]

@proves("alpha.service")
def test_service(client):
    client("ecs").create_cluster()

@for_each("kind", ["http", "public"])
@proves("alpha.parameter")
def test_parameter(make_namespace, kind): ...

@proves("alpha.listed")
def test_listed(make_namespace):
    for kind in KINDS:
        make_namespace(kind)

@proves("alpha.fixture")
def test_fixture(zone): ...

@proves("alpha.checked")
def test_checked(make_service):
    make_service("a", HealthCheckConfig={"Type": "TCP"})

@for_each("check", [{}, {"HealthCheckConfig": {"Type": "TCP"}}])
@proves("alpha.check")
def test_check(make_service, check):
    make_service("a", **check)

@proves("alpha.part", "alpha.plain")
def test_quick_part(cloudmap): ...

@proves("alpha.part")
def test_slow_part(private_namespace): ...

@proves("alpha.dns")
def test_dns(cloudmap): ...
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return a checkout with one suite, whose tests need a zone, a VPC or a cluster in different ways."""
    real = find_layout().root
    for name in ("targets", "chaos", "loadtests"):
        (tmp_path / name).symlink_to(real / name)
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "alpha.toml").write_text(CLAIMS)
    (tmp_path / "suites" / "alpha").mkdir(parents=True)
    (tmp_path / "suites" / "alpha" / "test_alpha.py").write_text(SUITE)
    return Layout(tmp_path)


def test_what_a_test_needs_follows_from_what_it_uses(layout: Layout) -> None:
    """Fixtures, words, methods, services, parameters, constants; a claim counts if all of its tests do."""
    assert quick_selection(Selection(), layout).claims == ("alpha.plain",)


@pytest.mark.soak
def test_a_selection_is_narrowed(layout: Layout) -> None:
    """It keeps its areas; without any quick claim it is refused in one line."""
    assert quick_selection(Selection(("alpha",)), layout) == Selection(("alpha",), ("alpha.plain",))
    for claim in ("alpha.vpc", "alpha.dns"):
        with pytest.raises(UsageError, match=r"^--quick: none of these claims is proved without"):
            quick_selection(Selection(claims=(claim,)), layout)
    with pytest.raises(UsageError, match=r"no suite proves alpha\.unproven"):
        quick_selection(Selection(claims=("alpha.unproven",)), layout)
    with pytest.raises(UsageError, match=r"unknown claim 'alpha.plane'; did you mean"):
        quick_selection(Selection(claims=("alpha.plane",)), layout)


@pytest.mark.soak
def test_suites_have_quick_claims() -> None:
    """Several areas of Cloud Map's API, none of names in DNS."""
    claims = quick_selection(Selection(), find_layout()).claims
    areas = {load_claims(find_layout().claims).by_id[name].area for name in claims}
    assert len(claims) >= 50
    assert {"attributes", "discovery", "services", "protocol"} <= areas
    assert not areas & {"dns", "ecs", "route53", "service-connect"}


@pytest.mark.soak
def test_a_quick_run_creates_no_vpc_no_zone_and_no_cluster(tmp_path: Path) -> None:
    """By the calls of its tests in one account: they are calls of Cloud Map, and make HTTP namespaces only."""
    layout, collector = find_layout(), Collector()
    areas = ("attributes", "deregistration", "instances", "namespaces", "services")
    selection = quick_selection(Selection(areas), layout)
    options = TargetOptions(account="444455556666")
    run_pytest(RunConfig(layout, "embedded", tmp_path, selection, 2, target_options=options), collector)
    calls = Counter[str]()
    for result in collector.finished():
        calls.update(result.calls)
    assert len(collector.finished()) > 30
    assert {operation.partition(":")[0] for operation in calls} <= {"servicediscovery", "sts"}
    assert [operation for operation in calls if is_slow(operation)] == []
    assert calls["servicediscovery:CreateHttpNamespace"] > 0


def exit_code(*arguments: str) -> object:
    """Run the command line, and return its exit code."""
    try:
        return main(list(arguments))
    except SystemExit as ended:
        return ended.code


@pytest.mark.soak
@pytest.mark.parametrize("command", ["conform", "survey"])
def test_the_commands_have_it(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With an area it judges less; an area without a quick claim is refused in one line."""
    assert exit_code(command, "--quick", "--area", "attributes", "--out", str(tmp_path)) == 0
    assert re.search(r"^quick: \d claims without a VPC", capsys.readouterr().out)
    verdicts = {claim.verdict for claim in load_report(tmp_path / "report.json").claims}
    assert verdicts == {Verdict.PASS}
    assert exit_code(command, "--quick", "--area", "dns", "--out", str(tmp_path / "other")) == 2
    assert capsys.readouterr().err.startswith("surveyor: --quick: none of these claims")
