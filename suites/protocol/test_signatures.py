"""Signature Version 4: what a signature covers, when it is valid, and the credentials that it needs."""

import json
import re

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from surveyor.testing import for_each, proves

HEADERS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Route53AutoNaming_v20170314.ListNamespaces"}
EXAMPLE = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")  # of AWS's documents
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}

# The documents of AWS spell the codes in two ways: with the suffix Exception in JSON protocols, without it in others.
MISMATCH = {"SignatureDoesNotMatch", "InvalidSignatureException"}
INCOMPLETE = {"IncompleteSignature", "IncompleteSignatureException"}
MISSING = {"MissingAuthenticationToken", "MissingAuthenticationTokenException"}
UNKNOWN = {"UnrecognizedClientException", "InvalidClientTokenId"}
EXPIRED = {"ExpiredTokenException", "ExpiredToken"}


@pytest.fixture
def code_of(post_to_cloudmap):
    """Return `code_of(**options)`: the error code of a signed ListNamespaces, "" if it is answered."""

    def send(**options):
        answer = post_to_cloudmap("/", HEADERS, b'{"MaxResults": 10}', **options)
        if answer.status == 200:
            assert "Namespaces" in json.loads(answer.body)
            return ""
        code = re.search(rb'"__type":\s*"(?:[^"]*#)?(\w+)"|<Code>(\w+)</Code>', answer.body)
        assert code is not None
        return (code[1] or code[2]).decode()

    return send


def set_header(name, value):
    """Return a change that gives a header of a signed request another value."""

    def change(request):
        del request.headers[name]
        request.headers[name] = value

    return change


def drop_header(name):
    """Return a change that removes a header of a signed request."""

    def change(request):
        del request.headers[name]

    return change


def edit_authorization(pattern, replacement):
    """Return a change that replaces the only match of a pattern in the Authorization header."""

    def change(request):
        header, count = re.subn(pattern, replacement, request.headers["Authorization"])
        assert count == 1
        set_header("Authorization", header)(request)

    return change


def set_body(request):
    """Change one digit of the body."""
    request.data = b'{"MaxResults": 11}'


def add_query(request):
    """Add a query."""
    request.url += "?MaxResults=10"


def flip_last_digit(request):
    """Change the last digit of the signature."""
    header = request.headers["Authorization"]
    set_header("Authorization", header[:-1] + ("0" if header[-1] != "0" else "1"))(request)


@proves("protocol.signature-covers-request")
def test_signed_request_is_answered(code_of):
    """A signed request is answered, also with a header that is not signed and spaces that do not count."""
    assert code_of() == ""
    assert code_of(change=set_header("Accept-Language", "en")) == ""
    assert code_of(change=set_header("Content-Type", "application/x-amz-json-1.1 ")) == ""


@proves("protocol.signature-covers-request")
@for_each(
    "change",
    {
        "body": set_body,
        "query": add_query,
        "operation": set_header("X-Amz-Target", "Route53AutoNaming_v20170314.ListServices"),
        "content type": set_header("Content-Type", "application/x-amz-json-1.1; charset=utf-8"),
        "signature": flip_last_digit,
        "signed headers": edit_authorization("content-type;host", "host"),
    },
)
def test_changed_request_is_refused(code_of, change):
    """A request whose body, query, signed header or signature was changed after signing is refused."""
    # IAM User Guide, Troubleshoot Signature Version 4: "the signature value in your HTTP request to AWS did not match
    # the signature that the AWS service calculated"
    assert code_of(change=change) in MISMATCH


@proves("protocol.scope-is-part-of-signature")
@for_each(
    "pattern, replacement, codes",
    {
        "date": (r"/20\d{6}/", "/20200101/", MISMATCH),
        "region": (r"(/20\d{6}/)[^/]+", r"\1ap-south-2", MISMATCH),
        "service": ("/servicediscovery/", "/route53/", MISMATCH),
        "termination": ("aws4_request", "aws4_requests", MISMATCH | INCOMPLETE),
    },
)
def test_other_scope_is_refused(code_of, pattern, replacement, codes):
    """A signature is not valid for another date, Region, service or termination string than that of its key."""
    # STS API Reference, Common Parameters: "your access key, the date, the region you are targeting, the service you
    # are requesting, and a termination string"
    assert code_of(change=edit_authorization(pattern, replacement)) in codes


@proves("protocol.scope-names-a-region")
@for_each("region", ["us-nowhere-1", "nowhere"])
def test_scope_of_no_region_is_refused(code_of, region):
    """A signature for a Region that does not exist is refused, although its key is right."""
    # IAM User Guide, Troubleshoot Signature Version 4: "Credential should be scoped to a valid Region"
    assert code_of() == ""
    assert code_of(region=region) in MISMATCH


