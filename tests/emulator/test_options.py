"""The command line of the embedded target is parsed into settings."""

from __future__ import annotations

import pytest

from surveyor_emulator.core.settings import Delay, Settings
from surveyor_emulator.server.options import parse_options


def test_no_options_are_the_documented_settings() -> None:
    """The defaults are free ports of the loopback address, and a clock that flows at wall speed."""
    options = parse_options([])
    assert options.settings == Settings()
    assert (options.host, options.port, options.dns_port, options.die_with_parent) == ("127.0.0.1", 0, 0, False)


def test_options_become_settings() -> None:
    """Each option sets its setting."""
    line = "--clock advance --seed 7 --account 111111111111 --region eu-west-1 --secret s --no-throttle --no-signatures"
    settings = parse_options(line.split()).settings
    assert (settings.scale, settings.seed, settings.account, settings.region) == (None, 7, "111111111111", "eu-west-1")
    assert (settings.secret, settings.verify_signatures) == ("s", False)
    assert settings.quotas.discover_rate is settings.quotas.revision_rate is None
    assert parse_options(["--scale", "60"]).settings.scale == 60.0


def test_delays_and_quotas_can_be_set() -> None:
    """A delay is one number or two; a rate may be none."""
    line = "--set dns_propagation=0 --set zone_run=1:2.5 --set quotas.namespaces=3 --set quotas.discover_rate=none"
    settings = parse_options(line.split()).settings
    assert (settings.dns_propagation, settings.zone_run) == (Delay(0, 0), Delay(1, 2.5))
    assert (settings.quotas.namespaces, settings.quotas.discover_rate) == (3, None)


def test_services_to_load_are_kept_in_order() -> None:
    """They are loaded one after another once the target is ready."""
    assert parse_options(["--preload", "sts", "--preload", "ec2"]).preload == ("sts", "ec2")


@pytest.mark.parametrize(
    "line",
    [
        "--preload moon",
        "--preload",
        "--port 65536",
        "--port -1",
        "--port http",
        "--scale 0",
        "--scale -1",
        "--scale nan",
        "--scale inf",
        "--clock advance --scale 2",
        "--clock stop",
        "--account 1",
        "--region moon",
        "--secret=",
        "--seed x",
        "--set",
        "--set moon=1",
        "--set secret=x",
        "--set dns_propagation",
        "--set dns_propagation=",
        "--set dns_propagation=2:1",
        "--set dns_propagation=-1",
        "--set dns_propagation=inf",
        "--set quotas.namespaces=none",
        "--set quotas.namespaces=1.5",
        "--moon",
        "--se 1",
        "more",
    ],
)
def test_an_invalid_option_gets_one_line_and_status_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The process exits with 2 and one line on standard error."""
    with pytest.raises(SystemExit, match="2"):
        parse_options(line.split())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
