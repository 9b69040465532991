"""Error messages of AWS about denials: each type of policy, each form of a service, and broken ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.explain.messages import DenialMessage, find_encoded, parse_message, split_messages
from surveyor.explain.policy_types import TypeName
from surveyor.explain.text import format_message

USER = "arn:aws:iam::123456789012:user/John"
REFUSED = f"User: {USER} is not authorized to perform:"
NAME = "codecommit:ListRepositories"
LIST = f"{REFUSED} {NAME}"
ASSUME = f"{REFUSED} sts:AssumeRole"
PUBLISH = f"{REFUSED}\nSNS:Publish on resource: arn:aws:sns:us-east-1:123456789012:t\n"
TRANSITIVE = "with an explicit deny in a VPC endpoint policy transitively through a service control policy"
QUEUE = f"{REFUSED} sqs:createqueue on resource: arn:aws:sqs:us-east-1:123456789012:q"
PASS = f'{REFUSED} iam:PassRole on resource: "arn:aws:iam::123456789012:role/r"'
DEPLOY = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*"
DEPLOYMENTS = f"{REFUSED} codedeploy:ListDeployments on resource: {DEPLOY}"
ENCODED = (
    "OIH6QTbpor6EoyZHdzm4D6U3O_wNNWv-53XamfhE4-1BxbmjOKimeEJVdo_EU9VoHk2nhp7ru3C1OenKZtcyQaXgIu6qkjpruWEc1Pcwa6RdncT=="
)
EC2 = (
    f"You are not authorized to perform this operation. {REFUSED} ec2:CreateVpc on resource: "
    "arn:aws:ec2:us-east-1:123456789012:vpc/*"
)
END = f". Encoded authorization failure message: {ENCODED}"
SCP = "arn:aws:organizations::999999999999:policy/o-a/service_control_policy/p-b"

# The examples of the guide (IAM User Guide, Troubleshoot access denied error messages), and forms of services.
EXAMPLES: dict[str, tuple[str, TypeName | None, bool]] = {
    "scp": (f"{LIST} because no service control policy allows the {NAME} action", "service-control", False),
    "scp denies": (f"{LIST} with an explicit deny in a service control policy", "service-control", True),
    "rcp denies": (f"{DEPLOYMENTS} with an explicit deny in a resource control policy", "resource-control", True),
    "endpoint": (f"{LIST} because no VPC endpoint policy allows the {NAME} action", "vpc-endpoint", False),
    "endpoint denies": (f"{DEPLOYMENTS} with an explicit deny in a VPC endpoint policy", "vpc-endpoint", True),
    "boundary": (f"{LIST} because no permissions boundary allows the {NAME} action", "boundary", False),
    "boundary denies": (f"{LIST} with an explicit deny in a permissions boundary", "boundary", True),
    "session": (f"{LIST} because no session policy allows the {NAME} action", "session", False),
    "session denies": (f"{DEPLOYMENTS} with an explicit deny in a sessions policy", "session", True),
    "resource": (f"{LIST} because no resource-based policy allows the {NAME} action", "resource", False),
    "resource denies": (f"{LIST} with an explicit deny in a resource-based policy", "resource", True),
    "trust": (f"{ASSUME} because no role trust policy allows the sts:AssumeRole action", "resource", False),
    "trust denies": (f"{ASSUME} with an explicit deny in the role trust policy", "resource", True),
    "identity": (f"{LIST} because no identity-based policy allows the {NAME} action", "identity", False),
    "identity denies": (f"{DEPLOYMENTS} with an explicit deny in an identity-based policy", "identity", True),
    "through an endpoint": (f"{PUBLISH}{TRANSITIVE}", "service-control", True),
    "ec2 with a policy": (
        f"{EC2} with an explicit deny in a service control policy: {SCP}{END}",
        "service-control",
        True,
    ),
    "ec2": (f"{EC2} because no identity-based policy allows the ec2:CreateVpc action{END}", "identity", False),
    "sqs": (f"{QUEUE} because no identity-based policy allows the sqs:createqueue action", "identity", False),
    "iam": (f"{PASS} because no identity-based policy allows the iam:PassRole action", "identity", False),
    "no reason": (LIST, None, False),
    "a deny of nothing": (f"{LIST} with an explicit deny", None, True),
    "a new type": (f"{LIST} because no policy of a new type allows it", None, False),
}
LIMITS = ("boundary", "service-control", "resource-control", "vpc-endpoint")


@pytest.mark.parametrize(("message", "kind", "explicit"), EXAMPLES.values(), ids=EXAMPLES)
def test_each_type_is_recognised(message: str, kind: TypeName | None, explicit: bool) -> None:
    """By the words in which AWS names it."""
    parsed = parse_message(message)
    assert parsed is not None
    assert (parsed.kind, parsed.explicit) == (kind, explicit)
    assert parsed.caller == USER
    assert not parsed.resource.endswith((".", '"'))


@pytest.mark.parametrize(("message", "kind", "explicit"), EXAMPLES.values(), ids=EXAMPLES)
def test_an_allow_is_proposed_only_where_it_can_help(message: str, kind: TypeName | None, explicit: bool) -> None:
    """Not against a deny, nor for a policy that only limits; then the text says where the policy is changed."""
    text = "\n".join(format_message(message))
    assert ('"Effect": "Allow"' in text) is (not explicit and kind not in (None, *LIMITS))
    if explicit:
        assert "no allow helps" in text
    if kind in LIMITS and not explicit:
        assert "an allow in a policy of the caller does not help" in text
    if kind is None:
        assert "service control" in text
        assert "VPC endpoint" in text


@pytest.mark.parametrize("resource", ["user alice", "*", "role TestReadOnly"])
def test_a_resource_without_an_arn_stands_for_all(resource: str) -> None:
    """Older messages of IAM name it by type and name, which no policy does."""
    parsed = parse_message(f"{REFUSED} iam:GetUser on resource: {resource} with an explicit deny in a session policy")
    assert parsed is not None
    assert (parsed.resource, parsed.kind, parsed.explicit) == ("*", "session", True)


def test_the_policy_that_aws_names_is_shown() -> None:
    """Its ARN, without the full stop of the sentence."""
    parsed = parse_message(f"{EC2} with an explicit deny in a service control policy: {SCP}. Encoded")
    assert parsed is not None
    assert parsed.policy == SCP
    assert SCP in "\n".join(format_message(f"{LIST} with an explicit deny in a service control policy: {SCP}"))


def test_a_trust_policy_has_no_resource() -> None:
    """The proposed statement is valid in a trust policy, also if the message names no role."""
    text = "\n".join(format_message(EXAMPLES["trust"][0]))
    assert '"Principal"' in text
    assert '"Resource"' not in text


@pytest.mark.parametrize(
    "message",
    [
        f"You are not authorized to perform this operation. Encoded authorization failure message: {ENCODED}",
        f"{EC2}. Encoded authorization failure message: {ENCODED}",
        f"  {ENCODED}\n",
    ],
)
def test_an_encoded_reason_is_to_be_decoded_by_the_cli(message: str) -> None:
    """The command is printed with the whole reason."""
    text = "\n".join(format_message(message))
    assert f"aws sts decode-authorization-message --encoded-message {ENCODED}" in text


@pytest.mark.parametrize("end", ["…", "… (1403 characters)", "..."])
def test_a_part_of_an_encoded_reason_cannot_be_decoded(end: str) -> None:
    """Reports and logs cut long texts."""
    text = "\n".join(format_message(f"Encoded authorization failure message: {ENCODED}{end}"))
    assert "decode-authorization-message" not in text
    assert "repeat the call" in text


@pytest.mark.parametrize(
    "message",
    [
        "Access Denied",
        "Access to the resource https://sqs.us-east-1.amazonaws.com/ is denied.",
        "You are not authorized to perform this operation.",
        f"User: {USER} is not authorized to access this resource",
        "",
    ],
)
def test_other_forms_name_what_is_possible(message: str) -> None:
    """They name no action, so that nothing is proposed."""
    assert parse_message(message) is None
    text = "\n".join(format_message(message))
    assert "does not say which permission is missing" in text
    assert "resource control policy" in text
    assert "Allow" not in text


@pytest.mark.parametrize(
    "caller", ["anonymous", "arn:aws-cn:iam::123456789012:user/x", "AIDAEXAMPLE", "arn:aws:iam::x:y"]
)
def test_callers_of_other_forms_are_explained(caller: str) -> None:
    """A caller that is no principal of this program does not end it."""
    for name in ("identity-based", "resource-based"):
        message = f"User: {caller} is not authorized to perform: ecs:RunTask because no {name} policy allows it"
        assert "ecs:RunTask" in "\n".join(format_message(message))


def test_hostile_characters_stay_on_their_line() -> None:
    """Controls are escapes, and what follows a line feed is no line of the explanation."""
    message = f"User: \x1b[31m{USER}\x07 is not authorized to perform: ecs:RunTask on resource: \x1b]0;x\x07 because no"
    lines = list(format_message(message))
    assert not any("\x1b" in line or "\x07" in line for line in lines)


def test_messages_of_a_log_are_found_one_by_one() -> None:
    """What follows a message up to the next one belongs to it."""
    log = f"1: {EXAMPLES['scp'][0]}\n2: something else\n3: {EXAMPLES['identity denies'][0]}\n"
    found = [parse_message(part) for part in split_messages(log)]
    assert [(message.kind, message.explicit) for message in found if message] == [
        ("service-control", False),
        ("identity", True),
    ]


def test_a_long_text_takes_no_time() -> None:
    """A megabyte of almost-messages is searched at once."""
    for text in (
        "User: " * 170_000,
        "a" * 1_000_000,
        f"User: {'x' * 500_000} is not",
        " " * 1_000_000 + "denied",
        "access to " * 100_000,
    ):
        list(split_messages(text))
        assert parse_message(text) is None
        find_encoded(text)


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_is_explained(before: str, after: str) -> None:
    """Whatever is before and after a message, there is an explanation and no error."""
    for message in (before, f"{before}{LIST}{after}", f"{before}Encoded authorization failure message: {after}"):
        assert list(format_message(message))


def test_equality_ignores_which_policy_it_was() -> None:
    """Denials that differ in nothing else are one."""
    first = DenialMessage("a", "b:C", "*", "identity", True, "arn:one")
    assert first == DenialMessage("a", "b:C", "*", "identity", True)
