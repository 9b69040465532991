"""Users, roles and sessions: which of their policies are in force."""

import json

import pytest

from surveyor.testing import for_each, proves

NAMESPACES, SERVICES = "servicediscovery:ListNamespaces", "servicediscovery:ListServices"
OPERATIONS, CLUSTERS = "servicediscovery:ListOperations", "ecs:ListClusters"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SESSION = "RoleSessionName"
OF_SESSIONS = ("aws:TokenIssueTime", "aws:MultiFactorAuthPresent")


def allow(*actions, resource="*", condition=None):
    """Return a statement that allows the actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, "Condition": condition or {}}


def deny(*actions):
    """Return a statement that denies the actions."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*"}


def document(*statements):
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def make_holder(make_user, make_role, assume):
    """Return a caller, a user or the session of a role, with these policies."""

    def make(kind, *statements, **params):
        return make_user(*statements, **params) if kind == "user" else assume(make_role(*statements, **params))

    return make


@proves("iam.nothing-by-default")
@for_each("kind", ["user", "role"])
def test_nothing_is_allowed_by_default(make_holder, kind, check_lists):
    """A user or role without policies may only ask who it is; one with a policy may do what it allows and no more."""
    caller = make_holder(kind)
    check_lists(caller, set())
    assert caller("sts").get_caller_identity()["Arn"]
    check_lists(make_holder(kind, allow(SERVICES)), {SERVICES})


@proves("iam.identity-policies-add-up")
def test_policies_of_a_user_add_up(iam, make_user, principal_limits, unique_name, check_lists):
    """A user may do what its inline, its attached, or its groups' policies allow, and no longer once one is removed."""
    name, group = unique_name("user"), unique_name("group")
    caller = make_user(allow(NAMESPACES), UserName=name)
    policy = iam.create_policy(PolicyName=unique_name("policy"), PolicyDocument=document(allow(SERVICES)))
    attached = policy["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=attached)
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn=principal_limits["wide"])
    check_lists(caller, {NAMESPACES, SERVICES})
    iam.add_user_to_group(GroupName=group, UserName=name)
    check_lists(caller, {NAMESPACES, SERVICES, OPERATIONS, CLUSTERS})
    iam.remove_user_from_group(GroupName=group, UserName=name)
    check_lists(caller, {NAMESPACES, SERVICES})
    iam.detach_user_policy(UserName=name, PolicyArn=attached)
    check_lists(caller, {NAMESPACES})
    iam.delete_user_policy(UserName=name, PolicyName="own")
    check_lists(caller, set())


@proves("iam.identity-policies-add-up")
def test_policies_of_a_role_add_up(iam, make_role, assume, unique_name, check_lists):
    """A session may do what the inline and the attached policies of its role allow, also if they changed since."""
    name = unique_name("role")
    caller = assume(make_role(allow(NAMESPACES), RoleName=name))
    check_lists(caller, {NAMESPACES})
    attached = iam.create_policy(PolicyName=unique_name("policy"), PolicyDocument=document(allow(SERVICES)))["Policy"][
        "Arn"
    ]
    iam.attach_role_policy(RoleName=name, PolicyArn=attached)
    check_lists(caller, {NAMESPACES, SERVICES})
    iam.delete_role_policy(RoleName=name, PolicyName="own")
    check_lists(caller, {SERVICES})


@proves("iam.default-version-decides")
def test_the_default_version_decides(iam, make_user, unique_name, check_lists):
    """Of the versions of a managed policy only the default one is in force."""
    name = unique_name("user")
    caller = make_user(UserName=name)
    arn = iam.create_policy(PolicyName=unique_name("policy"), PolicyDocument=document(allow(NAMESPACES)))["Policy"][
        "Arn"
    ]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow(SERVICES)), SetAsDefault=False)
    check_lists(caller, {NAMESPACES})
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    check_lists(caller, {SERVICES})


@proves("iam.deny-wins.in-every-policy")
@for_each("where", ["inline", "attached", "group", "boundary"])
def test_deny_in_any_policy_of_a_user_wins(iam, make_user, principal_limits, unique_name, check_lists, where):
    """Although every policy allows it, what one of them denies is refused."""
    name, group = unique_name("user"), unique_name("group")
    statements = {
        kind: [EVERYTHING, deny(OPERATIONS)] if kind == where else [EVERYTHING] for kind in ("inline", "attached")
    }
    limits = {kind: "narrow" if kind == where else "wide" for kind in ("group", "boundary")}
    caller = make_user(*statements["inline"], limit=limits["boundary"], UserName=name)
    attached = iam.create_policy(PolicyName=unique_name("policy"), PolicyDocument=document(*statements["attached"]))
    iam.attach_user_policy(UserName=name, PolicyArn=attached["Policy"]["Arn"])
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn=principal_limits[limits["group"]])
    iam.add_user_to_group(GroupName=group, UserName=name)
    # As a boundary the narrow limit does not allow ListServices either.
    check_lists(caller, {NAMESPACES, CLUSTERS} if where == "boundary" else {NAMESPACES, SERVICES, CLUSTERS})


