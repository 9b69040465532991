"""The files that botocore reads credentials from: checked before, since it reads any file to its end, and any pipe."""

from __future__ import annotations

import os
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.input_files import is_file, read_text

__all__ = ["check_credential_files", "credential_file", "credential_state"]

_FILES = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "",
}
"""Variables that name a file, each with its default."""


def credential_file(variable: str) -> Path:
    """Return the file that a variable names, or its default."""
    return Path(os.path.expanduser(os.environ.get(variable) or _FILES[variable]))  # noqa: PTH111  # fails without a home


def credential_state() -> tuple[tuple[str, int, int], ...]:
    """Return name, size and time of change of each file that there is: another value means other settings."""
    states = []
    for path in map(credential_file, _FILES):
        if is_file(path):
            status = path.stat()
            states.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(states)


def check_credential_files() -> None:
    """Raise UsageError if a file is not regular, or no text of limited size; botocore reports one that is missing."""
    for variable in _FILES:
        path = credential_file(variable)
        if str(path) in (".", os.devnull) or not os.path.lexists(path):
            continue
        if not is_file(path):
            raise UsageError(f"{variable}: {path} is not a regular file")
        read_text(path)
