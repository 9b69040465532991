"""Experiments and scenarios are chosen by name, or by the path of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.cli import main
from surveyor.cli._support.programs import describe_program, find_programs, select_programs
from surveyor.errors import UsageError

EXPERIMENT = '"""Pause.\n\nMore."""\nfrom surveyor import chaos\n\n@chaos.experiment("T")\ndef test_it(): ...\n'


@pytest.fixture
def known(tmp_path: Path) -> dict[str, Path]:
    """Return the programs of a folder with one experiment."""
    (tmp_path / "chaos").mkdir()
    (tmp_path / "chaos" / "kill_half.py").write_text(EXPERIMENT)
    return find_programs(tmp_path / "chaos")


def select(names: list[str], known: dict[str, Path]) -> dict[str, Path]:
    """Select experiments."""
    return select_programs(names, known, "experiment", "surveyor chaos --list", "experiment")


def test_names_and_paths_can_be_mixed(known: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that ends with .py is a file, relative to the current directory; its name is that of the file."""
    folder = tmp_path / "our experiments"
    folder.mkdir()
    (folder / "pause_two.py").write_text(EXPERIMENT)
    monkeypatch.chdir(folder)
    chosen = select(["kill-half", "pause_two.py"], known)
    assert chosen == {"kill-half": tmp_path / "chaos" / "kill_half.py", "pause-two": folder / "pause_two.py"}
    assert describe_program(chosen["pause-two"]) == "Pause."


def test_two_names_may_be_of_one_file(known: dict[str, Path]) -> None:
    """Each name that the caller knows is chosen under that name."""
    [path] = known.values()
    names = {**known, "kill-half-vanished": path}
    assert select(["kill-half-vanished", "kill-half"], names) == names


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("kill-hafl", None, "unknown experiment 'kill-hafl' .*did you mean 'kill-half'"),
        ("missing.py", None, "missing.py: cannot be read: No such file or directory"),
        ("half.py", "def test_it(:\n", "half.py:1: is not Python: "),
        ("null.py", "\0", "null.py.*: cannot be read: it is not text"),
        ("plain.py", "def test_it(): ...\n", "plain.py is not an experiment: it does not use `experiment`"),
    ],
)
def test_anything_else_is_refused_in_one_line(
    known: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str | None,
    message: str,
) -> None:
    """The message names the file and what is wrong with it."""
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message) as refusal:
        select([name], known)
    assert "\n" not in str(refusal.value)


def test_two_programs_of_one_name_are_refused(known: dict[str, Path], tmp_path: Path) -> None:
    """Their results would be written to the same files; one file named twice is one program."""
    (tmp_path / "kill_half.py").write_text(EXPERIMENT)
    with pytest.raises(UsageError, match="two experiments are named kill-half"):
        select(["kill-half", str(tmp_path / "kill_half.py")], known)
    assert len(select(["kill-half", str(known["kill-half"]), "kill-half"], known)) == 1


@pytest.mark.parametrize("service", ["web", "shop/", "/web", "shop/web/two"])
def test_a_service_has_a_cluster(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also for a list of what can be done: one line and 2, before anything is read."""
    assert main(["chaos", "--list", "--service", service, "--target", "http://127.0.0.1:9"]) == 2
    assert capsys.readouterr().err == f"surveyor: expected --service CLUSTER/SERVICE, got {service!r}\n"
