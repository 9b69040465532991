"""The secrets of a run are blanked in every encoding, also cut and wrapped, and nothing else is."""

from __future__ import annotations

import base64
import random
import string
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor import secret_values
from surveyor.secret_values import REMOVED, SHORTEST_KEY, blank, blank_members, note_request, register
from surveyor.typed_json import dump_json, parse_json
from tests.security.echo_target import forms

_RANDOM = random.Random(11)
_LETTERS = string.ascii_letters + string.digits + "+/"
KEY = "AKIA" + "".join(_RANDOM.choices(string.ascii_uppercase + "234567", k=16))
SECRET = "".join(_RANDOM.choices(_LETTERS, k=40))
TOKEN = "IQoJ" + "".join(_RANDOM.choices(_LETTERS, k=600)) + "=="
PASSWORD = "p@ss:w0rd/ü"
SIGNATURE = "".join(_RANDOM.choices("0123456789abcdef", k=64))
AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={KEY}/20251128/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature={SIGNATURE}"
)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give this process credentials, and forget them afterwards."""
    (tmp_path / "web").write_text("eyJhbGciOiJSUzI1NiJ9.webidentitytoken\n")
    variables = {
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "web"), "SURVEYOR_TOKEN": "control-token-of-the-emulator",
        "https_proxy": "http://me:p%40ss%3Aw0rd%2F%C3%BC@proxy:8080",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(secret_values, "_processes", [])
    yield
    monkeypatch.setattr(secret_values, "_processes", [])


def pieces(secret: str) -> set[str]:
    """Return all parts of a secret with sixteen characters."""
    return {secret[start : start + 16] for start in range(len(secret) - 15)}


@pytest.mark.parametrize("secret", [KEY, SECRET, TOKEN], ids=["key", "secret", "token"])
def test_every_form_of_a_credential_is_blanked(secret: str) -> None:
    """Quoted, escaped, in base64, in hex, wrapped and cut; what stands around it stays."""
    for form in [*forms(secret), secret.upper(), base64.b64encode(f"Basic x:{secret}".encode()).decode()]:
        shown = blank(f"before <{form}> after")
        assert shown.startswith("before <")
        assert shown.endswith("> after")
        assert REMOVED in shown
        assert not pieces(secret) & pieces("".join(shown.split()))


@given(st.integers(0, 580), st.integers(15, 600), st.integers(15, 100))
def test_any_part_of_a_token_is_blanked(start: int, length: int, width: int) -> None:
    """Fifteen characters are enough, wherever the token was cut and however it is wrapped."""
    part = "\n  ".join(textwrap.wrap(TOKEN[start : start + max(15, length)], width))
    assert not pieces(TOKEN) & pieces("".join(blank(f"¶ {part} ¶").split()))
    assert blank(f"¶ {part} ¶").startswith("¶ ")


@given(st.text(alphabet=st.characters(exclude_characters="@"), max_size=300))
def test_other_text_is_unchanged(text: str) -> None:
    """What has no piece of a secret is the same."""
    assert blank(text) == text


@pytest.mark.parametrize("value", ["test", "testing", "000000000000", "", None])
def test_what_everybody_knows_is_no_secret(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of emulators are words of reports."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", value or "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", value or "")
    register(value, shortest=SHORTEST_KEY)
    assert blank("a test of account 000000000000 is testing") == "a test of account 000000000000 is testing"


def test_tokens_of_other_kinds_are_blanked() -> None:
    """A web identity token, the control token, a proxy's password and its header."""
    basic = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
    texts = ["eyJhbGciOiJSUzI1NiJ9.webidentitytoken", "control-token-of-the-emulator", PASSWORD]
    for text in texts:
        assert blank(f"a {text} b") == f"a {REMOVED} b"
    assert blank(basic) in (REMOVED, f"{basic[:4]}{REMOVED}")
    assert blank("p%40ss%3Aw0rd%2F%C3%BC") == REMOVED


@pytest.mark.parametrize("url", ["http://a:b@h/", "https://user:hunter22@[::1]:1/x", "http:\\/\\/u:p@h", "http://:p@h"])
def test_userinfo_of_any_url_is_blanked(url: str) -> None:
    """Also of URLs that are not those of the run."""
    shown = blank(f"to {url} from me@example.org")
    assert f"{REMOVED}@" in shown
    assert shown.endswith("from me@example.org")


def test_a_header_and_its_signature_are_blanked() -> None:
    """The signature of a request is a secret from the request on, as a part of the header and alone."""
    assert not note_request({"Authorization": AUTHORIZATION, "X-Amz-Security-Token": TOKEN})
    assert note_request({"Authorization": AUTHORIZATION, "X-Amz-Security-Token": b"a token that is new to this run"})
    for form in [
        *forms(AUTHORIZATION)[:8],
        SIGNATURE,
        SIGNATURE.upper(),
        base64.b64encode(SIGNATURE.encode()).decode(),
    ]:
        shown = blank(form)
        assert not pieces(SIGNATURE) & pieces(shown.lower())
        assert KEY not in shown
    assert "a token that is new" not in blank("a token that is new to this run")
    for number in range(300):
        note_request({"Authorization": AUTHORIZATION.replace(SIGNATURE, f"{number:064x}")})
    assert blank(f"{299:064x}") == REMOVED
    assert len(secret_values._known().recent | secret_values._known().older) < 60_000


def test_json_stays_json() -> None:
    """A secret in a member, a key or a list is blanked, and the text is read again."""
    value = {TOKEN: [{"a": f'"{SECRET}"\\', "b": 1}], "c": None}
    assert parse_json(dump_json(value, indent=1), object) == {REMOVED: [{"a": f'"{REMOVED}"\\', "b": 1}], "c": None}
    assert blank_members(value) == parse_json(dump_json(value), object)


def test_a_large_text_is_quick() -> None:
    """A text without secrets costs less than 50 ns a character; a thousand signatures less than a second."""
    text = "".join(_RANDOM.choices(_LETTERS + ' \n"{}:,', k=1_000_000))
    blank(text)
    began = time.process_time()
    assert blank(text) == text
    assert time.process_time() - began < 0.05 * 5  # a busy machine
    began = time.process_time()
    for number in range(1_000):
        note_request({"Authorization": AUTHORIZATION.replace(SIGNATURE, f"{number:064x}")})
    assert time.process_time() - began < 1
