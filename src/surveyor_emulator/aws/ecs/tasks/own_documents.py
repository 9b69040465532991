"""The paths at which a task reads of itself: metadata, the credentials of its role, the time, and its agent's faults.

On AWS they are at addresses that only the task has. Here a key in the path takes their place, which nothing else knows.
"""

from __future__ import annotations

import hmac

from surveyor_emulator.aws.ecs.state import Task
from surveyor_emulator.core.world import Call, World

__all__ = ["path_of_task", "task_path"]

# The output of a task is for people.
_DOCUMENTS = ("v4", "credentials", "clock", "api")


def task_path(call: Call, task: Task) -> str:
    """Return the path of a task's documents below `/_surveyor/tasks/`."""
    path = f"{call.account}/{call.region}/{task.cluster.name}/{task.id}"
    return f"{_key(call.world, path)}/{path}"


def path_of_task(world: World, path: str) -> str | None:
    """Return the part after the key of a path below `/_surveyor/tasks/`; None if the key is not that of the task."""
    key, _, rest = path.partition("/")
    parts = rest.split("/")
    is_right = hmac.compare_digest(key.encode(), _key(world, "/".join(parts[:4])).encode())
    return rest if is_right and len(parts) > 4 and parts[4] in _DOCUMENTS else None


def _key(world: World, path: str) -> str:
    return hmac.digest(world.secret_key, f"task/{path}".encode(), "sha256").hex()[:32]
