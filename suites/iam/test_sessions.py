"""Sessions: who may assume a role, for how long they last, and which tags they have."""

import json

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import Inconclusive, for_each, is_allowed, is_refused, proves, raises, timeouts

NAMESPACES, SERVICES = "servicediscovery:ListNamespaces", "servicediscovery:ListServices"
OPERATIONS, CLUSTERS = "servicediscovery:ListOperations", "ecs:ListClusters"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SESSION = "RoleSessionName"


def allow(*actions, resource="*", condition=None):
    """Return a statement that allows the actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, "Condition": condition or {}}


def deny(*actions):
    """Return a statement that denies the actions."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*"}


def document(*statements):
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@proves("iam.session-tags-need-permission")
def test_session_tags_need_permission(make_user, make_role, check_assumed, account):
    """To pass session tags, both the trust policy of the role and the caller's policies must allow sts:TagSession."""
    tags, may_tag = [{"Key": "team", "Value": "red"}], make_user(allow("sts:AssumeRole", "sts:TagSession"))
    by_account = {"Effect": "Allow", "Principal": {"AWS": account}}
    untagged = make_role(trust=[{**by_account, "Action": "sts:AssumeRole"}])
    tagged = make_role(trust=[{**by_account, "Action": ["sts:AssumeRole", "sts:TagSession"]}])
    check_assumed(True, untagged, by=may_tag)
    check_assumed(False, untagged, by=may_tag, Tags=tags)
    check_assumed(True, tagged, by=may_tag, Tags=tags)
    may_not_tag = make_user(allow("sts:AssumeRole"))
    check_assumed(True, tagged, by=may_not_tag)
    check_assumed(False, tagged, by=may_not_tag, Tags=tags)


@proves("iam.transitive-tags-pass-on")
@for_each("transitive", {"transitive": True, "not-transitive": False})
def test_transitive_tags_pass_on(make_role, assume, check_lists, transitive):
    """A transitive tag is a principal tag of the next session in a chain, and any other tag of the session is not."""
    kept, lost = {"Key": "team", "Value": "red"}, {"Key": "env", "Value": "test"}
    keys = ["team"] if transitive else []
    first = assume(make_role(allow("sts:*")), Tags=[kept, lost], TransitiveTagKeys=keys)
    for key, value, passes in (("team", "red", transitive), ("env", "test", False)):
        condition = {"StringEquals": {f"aws:PrincipalTag/{key}": value}}
        second = assume(make_role(allow(SERVICES, condition=condition)), by=first)
        check_lists(second, {SERVICES} if passes else set(), key)


@proves("iam.trust-policy-decides")
def test_who_may_assume_a_role(make_user, make_role, assume, check_assumed, account, unique_name):
    """A role may be assumed by the users, roles and accounts that its trust policy names, and by no others."""
    name = unique_name("user")
    ours, other = make_user(allow("sts:*"), UserName=name), make_user(allow("sts:*"))
    first = make_role(allow("sts:*"))
    session = assume(first)
    # A policy that names everybody is for this account only, so that no other account can ever use the role.
    within = {"Condition": {"StringEquals": {"aws:PrincipalAccount": account}}}

    def trusting(principal):
        return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **within}

    for principal, callers in (
        (f"arn:aws:iam::{account}:user/{name}", [ours]),
        (first, [session]),
        (f"arn:aws:iam::{account}:root", [ours, other, session]),
        (account, [ours, other, session]),
        ([f"arn:aws:iam::{account}:user/{name}", first], [ours, session]),
        ("*", [ours, other, session]),
    ):
        role = make_role(trust=[trusting({"AWS": principal})])
        for caller in sorted((ours, other, session), key=callers.__contains__, reverse=True):
            check_assumed(caller in callers, role, by=caller)
    # IAM User Guide, policy evaluation: a session policy limits what a policy allows that names the role.
    of_first = make_role(trust=[trusting({"AWS": first})])
    check_assumed(True, of_first, by=session)
    check_assumed(False, of_first, by=assume(first, Policy=document(allow(SERVICES))))
    anyone = make_role(trust=[trusting("*")])
    for caller in (ours, other, session):
        check_assumed(True, anyone, by=caller)


