"""A small temporary checkout for tests of the harness: claims, suites, and a target that misbehaves on request."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from surveyor.claims.selection import Selection
from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.run import run_suites
from surveyor.layout import Layout, find_layout
from surveyor.report.model import ConformanceReport
from surveyor.service_models import model_loader
from surveyor.targets.model import TOKEN_VARIABLE

# On a busy machine an example takes as long as it takes. `make soak` repeats these tests with more examples.
settings.register_profile("few", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("many", settings.get_profile("few"), max_examples=100)
settings.load_profile("few")

# Sessions of botocore that tests create read the model of a service once in a process.
botocore.session.create_loader = model_loader

# Targets that tests start take this token, and so commands reach them that only know their URL.
os.environ.setdefault(TOKEN_VARIABLE, secrets.token_urlsafe())

FAKE = Path(__file__).with_name("fake_target.py")

CLAIMS = """
title = "Alpha"

[[claim]]
id = "alpha.first"
statement = "The first thing is so."
level = "must"
source = "servicediscovery/Namespace.Type"
check = "Look."

[[claim]]
id = "alpha.second"
statement = "The second thing is so."
level = "must"
source = "servicediscovery/Namespace.Type"
check = "Look."

[[claim]]
id = "alpha.named"
statement = "A name is answered."
level = "must"
source = "servicediscovery/Namespace.Type"
features = ["dns"]
check = "Ask."

[[claim]]
id = "alpha.unseen"
statement = "This cannot be observed."
level = "should"
source = "servicediscovery/Namespace.Type"
unproven = { reason = "unobservable", note = "nothing shows it" }
"""

TARGET = """
description = "answers as its requests ask it to"
features = []
{more}

[start]
argv = ["{{python}}", "{fake}", "{{port}}"]
"""

HEAD = """
from __future__ import annotations

import pytest

from surveyor.testing import Inconclusive, proves, raises

"""


@dataclass(frozen=True)
class Checkout:
    """A layout in a temporary directory with a target named `fake`."""

    layout: Layout

    def suite(self, body: str, name: str = "test_alpha.py") -> None:
        """Write a file of tests in the area alpha."""
        text = HEAD + textwrap.dedent(body)
        (self.layout.suites / "alpha" / name).write_text(text, encoding="utf-8")

    def target(self, more: str = "", name: str = "fake") -> None:
        """Write a target file; `more` are further keys."""
        text = TARGET.format(fake=FAKE, more=more)
        (self.layout.targets / f"{name}.toml").write_text(text, encoding="utf-8")

    def expectations(self, text: str, name: str = "fake") -> None:
        """Write the expectations of a target."""
        folder = self.layout.targets / "expectations"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(textwrap.dedent(text), encoding="utf-8")

    def run(
        self, target: str = "fake", *, workers: int = 1, areas: tuple[str, ...] = (), claims: tuple[str, ...] = ()
    ) -> ConformanceReport:
        """Import the suites anew, run them in this process, and return the report."""
        _forget_suites()
        config = RunConfig(self.layout, target, self.layout.root / "out", Selection(areas, claims), workers)
        return run_suites(config)


def _forget_suites() -> dict[str, ModuleType]:
    """Remove imported suites, whose module names are the same in every checkout, and return them."""
    names = [name for name in sys.modules if name.split(".")[0] == "suites"]
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def _checkout(root: Path) -> Iterator[Checkout]:
    """Create an empty checkout."""
    for folder in ("claims", "targets", "suites/alpha"):
        (root / folder).mkdir(parents=True)
    (root / "claims" / "alpha.toml").write_text(CLAIMS, encoding="utf-8")
    (root / "reports").mkdir()
    (root / "reports" / "templates").symlink_to(find_layout().templates)
    checkout = Checkout(Layout(root))
    checkout.target()
    others = _forget_suites()
    yield checkout
    _forget_suites()
    sys.modules.update(others)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Provide a checkout for one test."""
    with _checkout(tmp_path) as checkout:
        yield checkout


@pytest.fixture(scope="module")
def shared_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Provide a checkout for the tests of one file that only read the results of one run."""
    with _checkout(tmp_path_factory.mktemp("checkout")) as checkout:
        yield checkout


@pytest.fixture(autouse=True)
def children_take_signals() -> Iterator[None]:
    """Let signals of the terminal end the processes that a test starts, also if the tests run with them ignored.

    `make test &` in a script starts everything with SIGINT and SIGQUIT ignored, `nohup make test` with SIGHUP, and
    programs keep it so. While a handler is installed here, children start with the default instead; this process still
    ignores the signals.
    """
    ignored = [
        name for name in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP) if signal.getsignal(name) is signal.SIG_IGN
    ]
    for name in ignored:
        signal.signal(name, lambda number, frame: None)
    yield
    for name in ignored:
        signal.signal(name, signal.SIG_IGN)
