"""The pytest plugin that runs suites against a target and judges. It leaves tests outside suites/ alone."""

from __future__ import annotations

import pytest

_MODULES = (
    "surveyor.pytest_plugin.garbage_collection",
    "surveyor.pytest_plugin.options",
    "surveyor.pytest_plugin.safe_output",
    "surveyor.pytest_plugin.session",
    "surveyor.pytest_plugin.collection",
    "surveyor.pytest_plugin.quick_start",
    "surveyor.pytest_plugin.verdict",
    "surveyor.pytest_plugin.allure_labels",
    "surveyor.pytest_plugin.collector",
    "surveyor.pytest_plugin.reporting",
    "surveyor.pytest_plugin.cleanup",
    "surveyor.pytest_plugin.running_tests",
    "surveyor.pytest_plugin.interruption",
    "surveyor.fixtures.sharing",
    "surveyor.fixtures.account",
    "surveyor.fixtures.reads",
    "surveyor.fixtures.permissions",
    "surveyor.fixtures.second_account",
    "surveyor.fixtures.operations",
    "surveyor.fixtures.quotas",
    "surveyor.fixtures.namespaces",
    "surveyor.fixtures.services",
    "surveyor.fixtures.shapes",
    "surveyor.fixtures.routes",
    "surveyor.fixtures.canary",
    "surveyor.fixtures.tasks",
    "surveyor.fixtures.container_instances",
    "surveyor.fixtures.calls",
    "surveyor.fixtures.certificates",
    "surveyor.fixtures.service_connect",
    "surveyor.fixtures.figures",
    "surveyor.fixtures.events",
    "surveyor.fixtures.http",
    "surveyor.fixtures.records",
    "surveyor.fixtures.dns",
    "surveyor.fixtures.dns_cache",
    "surveyor.fixtures.resolver",
    "surveyor.fixtures.health_endpoints",
    "surveyor.fixtures.load_balancers",
    "surveyor.fixtures.time",
)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the modules of the plugin.

    Not by `pytest_plugins`: for each name there, pytest reads what every installed distribution offers (0.15 s).
    """
    for name in _MODULES:
        pluginmanager.import_plugin(name)
