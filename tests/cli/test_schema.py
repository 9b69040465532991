"""`surveyor schema`: the printed schema is valid and describes the file."""

from __future__ import annotations

import json

import jsonschema
import pytest

from surveyor.cli import main
from surveyor.cli.schema import FileKind


@pytest.mark.parametrize("kind", FileKind)
def test_a_schema_is_printed(kind: FileKind, capsys: pytest.CaptureFixture[str]) -> None:
    """The output is a JSON Schema."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["schema", kind])
    value = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(value)
    assert value["$defs"]


def test_an_unknown_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The names that are known are in the message."""
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["schema", "song"])
    error = capsys.readouterr().err
    assert all(kind in error for kind in FileKind)
