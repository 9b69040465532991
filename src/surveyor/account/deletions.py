"""Which calls delete what others created: the operations of one resource have the same noun."""

from __future__ import annotations

__all__ = ["deletes", "is_deletion"]

_CREATES = ("Create", "Register", "Run", "Allocate", "Put")
_DELETES = ("Delete", "Deregister", "Terminate", "Release")


def is_deletion(operation: str) -> bool:
    """Return whether an operation deletes something, by its verb."""
    return operation.startswith(_DELETES)


def deletes(deletion: str, creation: str) -> bool:
    """Return whether one operation deletes what the other creates; both as `service:Operation`.

    DeleteService names a cluster of ECS, and DeregisterInstance a service of Cloud Map, and neither deletes it.
    DeleteNamespace deletes what CreateHttpNamespace creates, DeleteTaskDefinitions what RegisterTaskDefinition does.
    """
    service, _, operation = deletion.partition(":")
    noun = _without_verb(operation, _DELETES)
    return creation.startswith(f"{service}:") and _without_verb(creation.partition(":")[2], _CREATES).endswith(noun)


def _without_verb(operation: str, verbs: tuple[str, ...]) -> str:
    verb = next((verb for verb in verbs if operation.startswith(verb)), "")
    return operation.removeprefix(verb).removesuffix("s")
