"""Fixtures that call the EC2 handlers of one account as the gateway does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from surveyor_emulator.aws.ec2.handlers import HANDLERS
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import Call, World

Ask: TypeAlias = Callable[..., Any]


@pytest.fixture
def world() -> World:
    """Return a world whose clock does not advance by itself."""
    return World(Settings(), Clock(start=1_000_000.0, scale=None))


@pytest.fixture
def ask(world: World) -> Ask:
    """Return ``ask("DescribeVpcs", VpcIds=[…])``, which returns the response or the code of the error."""

    def ask(operation: str, region: str = "eu-west-1", **request: object) -> Mapping[str, object] | str:
        call = Call(world, "111111111111", region, "arn:aws:iam::111111111111:root", "ec2", operation)
        try:
            return HANDLERS[operation](call, request)
        except ServiceError as error:
            return error.code

    return ask
