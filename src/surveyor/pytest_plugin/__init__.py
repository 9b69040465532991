"""The pytest plugin that runs suites against a target and judges. It leaves tests outside suites/ alone."""

from __future__ import annotations

pytest_plugins = [
    "surveyor.pytest_plugin.options",
    "surveyor.pytest_plugin.session",
    "surveyor.pytest_plugin.collection",
    "surveyor.pytest_plugin.verdict",
    "surveyor.pytest_plugin.collector",
    "surveyor.pytest_plugin.reporting",
    "surveyor.pytest_plugin.cleanup",
    "surveyor.fixtures.sharing",
    "surveyor.fixtures.account",
    "surveyor.fixtures.permissions",
    "surveyor.fixtures.second_account",
    "surveyor.fixtures.operations",
    "surveyor.fixtures.namespaces",
    "surveyor.fixtures.services",
    "surveyor.fixtures.tasks",
    "surveyor.fixtures.container_instances",
    "surveyor.fixtures.calls",
    "surveyor.fixtures.service_connect",
    "surveyor.fixtures.figures",
    "surveyor.fixtures.events",
    "surveyor.fixtures.http",
    "surveyor.fixtures.records",
    "surveyor.fixtures.dns",
    "surveyor.fixtures.dns_cache",
    "surveyor.fixtures.health_endpoints",
    "surveyor.fixtures.load_balancers",
    "surveyor.chaos.pytest_fixture",
    "surveyor.fixtures.time",
]
