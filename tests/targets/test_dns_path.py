"""A network between the suites and the name servers: claims about public names are unsupported, and do not fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from surveyor.errors import FeatureLacking
from surveyor.layout import find_layout
from surveyor.targets import Target, load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target

ACCOUNT = "444455556666"


@contextmanager
def running(path: str, options: TargetOptions) -> Iterator[RunningTarget]:
    """Run an embedded target on a network that does this to questions."""
    target: Target = load_target("embedded", find_layout().targets, options)
    assert target.start is not None
    started = replace(target.start, argv=(*target.start.argv, "--set", f"dns_path={path}"))
    with run_target(replace(target, start=started), 7) as found:
        yield found


def never() -> str:
    """Return the zone, which is not needed where the control endpoint names the servers."""
    raise AssertionError


@pytest.mark.soak
@pytest.mark.parametrize(
    ("path", "words"),
    [("blocked", "let UDP and TCP port 53 out"), ("intercepted", "this network answers in place of name servers")],
)
def test_public_names_are_unsupported_behind_such_a_network(path: str, words: str) -> None:
    """In an account it is said what the network does, each time, and the servers are asked once."""
    with running(path, TargetOptions(account=ACCOUNT)) as found:
        for _ in range(2):
            with pytest.raises(FeatureLacking, match=words):
                found.name_servers(ACCOUNT, never)


def test_an_open_path_is_no_obstacle() -> None:
    """The address of the servers is returned."""
    with running("open", TargetOptions(account=ACCOUNT)) as found:
        assert found.name_servers(ACCOUNT, never).port