@proves("iam.deny-wins.in-every-policy")
@for_each("where", ["role", "boundary", "session"])
def test_deny_in_any_policy_of_a_session_wins(make_role, assume, check_lists, where):
    """Although role, boundary and session policy allow it, what one of them denies is refused."""
    denying = [EVERYTHING, deny(OPERATIONS)]
    statements = {kind: denying if kind == where else [EVERYTHING] for kind in ("role", "session")}
    role = make_role(*statements["role"], limit="narrow" if where == "boundary" else "wide")
    caller = assume(role, Policy=document(*statements["session"]))
    check_lists(caller, {NAMESPACES, CLUSTERS} if where == "boundary" else {NAMESPACES, SERVICES, CLUSTERS})


@proves("iam.boundary-limits")
@for_each("kind", ["user", "role"])
def test_boundaries_limit(make_holder, check_lists, kind):
    """A user or role may do what both its policies and its boundary allow; a boundary alone allows nothing."""
    caller = make_holder(kind, allow(NAMESPACES, SERVICES, "servicediscovery:ListTagsForResource"), limit="narrow")
    check_lists(caller, {NAMESPACES})
    check_lists(make_holder(kind), set())


@proves("iam.boundary-limits")
def test_a_boundary_is_replaced(iam, make_user, principal_limits, unique_name, check_lists):
    """Once a wider boundary replaces its boundary, a user may do all that its policies and the new one allow."""
    name = unique_name("user")
    caller = make_user(allow(NAMESPACES, SERVICES), limit="narrow", UserName=name)
    for limit, allowed in (("narrow", {NAMESPACES}), ("wide", {NAMESPACES, SERVICES}), ("narrow", {NAMESPACES})):
        iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=principal_limits[limit])
        check_lists(caller, allowed)


@proves("iam.session-policies.limit-role-and-boundary")
def test_a_session_may_do_what_all_three_allow(make_role, assume, check_lists):
    """A session may do what its role, the role's boundary and its session policy all allow."""
    role = make_role(allow(NAMESPACES, SERVICES, CLUSTERS), limit="narrow")
    check_lists(assume(role), {NAMESPACES, CLUSTERS})
    check_lists(assume(role, Policy=document(allow(SERVICES, OPERATIONS, CLUSTERS))), {CLUSTERS})
    check_lists(assume(make_role(allow(SERVICES)), Policy=document(EVERYTHING)), {SERVICES})
    check_lists(assume(make_role(), Policy=document(EVERYTHING)), set())


@proves("iam.session-policies.managed-and-inline")
def test_managed_and_inline_session_policies(iam, make_role, assume, unique_name, check_lists):
    """Session policies passed as text and by ARN are alternatives to each other, and both limit the role."""
    arns = [
        {"arn": iam.create_policy(PolicyName=unique_name("p"), PolicyDocument=document(allow(action)))["Policy"]["Arn"]}
        for action in (SERVICES, CLUSTERS)
    ]
    role = make_role(allow(NAMESPACES, SERVICES, OPERATIONS))
    check_lists(assume(role, PolicyArns=arns[:1]), {SERVICES})
    check_lists(assume(role, PolicyArns=arns), {SERVICES})
    check_lists(assume(role, PolicyArns=arns, Policy=document(allow(NAMESPACES))), {NAMESPACES, SERVICES})


@proves("iam.policy-variables.of-the-principal")
def test_variables_name_the_user(iam, make_user, make_service, http_namespace, own_cluster, account, check_allowed):
    """${aws:username} in a resource is the name of the user, ${aws:PrincipalTag/…} a tag of the user."""
    ours, other = make_service(http_namespace), make_service(http_namespace)
    stem = ours["Arn"].partition("service/")[0]
    clusters = f"arn:aws:ecs:{stem.split(':')[3]}:{account}:cluster"
    by_name = allow("ecs:DescribeClusters", resource=f"{clusters}/${{aws:username}}")
    by_tag = allow("servicediscovery:ListInstances", resource=f"{stem}service/${{aws:PrincipalTag/service}}")
    caller = make_user(by_name, by_tag, UserName=own_cluster)
    ecs, cloudmap = caller("ecs"), caller("servicediscovery")
    check_allowed(True, ecs.describe_clusters, clusters=[own_cluster])
    check_allowed(False, ecs.describe_clusters, clusters=[f"{own_cluster}-2"])
    check_allowed(False, cloudmap.list_instances, ServiceId=other["Id"])
    iam.tag_user(UserName=own_cluster, Tags=[{"Key": "service", "Value": other["Id"]}])
    check_allowed(True, cloudmap.list_instances, ServiceId=other["Id"])
    check_allowed(False, cloudmap.list_instances, ServiceId=ours["Id"])