@proves("protocol.signature-ages")
def test_signature_is_valid_for_minutes(code_of):
    """A signature of four minutes ago, or four minutes ahead, is accepted; one of more than 15 is refused."""
    # IAM User Guide: "In most cases, a request must reach AWS within five minutes of the time stamp in the request."
    # Common Errors, RequestExpired: "more than 15 minutes after the date stamp on the request"
    for seconds in (0, -240, 240):
        assert code_of(signed=seconds) == ""
    for seconds in (-905, 960, -86_400, 86_400):
        assert code_of(signed=seconds) in MISMATCH | {"RequestExpired"}


@proves("protocol.signature-ages")
def test_time_of_signature_is_signed(code_of):
    """X-Amz-Date cannot be changed after signing."""
    assert code_of(change=set_header("X-Amz-Date", "20200101T000000Z")) in MISMATCH | {"RequestExpired"}


@proves("protocol.unsigned-is-refused")
@for_each(
    "change, codes",
    {
        "no Authorization": (drop_header("Authorization"), MISSING),
        "no Signature": (edit_authorization(", Signature=.*", ""), INCOMPLETE),
        "no SignedHeaders": (edit_authorization(" SignedHeaders=[^,]*,", ""), INCOMPLETE),
        "no Credential": (edit_authorization("Credential=[^,]*, ", ""), INCOMPLETE),
        "no X-Amz-Date": (drop_header("X-Amz-Date"), INCOMPLETE),
    },
)
def test_unsigned_request_is_refused(code_of, change, codes):
    """A request without a signature, or with an incomplete one, is refused."""
    assert code_of(change=change) in codes


@proves("protocol.unknown-key-is-refused")
@for_each("access_key", {"of a user": "AKIAIOSFODNN7EXAMPLE", "of a session": "ASIAIOSFODNN7EXAMPLE"})
def test_unknown_access_key_is_refused(code_of, access_key):
    """An access key that does not exist raises UnrecognizedClientException, with and without a session token."""
    _, secret = EXAMPLE
    for token in (None, "AQoDYXdzEJrtyWJ4NjK7PiEXAMPLEST"):
        assert code_of(credentials=Credentials(access_key, secret, token)) in UNKNOWN | {"InvalidToken"}


@proves("protocol.unknown-key-in-other-services")
@for_each(
    "service, operation",
    [("route53", "list_hosted_zones"), ("ecs", "list_clusters"), ("sts", "get_caller_identity")],
)
def test_other_services_refuse_unknown_keys(client, service, operation):
    """Route 53, ECS and STS refuse an access key that does not exist."""
    caller = client(service)
    getattr(caller, operation)()

    def sign_with_unknown_key(context, **_):
        context["signing"] = {**context.get("signing", {}), "request_credentials": Credentials(*EXAMPLE)}

    caller.meta.events.register_last("before-call", sign_with_unknown_key)
    try:
        with pytest.raises(ClientError) as refusal:
            getattr(caller, operation)()
    finally:
        caller.meta.events.unregister("before-call", sign_with_unknown_key)
    assert refusal.value.response["Error"]["Code"] in UNKNOWN


@proves("protocol.session-needs-key-secret-and-token")
def test_sessions_need_key_secret_and_token(code_of, credentials_limited_to):
    """A session is accepted with its key, secret and token, and refused if one is missing, changed or of another."""
    session, other = credentials_limited_to(ANYTHING), credentials_limited_to(ANYTHING)
    key, secret, token = session.access_key, session.secret_key, session.token
    assert code_of(credentials=session) == code_of(credentials=other) == ""
    assert code_of(credentials=Credentials(key, other.secret_key, token)) in MISMATCH
    assert code_of(credentials=Credentials(key, secret[:-1], token)) in MISMATCH
    for wrong in (None, other.token, token[:-4]):
        assert code_of(credentials=Credentials(key, secret, wrong)) in UNKNOWN | MISMATCH | {"InvalidToken"}
    assert code_of(credentials=Credentials(other.access_key, secret, token)) in UNKNOWN | MISMATCH | {"InvalidToken"}


@proves("protocol.sessions-expire")
def test_sessions_expire(code_of, assumable_role, clock, in_time, tolerance, unique_name):
    """A session of 900 seconds is accepted until it expires, and then raises ExpiredTokenException."""
    name = unique_name("session")[-64:]
    before = clock.now()
    answer = assumable_role.sts.assume_role(RoleArn=assumable_role.role, RoleSessionName=name, DurationSeconds=900)
    found = answer["Credentials"]
    session = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    expires = found["Expiration"].timestamp()
    assert before + 895 - tolerance <= expires <= clock.now() + 905 + tolerance
    with in_time(expires):
        assert code_of(credentials=session) == ""
        clock.wait(expires - clock.now() - 2 * tolerance)
        assert code_of(credentials=session) == ""
    clock.wait(3 * tolerance)
    assert code_of(credentials=session) in EXPIRED
