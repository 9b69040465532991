"""The head of a program: imports, clients, and the few functions that its body uses."""

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
    "wait": "",  # depends on the target's clock
    "finish": '''
def finish(answer):
    """Return the operation once it has succeeded."""
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
    """Return "success", an error code, or the type of the client's exception for an invalid answer."""
    try:
        call()
    except AssertionError as error:
        return str(error)
    except Exception as error:
        return getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
    return "success"
''',
    "attributes_of": '''
def attributes_of(instances, name):
    """Return the attributes of each entry with that name, without the initial health."""
    found = [entry.get("Attributes", {}) for entry in instances if name in (entry.get("Id"), entry.get("InstanceId"))]
    return [{k: v for k, v in attributes.items() if k != "AWS_INIT_HEALTH_STATUS"} for attributes in found]
''',
    "new_vpc": '''
def new_vpc():
    """Create a VPC in which private names resolve."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    return vpc
''',
    "query_dns": '''
def query_dns(name, rdtype, server):
    """Return the records of a name, sorted; SRV records without the names that the host must end with."""
    query = dns.message.make_query(name, rdtype)
    answer, _ = dns.query.udp_with_fallback(query, server[0], timeout=2, port=server[1])
    records = [record.to_text().lower() for rrset in answer.answer for record in rrset]
    return sorted(record.removesuffix(f".{name}.") for record in records)
''',
    "resolver": "",
    "name_server": "",
    "dns_server": '''
def dns_server(path):
    """Return address and port of a DNS server, from the target's control endpoint."""
    headers = {"Authorization": f"Bearer {os.environ['SURVEYOR_TOKEN']}"}
    answer = json.load(urllib.request.urlopen(urllib.request.Request(f"{ENDPOINT}{path}", headers=headers)))
    return answer["address"], answer["port"]
''',
}

_IMPORTS = {
    "json.": "import json",
    "os.environ": "import os",
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
    """Return everything above the body."""
    code = "".join([_clients(running), *_functions(body, running)])
    whole = code + body
    standard = "\n".join(line for word, line in _IMPORTS.items() if word in whole)
    packages = "\n".join(line for word, line in _PACKAGES.items() if word in whole)
    return f"{standard}\n\n{packages}\n\n{code}\n"


def _clients(running: RunningTarget) -> str:
    target = running.target
    arguments = f"region_name={literal(target.region)}, config=PLAIN"
    endpoint = ""
    if target.start is not None or target.endpoint is not None:
        default = target.endpoint or "http://127.0.0.1:5000"
        endpoint = f"ENDPOINT = sys.argv[1] if len(sys.argv) > 1 else {literal(default)}\n"
        arguments += ", endpoint_url=ENDPOINT"
    if target.credentials.kind == "per-test":
        secret = literal(target.credentials.secret)
        arguments += f',\n                        aws_access_key_id="{_ACCOUNT}", aws_secret_access_key={secret}'
    prefix = target.inject_host_prefix
    return (
        f"{endpoint}RUN = uuid.uuid4().hex[:8]  # unique names, so that the program can run again\n"
        f"PLAIN = Config(parameter_validation=False, inject_host_prefix={prefix}, "
        'retries={"total_max_attempts": 1})\n'
        f"\n\ndef client(service):\n    return boto3.client(service, {arguments})\n\n"
        '\ncloudmap = client("servicediscovery")\n\n'
    )


def _functions(body: str, running: RunningTarget) -> Iterator[str]:
    """Yield the functions that the body uses, and those that they use."""
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
    """Let service seconds pass on the target's clock."""
    body = json.dumps({"advance": seconds}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['SURVEYOR_TOKEN']}"}
    urllib.request.urlopen(urllib.request.Request(f"{ENDPOINT}/_surveyor/clock", body, headers)).read()
'''
    scale = running.control.scale() if running.control else None
    if scale and scale != 1.0:
        return f'\ndef wait(seconds):\n    """Wait for service seconds."""\n    time.sleep(seconds / {scale:g})\n'
    settles = running.target.settles
    if math.isfinite(settles):
        comment = f"  # the target has no timers: nothing changes after {settles:g} s"
        return f"\ndef wait(seconds):\n    time.sleep(min(seconds, {settles:g})){comment}\n"
    return "\ndef wait(seconds):\n    time.sleep(seconds)\n"


def _servers(running: RunningTarget) -> dict[str, str]:
    """Return the functions for the DNS servers of private and public names."""
    dns, region = running.target.dns, running.target.region
    if dns.kind == "control":
        query = f"account={_ACCOUNT}&region={region}&vpc={{vpc}}"
        return {
            "resolver": f'\ndef resolver(vpc):\n    return dns_server(f"/_surveyor/resolvers?{query}")\n',
            "name_server": '\ndef name_server(namespace):\n    return dns_server("/_surveyor/name-servers")\n',
        }
    fixed = f"return ({literal(dns.address)}, {dns.port})"
    if dns.kind != "zones":
        body = f"(_):\n    {fixed}\n"
        return {"resolver": f"\ndef resolver{body}", "name_server": f"\ndef name_server{body}"}
    return {
        "resolver": f"\ndef resolver(vpc):\n    {fixed}\n",
        "name_server": '''
def name_server(namespace):
    """Return one of the servers that the namespace's hosted zone lists."""
    found = cloudmap.get_namespace(Id=namespace)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    servers = client("route53").get_hosted_zone(Id=found)["DelegationSet"]["NameServers"]
    return dns.resolver.resolve(servers[0], "A")[0].to_text(), 53
''',
    }
