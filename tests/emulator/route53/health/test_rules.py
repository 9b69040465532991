"""Settings of a health check that contradict each other are refused."""

from __future__ import annotations

import pytest

from surveyor_emulator.aws.route53.health_check_rules import check_config
from surveyor_emulator.aws.route53.state import HealthCheckConfig
from surveyor_emulator.core.errors import ServiceError

ALLOWED = {
    "TCP": HealthCheckConfig("TCP", "192.0.2.1", 80),
    "IPv6": HealthCheckConfig("TCP", "2001:db8::1", 80),
    "by name": HealthCheckConfig("HTTP", port=80, fully_qualified_domain_name="example.com"),
    "string": HealthCheckConfig("HTTP_STR_MATCH", "192.0.2.1", 80, search_string="ok"),
    "calculated": HealthCheckConfig("CALCULATED", health_threshold=0),
    "every 10 s": HealthCheckConfig("TCP", "192.0.2.1", 80, request_interval=10),
}
REFUSED = {
    "neither address nor name": HealthCheckConfig("HTTP", port=80),
    "no port": HealthCheckConfig("TCP", "192.0.2.1"),
    "TCP with a path": HealthCheckConfig("TCP", "192.0.2.1", 80, "/"),
    "unused string": HealthCheckConfig("HTTP", "192.0.2.1", 80, search_string="ok"),
    "no string": HealthCheckConfig("HTTP_STR_MATCH", "192.0.2.1", 80),
    "unused children": HealthCheckConfig("TCP", "192.0.2.1", 80, children=("1",)),
    "calculated with an address": HealthCheckConfig("CALCULATED", "192.0.2.1", health_threshold=1),
    "of an alarm": HealthCheckConfig("CLOUDWATCH_METRIC"),
    "every 20 s": HealthCheckConfig("TCP", "192.0.2.1", 80, request_interval=20),
    "private": HealthCheckConfig("TCP", "10.0.0.1", 80),
    "shared": HealthCheckConfig("TCP", "100.64.0.1", 80),
    "link-local": HealthCheckConfig("TCP", "169.254.1.1", 80),
    "multicast": HealthCheckConfig("TCP", "224.0.0.1", 80),
    "unique local": HealthCheckConfig("TCP", "fd00::1", 80),
    "no address": HealthCheckConfig("TCP", "localhost", 80),
}


@pytest.mark.parametrize("config", ALLOWED.values(), ids=ALLOWED.keys())
def test_valid_settings_are_accepted(config: HealthCheckConfig) -> None:
    """Valid settings raise nothing."""
    check_config(config, loopback=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.255.255", "::1"])
def test_loopback_is_local_too(address: str) -> None:
    """A loopback address is InvalidInput as other local addresses, unless this target probes loopback."""
    config = HealthCheckConfig("TCP", address, 80)
    check_config(config, loopback=True)
    with pytest.raises(ServiceError, match="InvalidInput"):
        check_config(config, loopback=False)


@pytest.mark.parametrize("config", REFUSED.values(), ids=REFUSED.keys())
def test_invalid_settings_are_refused(config: HealthCheckConfig) -> None:
    """Invalid settings are InvalidInput, with a reason."""
    with pytest.raises(ServiceError, match="InvalidInput"):
        check_config(config, loopback=True)
