"""Redacted reports: nothing of the account or the machine is in them, and they can still be read."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from surveyor.claims import load_claims
from surveyor.cli import main
from surveyor.evidence import EvidenceEntry
from surveyor.layout import find_layout
from surveyor.report.file import load_report, save_report
from surveyor.report.model import ConformanceReport
from surveyor.report.publication import save_small_report
from surveyor.report.redaction.folder import redact_folder
from surveyor.report.redaction.public import public_words
from surveyor.report.redaction.redactor import Redactor
from surveyor.verdicts import Verdict
from tests.report.conftest import MakeReport

LAYOUT = find_layout()

USER = "tapirson"
ACCOUNT, OTHER_ACCOUNT = "918273645546", "564738291019"
PRIVATE = {
    "account": ACCOUNT,
    "other account": OTHER_ACCOUNT,
    "role": "Quokka-Deployers",
    "session": "zbigniew.brz",
    "user": "wombat-operator",
    "bucket": "zebrafish-ledgers",
    "cluster": "axolotl-payments",
    "vpc": "vpc-0d15ea5e0badcafe1",
    "old vpc": "vpc-9badf00d",
    "subnet": "subnet-0123feedbeef45678",
    "interface": "eni-0fedcba9876543210",
    "zone": "Z09218431KQZP7TBX2NV",
    "namespace id": "ns-x7qpl2mv9kdh3zta",
    "private address": "10.87.143.219",
    "public address": "54.211.97.166",
    "address 6": "2600:1f18:2551:8900:a6b2::17",
    "balancer": "internal-capybara-884211.eu-west-1.elb.amazonaws.com",
    "host": "ip-10-87-143-219.ec2.internal",
    "zone name": "okapi-shop.net",
    "endpoint": "narwhal.numbat.example.lan",
    "key": "AKIAQX7ZB2WMNT4LKP9R",
    "session key": "ASIAQX7ZB2WMNT4LKP8S",
    "principal id": "AROAQX7ZB2WMNT4LKP7T",
    "mail": "t.wallaby@okapi-shop.net",
    "path": f"/home/{USER}/numbat",
    "windows path": r"C:\Users\tapirson\numbat",
    "user of the path": USER,
}
ARNS = (
    f"arn:aws:sts::{ACCOUNT}:assumed-role/Quokka-Deployers/zbigniew.brz",
    f"arn:aws:iam::{ACCOUNT}:user/teams/wombat-operator",
    "arn:aws:s3:::zebrafish-ledgers/prefix",
    f"arn:aws:ecs:eu-west-1:{OTHER_ACCOUNT}:cluster/axolotl-payments",
)
TEXT = (
    f"User: {ARNS[0]} is not authorized to perform: ecs:RunTask on {ARNS[3]}; {ARNS[1]} and {ARNS[2]} may; "
    + ", ".join(PRIVATE[name] for name in ("vpc", "old vpc", "subnet", "interface", "zone", "namespace id", "key"))
    + f" at {PRIVATE['private address']}:8080, {PRIVATE['public address']}, {PRIVATE['address 6']}, "
    + f"{PRIVATE['balancer']}, {PRIVATE['host']}, https://{PRIVATE['endpoint']}:4566/x, {PRIVATE['session key']}, "
    + f"{PRIVATE['principal id']}:zbigniew.brz by {PRIVATE['mail']} in {PRIVATE['path']}/a.py:7, "
    + PRIVATE["windows path"]
)
KEPT = (
    "surveyor-0123abcd-ns-1",
    "192.0.2.1",
    "ns-aaaaaaaaaaaaaaaa",
    "ecs-tasks.amazonaws.com",
    "127.0.0.1",
    "111122223333",
)
"""Names of a run, and literals of suites and documents."""


CLAIMS = tuple(load_claims(LAYOUT.claims).by_id)[:20]


def entries(text: str) -> tuple[EvidenceEntry, ...]:
    """Return evidence with a text and with values that only their place makes private."""
    return (
        {
            "kind": "call",
            "service": "ecs",
            "operation": "RunTask",
            "params": {
                "cluster": "surveyor-0123abcd-ns-1",
                "body": json.dumps({"a": text, "b": f"x\n{text}"}),
                text: [text],
            },
            "error": {"Code": "AccessDenied", "Message": text},
        },
        {
            "kind": "call",
            "service": "servicediscovery",
            "operation": "ListNamespaces",
            "params": {},
            "response": {"Namespaces": [{"Id": PRIVATE["namespace id"], "Name": "axolotl-payments", "n": 1}]},
        },
        {"kind": "call", "service": "iam", "operation": "CreateUser", "params": {"query": quote(text, safe="")}},
        {"kind": "event", "event": f"{text} {' '.join(KEPT)}"},
        {
            "kind": "dns",
            "question": f"api.{PRIVATE['zone name']} A",
            "server": f"{PRIVATE['private address']}:53",
            "answer": {
                "rcode": "NOERROR",
                "answer": [f"api.{PRIVATE['zone name']}. 60 IN A {PRIVATE['public address']}"],
            },
        },
    )


@pytest.fixture(scope="module")
def private_report(make_report: MakeReport) -> ConformanceReport:
    """Return a report of an account that has private values in every place that a target or a user fills."""
    report = make_report("aws", "", entries=entries(TEXT), text=TEXT, only=CLAIMS)
    target = structs.replace(
        report.target, kind="endpoint", endpoint=f"https://{PRIVATE['endpoint']}:4566", absent={"dns": TEXT}
    )
    return structs.replace(
        report, target=target, failure=TEXT, unexpected=(TEXT,), leaked_resources=(TEXT,), runs=("0123abcd",)
    )


@pytest.fixture
def run_folder(tmp_path: Path, private_report: ConformanceReport) -> Path:
    """Return the folder of a run with each kind of file."""
    folder = tmp_path / "run"
    (folder / "histories").mkdir(parents=True)
    save_report(private_report, folder / "report.json")
    header = {"type": "header", "kind": "surveyor/history", "service": {"arn": ARNS[3], "note": TEXT}}
    (folder / "histories/kill.jsonl").write_text(f"{json.dumps(header)}\n{json.dumps({'members': {TEXT: TEXT}})}\n")
    (folder / "histories/kill.verdict.json").write_text(json.dumps({"faults": [TEXT]}))
    (folder / "histories/undo-main.jsonl").write_text(json.dumps({"step": TEXT}))
    (folder / "tally.json").write_text(json.dumps({"counts": [["dns", 5, PRIVATE["private address"], TEXT]]}))
    (folder / "recordings.json").write_text(json.dumps({"results": [{"evidence": entries(TEXT)}]}))
    (folder / "ecs.toml").write_text(f"title = 'x'\n[[recording]]\nfact = '''{TEXT}'''\n")
    (folder / "locust.log").write_text(f"{TEXT}\n")
    (folder / "surveyor-error-1.txt").write_text(f"{TEXT}\n")
    (folder / "run.json").write_text(json.dumps({"options": {"account": ACCOUNT, "role": ARNS[1]}}))
    (folder / "ledger-main.jsonl").write_text(json.dumps({"account": ACCOUNT, "host": "numbat-builder"}) + "\n")
    (folder / "notes.md").write_text(TEXT)
    return folder


def refuse(capsys: pytest.CaptureFixture[str], *arguments: Path | str) -> None:
    """Check that `surveyor report redact` ends with exit 2 and one line."""
    assert main(["report", "redact", *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert (len(printed.err.splitlines()), printed.out) == (1, "")


def written(folder: Path) -> dict[str, str]:
    """Return the text of each file of a folder by its path."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_nothing_private_is_left(run_folder: Path, tmp_path: Path) -> None:
    """None of the private values is in any file of the copy, nor in the name of one."""
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    for name, text in written(tmp_path / "copy").items():
        for what, value in PRIVATE.items():
            for form in (value, quote(value, safe=""), json.dumps(value)[1:-1]):
                assert form.lower() not in (name + text).lower(), (what, name)


