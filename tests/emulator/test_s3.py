"""S3 on the embedded target: whole objects, presigned URLs, and what must be refused, over real sockets."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.process import StartedProcess, start

OWNER, OTHER = "111122223333", "444455556666"
BUCKET = "surveyor-mailbox"
SIGNED = Config(retries={"total_max_attempts": 1}, signature_version="s3v4")
SESSION = Session()


@pytest.fixture(scope="module")
def target() -> Iterator[StartedProcess]:
    """Run an embedded target."""
    start_options = load_target("embedded", find_layout().targets).start
    assert start_options is not None
    started = start("embedded", start_options, seed=7)
    yield started
    started.stop()


def client(target: StartedProcess, account: str = OWNER, secret: str = "surveyor", service: str = "s3") -> Any:
    """Return a client with the credentials of an account's root user."""
    return SESSION.create_client(
        service, region_name="us-east-1", endpoint_url=target.endpoint, config=SIGNED, aws_access_key_id=account,
        aws_secret_access_key=secret,
    )  # fmt: skip


@pytest.fixture(scope="module")
def s3(target: StartedProcess) -> Any:
    """Return a client of an account that has one bucket."""
    found = client(target)
    found.create_bucket(Bucket=BUCKET)
    return found


def send(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request without any credentials, and return status and body."""
    request = urllib.request.Request(url, body, method=method, headers={"Content-Type": ""} if body else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_objects_are_kept_listed_and_deleted(s3: Any) -> None:
    """An object has the bytes that were put, is listed, and is gone after its deletion."""
    s3.put_object(Bucket=BUCKET, Key="answers/1", Body=b"\x00one")
    s3.put_object(Bucket=BUCKET, Key="answers/2 + three", Body=b"two")
    assert s3.get_object(Bucket=BUCKET, Key="answers/1")["Body"].read() == b"\x00one"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="answers/")["Contents"]
    assert [entry["Key"] for entry in listed] == ["answers/1", "answers/2 + three"]
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [BUCKET]
    s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": entry["Key"]} for entry in listed], "Quiet": True})
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=BUCKET, Key="answers/1")


def test_presigned_urls_need_no_credentials(s3: Any) -> None:
    """A URL allows any program to put or get that object, and another one not."""
    put = s3.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": "command"}, ExpiresIn=60)
    get = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "command"}, ExpiresIn=60)
    assert send(get) == (404, mock.ANY)
    assert send(put, "PUT", b"do it") == (200, b"")
    assert send(get) == (200, b"do it")
    for url, method in ((get, "PUT"), (get.replace("command", "other"), "GET"), (get.replace("=60", "=61"), "GET")):
        status, text = send(url, method, b"forged" if method == "PUT" else None)
        assert status == 403
        assert b"<Code>SignatureDoesNotMatch</Code>" in text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda url: url.partition("?")[0], "MissingAuthenticationToken"),  # nothing shows that it is for S3
        (lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=604801"), "SignatureDoesNotMatch"),
        (lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=sixty"), "SignatureDoesNotMatch"),
        (lambda url: url + "&X-Amz-Expires=60", "SignatureDoesNotMatch"),
        (lambda url: url.replace("X-Amz-SignedHeaders=host&", ""), "SignatureDoesNotMatch"),
        (lambda url: url.replace("%2Fs3%2F", "%2Fecs%2F"), "SignatureDoesNotMatch"),
        (lambda url: url.replace(OWNER, "AKIAIOSFODNN7EXAMPLE"), "InvalidAccessKeyId"),
    ],
    ids=["unsigned", "too-long", "not-a-number", "twice", "no-headers", "another-service", "unknown-key"],
)
def test_other_urls_are_refused(s3: Any, change: Any, code: str) -> None:
    """A URL that was changed, or that nothing signed, gets the code of S3 and no object."""
    url = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "command"}, ExpiresIn=60)
    status, text = send(change(url))
    assert status == 403
    assert f"<Code>{code}</Code>".encode() in text


def test_urls_expire(s3: Any) -> None:
    """A URL is refused after its end, and before its beginning."""
    with mock.patch("botocore.auth.get_current_datetime") as now:
        for difference, words in ((-61, b"Request has expired"), (3_600, b"not yet valid")):
            now.return_value = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=difference)
            url = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "command"}, ExpiresIn=60)
            status, text = send(url)
            assert status == 403
            assert words in text


def test_buckets_of_other_accounts_are_denied(target: StartedProcess, s3: Any) -> None:
    """Another account reads, lists and deletes nothing in a bucket, and cannot take its name."""
    other = client(target, OTHER)
    s3.put_object(Bucket=BUCKET, Key="mine", Body=b"mine")
    for call, params in ((other.get_object, {"Key": "mine"}), (other.list_objects_v2, {}), (other.delete_bucket, {})):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(Bucket=BUCKET, **params)
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        other.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert send(other.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "mine"}))[0] == 403


def test_what_is_not_there_is_not_implemented(s3: Any) -> None:
    """A subresource or a parameter that is not in the table is refused, and not ignored."""
    for call, params in ((s3.get_bucket_acl, {}), (s3.put_object_tagging, {"Key": "x", "Tagging": {"TagSet": []}})):
        with pytest.raises(ClientError, match="NotImplemented"):
            call(Bucket=BUCKET, **params)


def test_presigned_urls_act_with_the_permissions_of_their_signer(target: StartedProcess, s3: Any) -> None:
    """A URL that a user signed is denied what the user may not do, and carries the token of its session."""
    iam = client(target, service="iam")
    allow = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"%s"}]}'
    iam.create_user(UserName="carrier")
    iam.put_user_policy(UserName="carrier", PolicyName="p", PolicyDocument=allow % f"arn:aws:s3:::{BUCKET}/in/*")
    key = iam.create_access_key(UserName="carrier")["AccessKey"]
    keys = client(target, key["AccessKeyId"], key["SecretAccessKey"], "sts").get_session_token()["Credentials"]
    session: Any = SESSION.create_client(
        "s3", region_name="us-east-1", endpoint_url=target.endpoint, config=SIGNED,
        aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )  # fmt: skip
    for key, status in (("in/1", 200), ("out/1", 403)):
        url = session.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": key})
        assert "X-Amz-Security-Token=" in url
        assert send(url, "PUT", b"x")[0] == status
    assert send(session.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "in/1"}))[0] == 403
