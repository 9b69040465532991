"""Puts one embedded target together and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence

from surveyor_emulator.aws.ec2 import vpcs
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import serve
from surveyor_emulator.core.world import World
from surveyor_emulator.dns import DnsServers

from . import parent_process as parent
from .control import Control
from .gateway import Gateway
from .options import Options, parse

__all__ = ["main"]

CANNOT_START = 3


def main(arguments: Sequence[str]) -> int:
    """Run until SIGINT or SIGTERM; returns the exit status: 0, 2 for a wrong option, 3 when it cannot listen."""
    options = parse(arguments)
    # Whichever part of moto is needed first brings its IAM along, which reads this as it is imported.
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        return asyncio.run(_run(options))
    except _CannotStart as problem:
        sys.stderr.write(f"surveyor_emulator: {problem}\n")
        return CANNOT_START


class _CannotStart(Exception):
    """An address cannot be had; the text is the line to print."""


async def _run(options: Options) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if options.die_with_parent:
        parent.watch(stop.set)
    settings = options.settings
    world = World(settings, Clock(scale=settings.scale))
    names = DnsServers(world)
    try:
        await names.start(options.host, options.dns_port)
    except OSError as problem:
        raise _CannotStart(_why("DNS", options.host, options.dns_port, problem)) from None
    try:
        server = await serve(Gateway(world, Control(world, names)), options.host, options.port)
    except OSError as problem:
        raise _CannotStart(_why("HTTP", options.host, options.port, problem)) from None
    default_vpc = next(iter(vpcs(world, settings.account, settings.region)))
    address, port = names.resolver(settings.account, settings.region, default_vpc)
    host, http_port = server.sockets[0].getsockname()[:2]
    world.endpoint = f"http://{f'[{host}]' if ':' in host else host}:{http_port}"
    world.resolver, world.resolver_at_53 = names.resolver, names.resolver_at_53
    ready = {
        "endpoint": world.endpoint,
        "dns": f"{address}:{port}",
        "secret": settings.secret,
        "account": settings.account,
        "region": settings.region,
        "probe_loopback": settings.probe_loopback,
        "pid": os.getpid(),
    }
    try:
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever started this one is gone already; the line would be written once more at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        stop.set()
    _spare_the_collector()
    await stop.wait()
    server.close()
    names.close()
    for end in world.at_end:
        end()
    return 0


def _why(what: str, host: str, port: int, problem: OSError) -> str:
    return f"cannot listen for {what} on {host}:{port}: {problem.strerror or problem}"


def _spare_the_collector() -> None:
    """Look for cycles seldom: the registry is large, lives long and has none, and searching it stops the world."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