def test_literals_and_names_of_the_run_stay(run_folder: Path, tmp_path: Path) -> None:
    """What suites and documents say, and what the run created, can be read in the copy."""
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    report = (tmp_path / "copy/report.json").read_text()
    assert [text for text in KEPT if text not in report] == []


def test_the_copy_is_a_report(run_folder: Path, tmp_path: Path, private_report: ConformanceReport) -> None:
    """Claims, verdicts and score of the copy are those of the original."""
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    copy = load_report(tmp_path / "copy/report.json")
    assert [(claim.id, claim.verdict, claim.statement) for claim in copy.claims] == [
        (claim.id, claim.verdict, claim.statement) for claim in private_report.claims
    ]


def test_equal_values_have_equal_placeholders(run_folder: Path, tmp_path: Path) -> None:
    """A role is the same in an ARN, alone, and in every file; two accounts differ."""
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    log = (tmp_path / "copy/locust.log").read_text()
    assert log == (tmp_path / "copy/surveyor-error-1.txt").read_text()
    assert "account-redacted-1" in log
    assert "account-redacted-2" in log
    assert log.split()[1].startswith("arn:aws:sts::account-redacted-1:assumed-role/principal-redacted-")


def test_redaction_is_idempotent(run_folder: Path, tmp_path: Path) -> None:
    """A copy of the copy is the copy."""
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    again = redact_folder(tmp_path / "copy", tmp_path / "again", LAYOUT)
    assert written(tmp_path / "again") == written(tmp_path / "copy")
    assert again.values == 0