@proves("iam.principal-tags")
def test_tags_of_users_and_roles_decide(make_user, make_role, assume, check_lists):
    """aws:PrincipalTag has the tags of a user, those of a role, and session tags, which override those of the role."""
    statement = allow(SERVICES, condition={"StringEquals": {"aws:PrincipalTag/team": "red"}})
    red, blue = [{"Key": "team", "Value": "red"}], [{"Key": "team", "Value": "blue"}]
    for tags, allowed in (([], set()), (red, {SERVICES}), (blue, set())):
        check_lists(make_user(statement, Tags=tags), allowed)
        check_lists(assume(make_role(statement, Tags=tags)), allowed)
        check_lists(assume(make_role(statement), Tags=tags), allowed)
    check_lists(assume(make_role(statement, Tags=red), Tags=blue), set())
    check_lists(assume(make_role(statement, Tags=blue), Tags=red), {SERVICES})
    # sts/AssumeRoleRequest.Tags: "the session tag passed in the request takes precedence over the role tag"
    check_lists(assume(make_role(statement, Tags=[{"Key": "TEAM", "Value": "red"}]), Tags=blue), set())
    other = [{"Key": "env", "Value": "test"}]
    check_lists(assume(make_role(statement, Tags=red), Tags=other), {SERVICES})


@proves("iam.keys-of-the-principal")
def test_keys_describe_the_principal(client, make_user, make_role, assume, account, unique_name, check_lists):
    """The keys of a user's request have its name, ARN, account and kind; those of a session have its role and name."""
    name, session = unique_name("user"), unique_name("session")[-64:]
    region = {"aws:RequestedRegion": client("servicediscovery").meta.region_name}
    of_user = {"aws:PrincipalType": "User", "aws:PrincipalArn": f"arn:aws:iam::{account}:user/{name}"}
    of_user |= {"aws:PrincipalAccount": account, "aws:username": name, **region}
    # IAM User Guide, aws:TokenIssueTime: "This key is included in the request context only when the principal uses
    # temporary credentials to make the request."
    condition = {"StringEquals": of_user, "Null": dict.fromkeys(OF_SESSIONS, "true")}
    user = make_user(allow(SERVICES, condition=condition), UserName=name)
    check_lists(user, {SERVICES})
    role = unique_name("role")
    of_session = {"aws:PrincipalType": "AssumedRole", "aws:PrincipalArn": f"arn:aws:iam::{account}:role/{role}"}
    of_session |= {"aws:PrincipalAccount": account, **region}
    condition = {
        "StringEquals": of_session,
        "StringLike": {"aws:userid": f"?*:{session}"},
        "Null": {"aws:username": "true", **dict.fromkeys(OF_SESSIONS, "false")},
    }
    made = make_role(allow(SERVICES, condition=condition), RoleName=role)
    check_lists(assume(made, **{SESSION: session}), {SERVICES})
    check_lists(assume(made, **{SESSION: f"{session[1:]}x"}), set())


@proves("iam.incomplete-arns")
def test_incomplete_arns_are_completed(make_user, make_service, http_namespace, check_allowed):
    """In a user's policy an ARN with fewer than six parts matches as if each missing part were a wildcard."""
    # IAM User Guide, IAM ARNs: "specifying arn:aws:sqs is equivalent to arn:aws:sqs:*:*:*"
    service = make_service(http_namespace)
    region = service["Arn"].split(":")[3]
    for resource, allowed in (
        ("arn:aws:servicediscovery", True),
        (f"arn:aws:servicediscovery:{region}", True),
        ("arn:aws:servicediscovery:xx-none-1", False),
        ("arn:aws:servicediscovery:*:111111111111", False),
        ("arn:aws:ecs", False),
    ):
        caller = make_user(allow("servicediscovery:GetService", resource=resource))("servicediscovery")
        check_allowed(allowed, caller.get_service, Id=service["Id"])
