"""Packet filters at sockets: which packets the kernel drops before a process sees them (SO_ATTACH_FILTER, socket(7)).

TCP sends again what is dropped, as it does on a network. A socket that a listener accepts has the listener's filter.
Some kernels demand a privilege in the network namespace of a TCP socket, which the user of a sandbox has.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

__all__ = [
    "EVERYWHERE",
    "FROM_MACHINE",
    "DropRule",
    "choose_listener",
    "drop",
    "drop_from_machine",
    "find_problem",
    "pass_everything",
]

EVERYWHERE = IPv4Network("0.0.0.0/0")
_MACHINE = IPv4Address("127.0.0.1")

_ATTACH_FILTER, _DETACH_FILTER = 26, 27  # SO_ATTACH_FILTER, SO_DETACH_FILTER
_CHOOSE = 51  # SO_ATTACH_REUSEPORT_CBPF
_NETWORK_HEADER = 0xFFF0_0000  # SKF_NET_OFF
_RANDOM = 0xFFFF_F000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM
_LOAD_BYTE, _LOAD, _AND, _RETURN = 0x30, 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST, _JUMP = 0x15, 0x35, 0x05
_WHOLE_PACKET = 0xFFFF_FFFF
_MAX_INSTRUCTIONS = 4_096

Instruction = tuple[int, int, int, int]
"""Code, distance of the jump if true, if false, and operand (struct sock_filter)."""


_REFUSED = (
    "this machine refuses packet filters of ordinary users at sockets of TCP: start the target in a network namespace "
    "(surveyor sandbox), or as root"
)


@dataclass(frozen=True, slots=True)
class DropRule:
    """Drop that `share` (0 to 1) of the packets that come from `sources`, apart from those from `spared`.

    `unless_towards`: packets that are sent to this address pass.
    """

    share: float = 1.0
    sources: Sequence[IPv4Network] = (EVERYWHERE,)
    spared: Sequence[IPv4Network] = ()
    unless_towards: IPv4Address | None = None


def drop(at: socket.socket, rules: Iterable[DropRule]) -> None:
    """Have the kernel drop what arrives at a socket, by these rules and no earlier ones. Raises OSError.

    What is not of IPv4 passes.
    """
    parts = [_drop(rule) for rule in rules]
    if not parts:
        pass_everything(at)
        return
    body = [instruction for part in parts for instruction in part]
    _attach(at, _ATTACH_FILTER, [*_unless_ipv4(len(body)), *body, (_RETURN, 0, 0, _WHOLE_PACKET)])


def find_problem() -> str:
    """Return why the kernel does not let this process filter what arrives at a socket of TCP; "" if it does."""
    with socket.socket() as probe:
        try:
            drop(probe, [DropRule(share=0.5)])
        except OSError as error:
            return error.strerror or str(error)
    return ""


def pass_everything(at: socket.socket) -> None:
    """Remove the filter of a socket, if it has one."""
    try:
        at.setsockopt(socket.SOL_SOCKET, _DETACH_FILTER, 0)
    except FileNotFoundError:  # there was none
        return


FROM_MACHINE = DropRule(sources=(IPv4Network(_MACHINE),), unless_towards=_MACHINE)
"""What arrives from this machine and not from a container."""


def drop_from_machine(listening: socket.socket) -> None:
    """Have the kernel drop what arrives at a socket from this machine and not from a container."""
    drop(listening, [FROM_MACHINE])


def choose_listener(
    member: socket.socket, chosen: int, sources: Sequence[IPv4Network], spared: Sequence[IPv4Network], mark: int
) -> None:
    """Let the listener of this number have new connections, of all that listen at one address with SO_REUSEPORT.

    Connections from outside of `sources`, from `spared`, and those whose packets have `mark` as their type of service,
    are for the first one. Raises OSError.
    """
    take: list[Instruction] = [(_RETURN, 0, 0, chosen)]
    skip_marked: list[Instruction] = [(_LOAD_BYTE, 0, 0, _NETWORK_HEADER + 1), (_IF_EQUAL, 0, 1, mark)]
    body = [*skip_marked, (_RETURN, 0, 0, 0), *_if_from(sources, spared, take)]
    _attach(member, _CHOOSE, [*_unless_ipv4(len(body)), *body, (_RETURN, 0, 0, 0)])


def _drop(rule: DropRule) -> list[Instruction]:
    action: list[Instruction] = [(_RETURN, 0, 0, 0)]
    if rule.share < 1:
        threshold = int(rule.share * 2**32)
        action = [(_LOAD, 0, 0, _RANDOM), (_IF_AT_LEAST, 1, 0, threshold), *action]
    if rule.unless_towards is not None:
        target: list[Instruction] = [
            (_LOAD, 0, 0, _NETWORK_HEADER + 16),
            (_IF_EQUAL, len(action), 0, int(rule.unless_towards)),
        ]
        action = [*target, *action]
    return _if_from(rule.sources, rule.spared, action)


def _if_from(
    sources: Sequence[IPv4Network], spared: Sequence[IPv4Network], action: list[Instruction]
) -> list[Instruction]:
    """Return instructions that do `action` for packets of some sources, and else continue behind it."""
    do: list[Instruction] = list(action)
    if EVERYWHERE not in sources:
        # Each source jumps to the action; behind the last one a jump passes it by.
        tests: list[Instruction] = []
        for network in reversed(sources):
            jump: Instruction = (_JUMP, 0, 0, len(tests) + 1)
            tests = [*_source_in(network), (_IF_EQUAL, 0, 1, int(network.network_address)), jump, *tests]
        do = [*tests, (_JUMP, 0, 0, len(action)), *do]
    for network in spared:
        do = [*_source_in(network), (_IF_EQUAL, 0, 1, int(network.network_address)), (_JUMP, 0, 0, len(do)), *do]
    return do


def _source_in(network: IPv4Network) -> list[Instruction]:
    return [(_LOAD, 0, 0, _NETWORK_HEADER + 12), (_AND, 0, 0, int(network.netmask))]


def _unless_ipv4(length: int) -> list[Instruction]:
    """Return instructions that pass by the next `length` ones for a packet that is not of IPv4."""
    return [
        (_LOAD_BYTE, 0, 0, _NETWORK_HEADER),
        (_AND, 0, 0, 0xF0),
        (_IF_EQUAL, 1, 0, 0x40),
        (_JUMP, 0, 0, length),
    ]


def _attach(at: socket.socket, option: int, instructions: Sequence[Instruction]) -> None:
    if len(instructions) > _MAX_INSTRUCTIONS:
        raise OSError(f"a packet filter of {len(instructions)} instructions is too long")
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    program = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code))
    try:
        at.setsockopt(socket.SOL_SOCKET, option, program)
    except PermissionError as error:
        raise PermissionError(error.errno, _REFUSED) from None


if __name__ == "__main__":
    sys.stdout.write(find_problem())
