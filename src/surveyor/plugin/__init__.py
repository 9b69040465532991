"""The pytest plugin that runs suites against a target and judges. It leaves tests outside suites/ alone."""

from __future__ import annotations

pytest_plugins = [
    "surveyor.plugin.options",
    "surveyor.plugin.session",
    "surveyor.plugin.proofs",
    "surveyor.plugin.verdict",
    "surveyor.plugin.collecting",
    "surveyor.plugin.reporting",
    "surveyor.plugin.removing",
    "surveyor.plugin.sharing",
    "surveyor.plugin.account",
    "surveyor.plugin.permissions",
    "surveyor.plugin.consumers",
    "surveyor.plugin.operations",
    "surveyor.plugin.namespaces",
    "surveyor.plugin.services",
    "surveyor.plugin.tasks",
    "surveyor.plugin.hosts",
    "surveyor.plugin.calling",
    "surveyor.plugin.connecting",
    "surveyor.plugin.figures",
    "surveyor.plugin.events",
    "surveyor.plugin.raw",
    "surveyor.plugin.records",
    "surveyor.plugin.names",
    "surveyor.plugin.caching",
    "surveyor.plugin.probed",
    "surveyor.plugin.scenes",
    "surveyor.plugin.staging",
    "surveyor.plugin.time",
]