@proves("iam.trust-policy-decides")
def test_conditions_of_a_trust_policy(make_user, make_role, check_assumed, account):
    """A trust policy can require an external id or a session name, and deny."""
    caller, by_account = make_user(allow("sts:*")), {"Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    external = {"StringEquals": {"sts:ExternalId": "one"}}
    named = {"StringLike": {"sts:RoleSessionName": "deploy-*"}}
    role = make_role(trust=[{"Effect": "Allow", **by_account, "Condition": external}])
    for given, allowed in (({"ExternalId": "one"}, True), ({}, False), ({"ExternalId": "two"}, False)):
        check_assumed(allowed, role, by=caller, **given)
    role = make_role(trust=[{"Effect": "Allow", **by_account}, {"Effect": "Deny", **by_account, "Condition": named}])
    check_assumed(True, role, by=caller, RoleSessionName="test-1")
    check_assumed(False, role, by=caller, RoleSessionName="deploy-1")


@proves("iam.trust-policy-decides")
def test_an_account_that_is_trusted_must_allow_its_users(make_user, make_role, check_assumed):
    """If the trust policy names the account, a user also needs permission to assume this role."""
    role, other = make_role(), make_role()
    caller = make_user(allow("sts:AssumeRole", resource=role))
    check_assumed(True, role, by=caller)
    check_assumed(False, other, by=caller)
    check_assumed(False, role, by=make_user(EVERYTHING, deny("sts:AssumeRole")))


@proves("iam.deleted-roles")
def test_sessions_of_a_deleted_role_are_refused(iam, make_role, assume, unique_name, eventually):
    """Once a role is deleted, the calls of its sessions are refused, also if a role of that name is created again."""
    # iam/DeleteRole: "Deleting a role or instance profile that is associated with a running instance will break any
    # applications running on the instance."
    name = unique_name("role")
    cloudmap = assume(make_role(allow(SERVICES), RoleName=name))("servicediscovery")
    eventually(lambda: is_allowed(cloudmap.list_services), within=timeouts.READS)
    iam.delete_role_policy(RoleName=name, PolicyName="own")
    iam.delete_role(RoleName=name)
    eventually(lambda: is_refused(cloudmap.list_services), within=timeouts.READS)
    later = assume(make_role(allow(SERVICES), RoleName=name))("servicediscovery")
    eventually(lambda: is_allowed(later.list_services), within=timeouts.READS)
    assert is_refused(cloudmap.list_services)


@proves("iam.trust.names-unique-ids")
def test_a_trusted_user_is_its_unique_id(iam, make_user, make_role, account, unique_name, eventually):
    """A user that was deleted and created again is not trusted by its ARN until the trust policy is saved again."""
    name = unique_name("user")
    first = make_user(EVERYTHING, UserName=name)("sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:user/{name}"}, "Action": "sts:AssumeRole"}
    role = unique_name("role")
    named, control = make_role(trust=[trust], RoleName=role), make_role()
    session = {SESSION: unique_name("session")[-64:]}
    eventually(lambda: is_allowed(first.assume_role, RoleArn=named, **session), within=timeouts.READS)
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="own")
    iam.delete_user(UserName=name)
    second = make_user(EVERYTHING, UserName=name)("sts")
    eventually(lambda: is_allowed(second.assume_role, RoleArn=control, **session), within=timeouts.READS)
    assert not is_allowed(second.assume_role, RoleArn=named, **session)
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document(trust))
    eventually(lambda: is_allowed(second.assume_role, RoleArn=named, **session), within=timeouts.READS)


@proves("iam.session-expires")
def test_a_session_expires(assumable_role, client_with, clock, in_time, tolerance, unique_name):
    """Credentials of AssumeRole are valid for DurationSeconds, and are refused afterwards by each service."""
    params = {"RoleArn": assumable_role.role, SESSION: unique_name("session")[-64:]}
    before, margin = clock.now(), max(tolerance, 5)
    short, longer = (
        assumable_role.sts.assume_role(**params, DurationSeconds=seconds)["Credentials"] for seconds in (900, 1_200)
    )
    after, expires, later = clock.now(), short["Expiration"].timestamp(), longer["Expiration"].timestamp()
    assert before + 900 - margin <= expires <= after + 900 + margin
    assert before + 1_200 - margin <= later <= after + 1_200 + margin
    cloudmap, ecs = client_with(short)("servicediscovery"), client_with(short)("ecs")
    clock.wait(expires - clock.now() - 30)
    with in_time(expires):
        assert "Namespaces" in cloudmap.list_namespaces()
        assert "clusterArns" in ecs.list_clusters()
    clock.wait(60)
    with raises("ExpiredTokenException"):
        cloudmap.list_namespaces()
    with raises("ExpiredTokenException"):
        ecs.list_clusters()
    with in_time(later):
        assert "Namespaces" in client_with(longer)("servicediscovery").list_namespaces()


