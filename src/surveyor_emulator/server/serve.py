"""Create an embedded target and run it until a signal stops it."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.ec2.state import DEFAULT_CIDR
from surveyor_emulator.aws.ec2.traffic import Traffic
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import Hosts, serve, usable_address
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.dns import DnsServers
from surveyor_emulator.runtime.tasks import leftovers

from .control import Control
from .gateway import Gateway
from .options import Options, is_local, parse_options
from .parent_process import watch_parent

__all__ = ["main"]

CANNOT_START = 3
_CONNECT = 1.0  # wall seconds


def main(arguments: Sequence[str]) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP; return 0, or 2 for an invalid option, 3 if it cannot listen."""
    options = parse_options(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    leftovers.sweep()
    try:
        return asyncio.run(_run(options))
    except _CannotStart as error:
        sys.stderr.write(f"surveyor_emulator: {error}\n")
        return CANNOT_START


class _CannotStart(Exception):
    """Raised if an address is not available; the text is the line to print."""


async def _run(options: Options) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as it is after nohup, or `command &` in a script
            loop.add_signal_handler(number, stop.set)
    if options.die_with_parent:
        watch_parent(stop.set)
    settings = options.settings
    world = _create_world(settings)
    names = DnsServers(world)
    if settings.task_addresses == "subnet" and not _all_addresses_are_local():
        raise _CannotStart(
            "task_addresses=subnet needs a network of its tasks: start it with surveyor emulator --sandbox"
        )
    try:
        await names.start(options.host, options.dns_port)
    except OSError as error:
        raise _CannotStart(_listen_error("DNS", options.host, options.dns_port, error)) from None
    try:
        gateway = Gateway(world, Control(world, names, options.token, options.mutation))
        server = await serve(gateway, options.host, options.port, hosts=_hosts(options))
        servers = [server, *await _serve_outside(gateway, options)]
    except OSError as error:
        raise _CannotStart(_listen_error("HTTP", options.host, options.port, error)) from None
    default_vpc = next(iter(vpcs_of(world, settings.account, settings.region)), "")
    address, port = names.resolver(settings.account, settings.region, default_vpc)
    host, http_port = server.sockets[0].getsockname()[:2]
    host = usable_address(host)
    world.endpoint = f"http://{f'[{host}]' if ':' in host else host}:{http_port}"
    world.resolver, world.resolver_at_53, world.inbound = names.resolver, names.resolver_at_53, names
    if settings.task_addresses == "subnet":  # the resolv.conf of the sandbox names it
        names.resolver_at_53(settings.account, settings.region, default_vpc)
    ready = {
        "endpoint": world.endpoint,
        "dns": f"{address}:{port}",
        "secret": settings.secret,
        "token": options.token,
        "account": settings.account,
        "region": settings.region,
        "probe_loopback": settings.probe_loopback,
        "pid": os.getpid(),
    }
    if warning := _exposure(options):
        sys.stderr.write(f"surveyor_emulator: warning: {warning}\n")
    try:
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The parent is gone already. Python would try to write the line again at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        stop.set()
    _reduce_garbage_collection()
    preloading = asyncio.create_task(gateway.preload(options.preload))
    await stop.wait()
    preloading.cancel()
    for listening in servers:
        listening.close()
    names.close()
    for end in world.at_end:
        end()
    return 0


def _create_world(settings: Settings) -> World:
    world = World(settings, Clock(scale=settings.scale))
    if settings.traffic == "ruled":
        world.traffic = Traffic(world)
    return world


async def _serve_outside(gateway: Gateway, options: Options) -> list[asyncio.Server]:
    """Listen at the socket that was opened before the sandbox was entered: it stays in the network that it was made in.

    Raises OSError if there is no such socket.
    """
    if options.outside is None:
        return []
    listener = socket.socket(fileno=options.outside)
    return [await serve(gateway, options.host, options.port, hosts=_hosts(options), listener=listener)]


def _all_addresses_are_local() -> bool:
    """Return whether this network has the addresses of all VPCs, as that of a sandbox has: connections arrive there."""
    with socket.socket() as listener, socket.socket() as caller:
        try:
            listener.bind((str(DEFAULT_CIDR[-2]), 0))
            listener.listen(1)
            caller.settimeout(_CONNECT)
            caller.connect(listener.getsockname())
        except OSError:
            return False
    return True


def _hosts(options: Options) -> Hosts:
    """Return the hosts that are answered: a server on every address is reached by any address, and by no other name."""
    return Hosts([options.host, *options.names], any_address=usable_address(options.host) != options.host)


def _exposure(options: Options) -> str:
    """Return what others may do who reach the address; "" if only this machine does."""
    if is_local(options.host):
        return ""
    if not options.settings.verify_signatures:
        who = "every client, since --no-signatures accepts every request,"
    elif options.settings.secret == Settings().secret:
        who = "every client, since this --secret is public,"
    else:
        who = "a client that has the secret"
    return f"--host {options.host} is open to other machines; {who} can run commands as this user (docs/trust.md)"


def _listen_error(protocol: str, host: str, port: int, error: OSError) -> str:
    return f"cannot listen for {protocol} on {host}:{port}: {error.strerror or error}"


def _reduce_garbage_collection() -> None:
    """Collect cycles rarely: the state is large, long-lived and has none, and a full collection pauses all requests."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