def test_a_copy_is_replaced(run_folder: Path, tmp_path: Path) -> None:
    """A second run of the command replaces the copy of the first."""
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    before = written(tmp_path / "copy")
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    assert written(tmp_path / "copy") == before


def test_the_original_stays(run_folder: Path, tmp_path: Path) -> None:
    """Nothing in the folder of the run changes."""
    before = written(run_folder)
    redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    assert written(run_folder) == before


def test_other_files_are_left_out_and_named(run_folder: Path, tmp_path: Path) -> None:
    """Ledgers, files of others, links, and histories that were cut short are not copied."""
    (tmp_path / "outside").mkdir()
    (run_folder / "link").symlink_to(tmp_path / "outside")
    (run_folder / "tally-link.json").symlink_to("/etc/passwd")
    (run_folder / "histories/cut.jsonl").write_text('{"kind": "surveyor/history"}\n{"type": "in')
    done = redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    named = {line.partition(":")[0] for line in done.left_out}
    assert named == {
        *("histories/cut.jsonl", "histories/undo-main.jsonl", "ledger-main.jsonl", "link", "notes.md", "run.json"),
        "tally-link.json",
    }
    assert not {"notes.md", "run.json", "link"} & {path.name for path in (tmp_path / "copy").rglob("*")}


def test_a_huge_file_is_left_out(run_folder: Path, tmp_path: Path) -> None:
    """A file above the limit is named with the reason, and not read."""
    with (run_folder / "huge.log").open("wb") as file:
        file.truncate(129 * 1024 * 1024)
    done = redact_folder(run_folder, tmp_path / "copy", LAYOUT)
    assert [line for line in done.left_out if line.startswith("huge.log: ") and "larger than 128 MB" in line]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"kind": "Other"}', '{"kind": "ConformanceReport", "apiVersion": "surveyor/v9"}']
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty file, one that is cut short, another kind and a newer schema end in one line and exit 2."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/report.json").write_text(content)
    refuse(capsys, tmp_path / "run")
    assert not (tmp_path / "run-redacted").exists()


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "link"])
def test_what_is_no_folder_of_a_run_is_refused(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a report, a file in its place, and a report that is a link end in one line and exit 2."""
    folder = tmp_path / "run"
    if kind == "file":
        folder.write_text("x")
    elif kind != "missing":
        folder.mkdir()
    if kind == "link":
        (folder / "report.json").symlink_to("/etc/passwd")
    refuse(capsys, folder)


@pytest.mark.parametrize("out", ["run", "run/copy", ".", "used", "file"])
def test_a_copy_goes_to_a_folder_of_its_own(
    run_folder: Path, tmp_path: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of the run, one inside or around it, one with other files, and a file are refused."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used/mine").write_text("x")
    (tmp_path / "file").write_text("x")
    before = written(tmp_path)
    refuse(capsys, run_folder, "--out", tmp_path / out)
    assert written(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_place_is_refused(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be written ends in one line and exit 2."""
    (tmp_path / "closed").mkdir(mode=0o500)
    refuse(capsys, run_folder, "--out", tmp_path / "closed/copy")


def test_published_reports_are_redacted(private_report: ConformanceReport, tmp_path: Path) -> None:
    """The small report of an account has neither ARNs nor names of principals, nor anything else private."""
    text = save_small_report(private_report, tmp_path).read_text()
    assert [what for what, value in PRIVATE.items() if json.dumps(value)[1:-1] in text] == []


def test_published_reports_of_emulators_stay(make_report: MakeReport, tmp_path: Path) -> None:
    """What an emulator answered is not private."""
    report = make_report(text=TEXT, verdicts={"dns.srv.value": Verdict.FAIL})
    assert ARNS[0] in save_small_report(report, tmp_path).read_text()


_WORD = st.from_regex(r"[a-z][a-z0-9]{8,13}", fullmatch=True)
_HEX = st.text("0123456789abcdef", min_size=17, max_size=17)


@settings(max_examples=60, deadline=None)
@given(
    name=_WORD,
    number=st.integers(10**11, 10**12 - 1).filter(lambda number: not public_words(LAYOUT).has_account(str(number))),
    hexadecimal=_HEX,
    address=st.ip_addresses(v=4).filter(lambda found: found.is_private is False or str(found).startswith("10.")),
    prefix=st.sampled_from(["", "x=", "%2F", "\\n", "[", '"', "a ", "("]),
    suffix=st.sampled_from(["", "%2F", "\\n", "]", '"', ".", ", b", "/", ")"]),
)  # fmt: skip
def test_values_are_found_in_any_surroundings(
    name: str, number: int, hexadecimal: str, address: object, prefix: str, suffix: str
) -> None:
    """A role, an account, an id and an address are replaced wherever they stand, and never the second time."""
    redactor = Redactor(public_words(LAYOUT))
    values = [f"arn:aws:iam::{number}:role/{name}", f"subnet-{hexadecimal}", str(address), f"{name}@{name}.com"]
    texts = [f"{prefix}{value}{suffix}" for value in (*values, str(number), name)]
    redactor.collect(texts)
    done = redactor.json(texts)
    joined = "\n".join(done)
    public = public_words(LAYOUT)
    private = [str(number), hexadecimal, name, *([] if public.has_address(str(address)) else [str(address)])]
    assert [value for value in private if value in joined] == []
    again = Redactor(public)
    again.collect(done)
    assert again.json(done) == done


def test_values_are_found_in_cbor() -> None:
    """A text of CBOR begins with its length: up to 23 as one character, which may be a letter, or after an `x`."""
    public = public_words(LAYOUT)
    hexadecimal, letters = "0f9e2d4c6b8a13579", "1g3fc6uv5f8byhfr"
    names = ("i", "eni", "sg", "vpc", "subnet")
    values = [f"{name}-{hexadecimal}" for name in names] + [f"ns-{letters}", f"srv-{letters}"]
    values += ["10.0.0.12", "198.18.7.201", "xdzml6zxu2ig44twqivmntebpi4oy5nr-8vh4ecn6", ACCOUNT]
    heads = [chr(0x60 + len(value)) if len(value) < 24 else f"x{chr(len(value))}" for value in values]
    text = "".join(f"bId{head}{value}" for head, value in zip(heads, values, strict=True))
    done = Redactor(public).text(text)
    assert [value for value in values if value in done] == []
    assert Redactor(public).text(done) == done
    words = "tags-aaaaaaaaaaaaaaaa, sns-topic, connections-0123456789abcdef01"
    assert Redactor(public).text(words) == words


def test_the_forms_of_the_model_are_kept(private_report: ConformanceReport) -> None:
    """A redacted report has the same members as before, whatever the values."""
    redactor = Redactor(public_words(LAYOUT))
    value = msgspec.to_builtins(private_report)
    redactor.collect(value)
    redacted = redactor.report(value)
    assert redacted.keys() == value.keys()
    assert [claim.keys() for claim in redacted["claims"]] == [claim.keys() for claim in value["claims"]]


@pytest.mark.parametrize(
    "part", ["a", "/", "a/", "../", "/tmp/", "a.", "a@", "1.", "1:", ":", "arn:aws:", "A", "-", "%2F", "C:\\", "://a"]
)
def test_long_texts_take_no_time(part: str) -> None:
    """What repeats the beginning of a private value 20,000 times is read in less than a second."""
    redactor = Redactor(public_words(LAYOUT))
    text = f"/tmp/{part * 20_000}!"
    began = time.process_time()
    redactor.collect(text)
    redactor.text(text)
    assert time.process_time() - began < 1


@pytest.mark.soak
def test_a_hostile_report_is_redacted(hostile_report: ConformanceReport, tmp_path: Path) -> None:
    """Markup, controls and halves of characters are no obstacle, nor are folders in place of files."""
    folder = tmp_path / "run"
    (folder / "tally.json").mkdir(parents=True)
    (folder / "a\nb.log").write_text(TEXT)
    (folder / "wrong.verdict.json").write_text("[" * 100_000)
    (folder / "binary.log").write_bytes(b"\xff\xfe\x00")
    save_report(hostile_report, folder / "report.json")
    done = redact_folder(folder, tmp_path / "copy", LAYOUT)
    assert len(load_report(tmp_path / "copy/report.json").claims) == len(hostile_report.claims)
    assert {line.partition(":")[0] for line in done.left_out} == {"wrong.verdict.json", "binary.log"}
