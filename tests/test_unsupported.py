"""How targets decline an operation, as observed on real emulators."""

from __future__ import annotations

import pytest

from surveyor.unsupported import declined, is_html

PAGE = b"<!doctype html>\n<html lang=en>\n<title>Not Found</title>"
HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/x-amz-json-1.1"}
XML = {"Content-Type": "text/xml"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "log"),
    [
        (501, JSON, b"{}", {"Code": "InternalError"}, ""),
        (400, JSON, b"{}", {"Code": "UnknownOperationException", "Message": ""}, ""),
        (400, XML, b"<x/>", {"Code": "InvalidAction", "Message": "Unknown EC2 action: DescribeFpgaImages"}, ""),
        (400, XML, b"<x/>", {"Code": "InvalidInput", "Message": "Unknown Route53 endpoint: GET /2013-04-01/x"}, ""),
        (404, HTML, PAGE, {"Code": "404", "Message": "Not Found"}, ""),
        (500, HTML, PAGE, {"Code": "500", "Message": PAGE.decode()}, "NotImplementedError: The X action has not been"),
        (404, XML, b"<Error><Code>NoSuchBucket</Code></Error>", {"Code": "404"}, ""),
    ],
)
def test_declining_is_recognised(
    status: int, headers: dict[str, str], body: bytes, error: dict[str, str], log: str
) -> None:
    """Each known way in which an emulator declines an operation is recognised."""
    assert declined(status, headers, body, error, log)


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "log"),
    [
        (200, JSON, b"{}", None, "NotImplementedError"),
        (400, JSON, b"{}", {"Code": "InvalidInput", "Message": "Unknown attribute"}, ""),
        (400, JSON, b"{}", {"Code": "ServiceNotFound", "Message": ""}, ""),
        (404, XML, b"<x/>", {"Code": "NoSuchHostedZone", "Message": ""}, ""),
        (500, HTML, PAGE, {"Code": "500", "Message": PAGE.decode()}, "KeyError: 'Name'"),
        (500, JSON, b"{}", {"Code": "InternalFailure", "Message": "internal"}, ""),
    ],
)
def test_other_answers_are_not_taken_for_declining(
    status: int, headers: dict[str, str], body: bytes, error: dict[str, str] | None, log: str
) -> None:
    """A documented error, a crash and a success all mean that the operation exists."""
    assert declined(status, headers, body, error, log) == ""


def test_web_pages_are_recognised_by_type_or_first_characters() -> None:
    """Header names differ in case, and a page may have no content type."""
    assert is_html({"CONTENT-TYPE": "text/html"}, b"")
    assert is_html({}, "\n<HTML>")
    assert not is_html(JSON, b"{}")
