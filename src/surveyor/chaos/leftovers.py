"""What an experiment may leave in the registry of a user's service: instances that belong to no task."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from surveyor.errors import SurveyorError
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.observers.tasks import describe_tasks
from surveyor.visible_text import one_line

__all__ = ["LeftBehind", "find_leftovers"]


class LeftBehind(SurveyorError):
    """Something of an experiment is left in a service of others; the text names it, and how it is removed."""


def find_leftovers(client: Callable[[str], Any], service: ServiceUnderTest, touched: Collection[str]) -> list[str]:
    """Return the ids of instances, of those that faults registered or deregistered, that are there without a task."""
    if not touched or not service.registry:
        return []
    pages = client("servicediscovery").get_paginator("list_instances").paginate(ServiceId=service.registry)
    instances = {str(instance["Id"]) for page in pages for instance in page["Instances"]}
    tasks = describe_tasks(client("ecs"), service, {})
    return [one_line(name) for name in sorted(instances & set(touched)) if name not in tasks]
