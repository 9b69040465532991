"""A task's /etc/hosts and /etc/resolv.conf, so that any program in it resolves names as it would on AWS.

The machine's own files are never touched. If Linux does not allow a task separate files (see ``tasks.mounts``), the
names are only in its environment.
"""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.aws.ecs.state import Task
from surveyor_emulator.aws.ecs.task_properties import private_dns_name, vpc_of
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.mounts import HOSTS, RESOLVER

from .environment import names_of

__all__ = ["write_task_files"]


async def write_task_files(call: Call, task: Task) -> Mapping[str, str]:
    """Write the files of a task; return path in the task -> path of the file that replaces it there."""
    supervisor = runtime(call.world).supervisor
    if task.address is None or not await supervisor.can_replace_files():
        return {}
    lines = [f"{task.listen_address} localhost", f"{task.address} {private_dns_name(call.region, task.address)}"]
    for name, addresses in names_of(call, task).items():
        lines += [f"{address} {name}" for address in addresses]
    files = {HOSTS: _write(call, task, "hosts", lines)}
    vpc = vpc_of(call, task)
    if vpc is not None and call.world.resolver_at_53 is not None:
        address = call.world.resolver_at_53(call.account, call.region, vpc)
        if address is not None:
            lines = [f"nameserver {address}", "options timeout:2 attempts:2"]
            files[RESOLVER] = _write(call, task, "resolv.conf", lines)
    return files


def _write(call: Call, task: Task, name: str, lines: list[str]) -> str:
    file = runtime(call.world).supervisor.folder / f"{task.id}.{name}"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return str(file)
