"""What stands at the head of a program: imports, clients, and the few functions that its body uses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from surveyor.clock import ControlledClock
from surveyor.model_testing.script.calls import literal
from surveyor.targets.running import RunningTarget

__all__ = ["head"]

_ACCOUNT = "111122223333"

_FUNCTIONS = {
    "wait": "",  # depends on whose clock it is
    "finish": '''
def finish(answer):
    """The operation, once it has succeeded."""
    for _ in range(480):
        operation = cloudmap.get_operation(OperationId=answer["OperationId"])["Operation"]
        if operation["Status"] in ("SUCCESS", "FAIL"):
            break
        wait(0.25)
    assert operation["Status"] == "SUCCESS", f"{operation['Status']} {operation.get('ErrorCode', '')}"
    return operation
''',
    "outcome": '''
def outcome(call):
    """How a call ends: "success", an error code, or what the client made of an answer that is none."""
    try:
        call()
    except AssertionError as failed:
        return str(failed)
    except Exception as broken:
        return getattr(broken, "response", {}).get("Error", {}).get("Code") or type(broken).__name__
    return "success"
''',
    "attributes_of": '''
def attributes_of(instances, name):
    """The attributes of that instance, as often as it comes, without the initial health."""
    those = [one for one in instances if name in (one.get("Id"), one.get("InstanceId"))]
    return [{k: v for k, v in one.get("Attributes", {}).items() if k != "AWS_INIT_HEALTH_STATUS"} for one in those]
''',
    "new_vpc": '''
def new_vpc():
    """A VPC in which private names resolve."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    return vpc
''',
    "ask": '''
def ask(name, rdtype, server):
    """The records of a name, sorted; of SRV records without the names that the host must end with."""
    query = dns.message.make_query(name, rdtype)
    answer, _ = dns.query.udp_with_fallback(query, server[0], timeout=2, port=server[1])
    records = [record.to_text().lower() for rrset in answer.answer for record in rrset]
    return sorted(record.removesuffix(f".{name}.") for record in records)
''',
    "resolver": "",
    "name_server": "",
    "told": '''
def told(path):
    """Where a DNS server is, by the target's control endpoint."""
    answer = json.load(urllib.request.urlopen(f"{ENDPOINT}{path}"))
    return answer["address"], answer["port"]
''',
}

_IMPORTS = {
    "json.": "import json",
    "sys.": "import sys",
    "time.sleep": "import time",
    "urllib.request.": "import urllib.request",
    "uuid.": "import uuid",
    "suppress(": "from contextlib import suppress",
}
_PACKAGES = {
    "boto3.": "import boto3",
    "dns.message": "import dns.message\nimport dns.query",
    "dns.resolver": "import dns.resolver",
    "Config(": "from botocore.config import Config",
    "ClientError": "from botocore.exceptions import ClientError",
}


def head(body: str, running: RunningTarget) -> str:
    """Everything above the body."""
    code = "".join([_clients(running), *_functions(body, running)])
    whole = code + body
    standard = "\n".join(line for word, line in _IMPORTS.items() if word in whole)
    packages = "\n".join(line for word, line in _PACKAGES.items() if word in whole)
    return f"{standard}\n\n{packages}\n\n{code}\n"


def _clients(running: RunningTarget) -> str:
    target = running.target
    given = f"region_name={literal(target.region)}, config=PLAIN"
    where = ""
    if target.start is not None or target.endpoint is not None:
        default = target.endpoint or "http://127.0.0.1:5000"
        where = f"ENDPOINT = sys.argv[1] if len(sys.argv) > 1 else {literal(default)}\n"
        given += ", endpoint_url=ENDPOINT"
    if target.credentials.kind == "per-test":
        secret = literal(target.credentials.secret)
        given += f',\n                        aws_access_key_id="{_ACCOUNT}", aws_secret_access_key={secret}'
    prefix = target.inject_host_prefix
    return (
        f"{where}RUN = uuid.uuid4().hex[:8]  # names of their own, so that it can run again\n"
        f"PLAIN = Config(parameter_validation=False, inject_host_prefix={prefix}, "
        'retries={"total_max_attempts": 1})\n'
        f"\n\ndef client(service):\n    return boto3.client(service, {given})\n\n"
        '\ncloudmap = client("servicediscovery")\n\n'
    )


def _functions(body: str, running: RunningTarget) -> Iterator[str]:
    """The functions that the body uses, and those that they use."""
    known = {**_FUNCTIONS, "wait": _wait(running), **_servers(running)}
    used: set[str] = set()
    texts = [body]
    while texts:
        text = texts.pop()
        fresh = {name for name in known if name not in used and re.search(rf"\b{name}\(", text)}
        used |= fresh
        texts += [known[name] for name in fresh]
    yield from (known[name] + "\n" for name in known if name in used)


def _wait(running: RunningTarget) -> str:
    if isinstance(running.clock, ControlledClock):
        return '''
def wait(seconds):
    """Let service seconds pass on the target's own clock."""
    body = json.dumps({"advance": seconds}).encode()
    kind = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{ENDPOINT}/_surveyor/clock", body, kind)).read()
'''
    scale = running.control.scale() if running.control else None
    if scale and scale != 1.0:
        return f'\ndef wait(seconds):\n    """Service seconds."""\n    time.sleep(seconds / {scale:g})\n'
    settles = running.target.settles
    if math.isfinite(settles):
        comment = f"  # it has no timers: what has not happened after {settles:g} s never will"
        return f"\ndef wait(seconds):\n    time.sleep(min(seconds, {settles:g})){comment}\n"
    return "\ndef wait(seconds):\n    time.sleep(seconds)\n"


def _servers(running: RunningTarget) -> dict[str, str]:
    """Where private and public names are asked."""
    dns, region = running.target.dns, running.target.region
    if dns.kind == "control":
        query = f"account={_ACCOUNT}&region={region}&vpc={{vpc}}"
        return {
            "resolver": f'\ndef resolver(vpc):\n    return told(f"/_surveyor/resolvers?{query}")\n',
            "name_server": '\ndef name_server(namespace):\n    return told("/_surveyor/name-servers")\n',
        }
    fixed = f"return ({literal(dns.address)}, {dns.port})"
    if dns.kind != "zones":
        body = f"(_):\n    {fixed}\n"
        return {"resolver": f"\ndef resolver{body}", "name_server": f"\ndef name_server{body}"}
    return {
        "resolver": f"\ndef resolver(vpc):\n    {fixed}\n",
        "name_server": '''
def name_server(namespace):
    """One of the servers that the namespace's hosted zone lists."""
    found = cloudmap.get_namespace(Id=namespace)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    servers = client("route53").get_hosted_zone(Id=found)["DelegationSet"]["NameServers"]
    return dns.resolver.resolve(servers[0], "A")[0].to_text(), 53
''',
    }
