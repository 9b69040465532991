"""The options that choose what is run against which target."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest

from surveyor.layout import Layout, find_layout
from surveyor.lifetime import Tuning, tuning_of
from surveyor.targets.given import Given, allowed_words

__all__ = ["SETTINGS", "Settings", "is_suite"]


@dataclass(frozen=True)
class Settings:
    """What the command line asked for. `out` None: nothing is written."""

    target: str
    areas: tuple[str, ...]
    claims: tuple[str, ...]
    out: Path | None
    seed: int
    layout: Layout
    given: Given
    run: str
    tuning: Tuning


SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("surveyor", "Surveyor: suites against a target")
    group.addoption("--target", default="embedded", metavar="NAME|URL|PATH", help="what is tested (default embedded)")
    group.addoption("--area", action="append", default=[], help="only this area's suites; may be repeated")
    group.addoption("--claim", action="append", default=[], help="only the tests of this claim; may be repeated")
    group.addoption("--out", default=None, metavar="DIR", help="write report.json there")
    group.addoption("--account", default=None, metavar="ID", help="the account that the credentials must be of")
    group.addoption("--region", default=None, metavar="REGION", help="where the target is surveyed")
    group.addoption("--endpoint", default=None, metavar="URL", help="where aws is reached, if not at AWS")
    group.addoption("--dns", default=None, metavar="WHERE", help="where names are asked: control, none, ADDRESS:PORT")
    group.addoption("--vpc", default=None, metavar="ID", help="a VPC of the account that private namespaces may use")
    group.addoption("--role", default=None, metavar="ARN", help="a role of the account that claims of IAM may narrow")
    group.addoption("--allow", action="append", default=[], metavar="FEATURE", help="test this too: quotas, throttling")
    group.addoption("--budget", default=None, metavar="LIMITS", help="calls=N,resources=N,minutes=N,dollars=N")
    group.addoption("--tuning", default="", metavar="ttl=N,stop=N,drain=N", help="of the task whose life is measured")
    group.addoption("--run-id", default=None, metavar="ID", help="what the run is called (a new name)")
    group.addoption("--seed", type=int, default=7, help="seed of everything random (default 7)")


@pytest.hookimpl(tryfirst=True)  # the other rooms read the settings when they configure themselves
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proves(*claims): the ids of the claims that a suite's test proves")
    root = config.rootpath
    layout = Layout(root) if (root / "suites").is_dir() else find_layout()
    out = config.getoption("--out")
    # Workers get the options of the process that starts them, and so are of the same run.
    config.option.run_id = config.getoption("--run-id") or secrets.token_hex(4)
    config.stash[SETTINGS] = Settings(
        target=config.getoption("--target"),
        areas=tuple(config.getoption("--area")),
        claims=tuple(config.getoption("--claim")),
        out=Path(out) if out else None,
        seed=config.getoption("--seed"),
        layout=layout,
        given=Given(
            account=config.getoption("--account"),
            region=config.getoption("--region"),
            endpoint=config.getoption("--endpoint"),
            dns=config.getoption("--dns"),
            vpc=config.getoption("--vpc"),
            role=config.getoption("--role"),
            allow=allowed_words(config.getoption("--allow")),
            budget=config.getoption("--budget"),
        ),
        run=config.option.run_id,
        tuning=tuning_of(config.getoption("--tuning")),
    )


def is_suite(node: pytest.Item) -> bool:
    """Whether a test is one of the suites, which alone are judged."""
    return node.path.is_relative_to(node.config.stash[SETTINGS].layout.suites)