@proves("iam.session-duration")
def test_duration_of_sessions(make_user, make_role, client_with, clock, assume):
    """Sessions last an hour by default, at most as long as the role allows, and an hour at most for a chained role."""
    caller = make_user(EVERYTHING)
    role, long = make_role(EVERYTHING), make_role(EVERYTHING, MaxSessionDuration=7_200)
    for arn in (role, long):
        assume(arn, by=caller)

    def seconds(by, arn, **params):
        before = clock.now()
        try:
            response = by("sts").assume_role(RoleArn=arn, RoleSessionName="test", **params)
        except ClientError as error:
            return error.response["Error"]["Code"]
        expires = response["Credentials"]["Expiration"].timestamp()
        return pytest.approx(expires - before, abs=5 + clock.now() - before)

    assert [seconds(caller, arn) for arn in (role, long)] == [3_600, 3_600]
    assert [seconds(caller, role, DurationSeconds=value) for value in (3_600, 3_601)] == [3_600, "ValidationError"]
    assert [seconds(caller, long, DurationSeconds=value) for value in (7_200, 7_201)] == [7_200, "ValidationError"]
    chained = assume(role, by=caller)
    assume(long, by=chained)
    assert [seconds(chained, long, DurationSeconds=value) for value in (3_600, 3_601)] == [3_600, "ValidationError"]


@proves("iam.session-tokens")
def test_session_tokens_of_users(make_user, make_role, assume, client_with, clock, account, check_lists):
    """GetSessionToken needs no permission and returns credentials with those of the user, for 12 hours by default."""
    # sts/GetSessionToken: "from 900 seconds (15 minutes) up to a maximum of 129,600 seconds (36 hours), with a default
    # of 43,200 seconds (12 hours)."
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    user = make_user(allow(SERVICES, condition=red), deny("sts:*"), Tags=[{"Key": "team", "Value": "red"}])
    credentials = None
    for params, seconds in (({}, 43_200), ({"DurationSeconds": 900}, 900), ({"DurationSeconds": 129_600}, 129_600)):
        before = clock.now()
        credentials = user("sts").get_session_token(**params)["Credentials"]
        assert before + seconds - 5 <= credentials["Expiration"].timestamp() <= clock.now() + seconds + 5
    session = client_with(credentials)
    check_lists(session, {SERVICES})
    who, of_session = (caller("sts").get_caller_identity() for caller in (user, session))
    assert [of_session[member] for member in ("Account", "Arn", "UserId")] == [account, who["Arn"], who["UserId"]]
    # "must be called by using the long-term Amazon Web Services security credentials of an IAM user"
    for caller in (session, assume(make_role(EVERYTHING))):
        assert is_refused(caller("sts").get_session_token)
    with raises("AccessDenied"):
        user("sts").get_session_token(SerialNumber=f"arn:aws:iam::{account}:mfa/none", TokenCode="123456")


@proves("iam.session-tokens.of-the-owner")
def test_session_tokens_of_the_owner(client, client_with, clock):
    """GetSessionToken called by the owner of an account returns credentials of the owner, for an hour at most."""
    sts = client("sts")
    owner = sts.get_caller_identity()["Arn"]
    if not owner.endswith(":root"):
        raise Inconclusive("the calls of the account are not made by its owner")
    # sts/GetSessionTokenRequest.DurationSeconds: "If the duration is longer than one hour, the session for Amazon Web
    # Services account owners defaults to one hour."
    credentials = None
    for params, seconds in (({}, 3_600), ({"DurationSeconds": 900}, 900), ({"DurationSeconds": 7_200}, 3_600)):
        before = clock.now()
        credentials = sts.get_session_token(**params)["Credentials"]
        assert before + seconds - 5 <= credentials["Expiration"].timestamp() <= clock.now() + seconds + 5
    assert client_with(credentials)("sts").get_caller_identity()["Arn"] == owner


@proves("iam.trust-policy-decides.across-accounts")
def test_a_role_of_another_account_is_assumed(
    iam, consumer_client, consumer_account, make_role, client_with, unique_name
):
    """A user of another account needs both the role's trust, in itself or in its account, and its own permission."""
    # sts/AssumeRole: "A user who wants to access a role in a different account must also have permissions that are
    # delegated from the account administrator."
    their_iam, name = consumer_client("iam"), unique_name("user")
    user = their_iam.create_user(UserName=name)["User"]["Arn"]
    caller = client_with(their_iam.create_access_key(UserName=name)["AccessKey"])("sts")
    trusting = {
        principal: make_role(trust=[{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}])
        for principal in (user, consumer_account, f"arn:aws:iam::{consumer_account}:root")
    }
    roles = [*trusting.values(), make_role()]

    def allowed():
        return [is_allowed(caller.assume_role, RoleArn=role, RoleSessionName="test") for role in roles]

    assert allowed() == [False, False, False, False]
    their_iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(allow("sts:AssumeRole")))
    assert allowed() == [True, True, True, False]
    their_iam.put_user_policy(
        UserName=name, PolicyName="own", PolicyDocument=document(EVERYTHING, deny("sts:AssumeRole"))
    )
    assert allowed() == [False, False, False, False]
