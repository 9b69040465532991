"""Who is behind an endpoint, as files that every proxy watches: renamed into place, since nothing else is noticed."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

__all__ = ["MEMBERS", "Member", "write"]

MEMBERS = "members"
"""The folder of these files, below that of all containers."""

Member = tuple[str, int]
"""Address and port."""

_KIND = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def write(file: Path, members: Collection[Member]) -> None:
    """Put an endpoint's members into its file (ClusterLoadAssignment), named after its service."""
    hosts = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        for address, port in members
    ]
    endpoints = [{"lb_endpoints": hosts}] if hosts else []
    resource = {"@type": _KIND, "cluster_name": file.stem, "endpoints": endpoints}
    file.parent.mkdir(exist_ok=True)
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps({"resources": [resource]}), "utf-8")
    beside.replace(file)
