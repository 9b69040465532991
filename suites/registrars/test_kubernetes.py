"""What AWS's controller for multi-cluster services of Kubernetes registers and reads, beside tasks of ECS.

aws/aws-cloud-map-mcs-controller-for-k8s: ids and attributes are those of pkg/model/types.go, the service and the
calls of discovery those of pkg/cloudmap/api.go.
"""

from surveyor.testing import TASK_PORT, address_of, id_of, proves, record_values, timeouts

PORT = 8443
EXPORTED = {
    "ENDPOINT_PROTOCOL": "TCP",
    "ENDPOINT_PORT_NAME": "https",
    "SERVICE_PORT": "443",
    "SERVICE_PORT_NAME": "https",
    "SERVICE_TARGET_PORT": "https",
    "SERVICE_PROTOCOL": "TCP",
    "SERVICE_TYPE": "ClusterSetIP",
    "SVC_EXPORT_CREATION_TIMESTAMP": "1795939200000",
    "K8S_CONTROLLER": "aws-cloud-map-mcs-controller-for-k8s 0.3.1",
}


def endpoint(address, cluster_set):
    """Return the id and the attributes with which the controller registers an endpoint."""
    attributes = {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": str(PORT), "CLUSTERSET_ID": cluster_set}
    return f"tcp-{address.replace('.', '_')}-{PORT}", {**EXPORTED, "CLUSTER_ID": f"{cluster_set}-1", **attributes}


@proves("registrars.kubernetes.cluster-set-is-found-alone")
def test_each_consumer_finds_its_instances(
    cloudmap, make_service, register_all, make_task_definition, make_ecs_service, wait_until_steady, tasks_of,
    eventually, http_namespace,
):  # fmt: skip
    """A cluster set finds its two endpoints with all attributes, clients of ECS and of a site theirs, others all."""
    service = make_service(http_namespace)
    blue = dict(endpoint(f"192.0.2.{number}", "blue") for number in (1, 2))
    green = dict([endpoint("192.0.2.3", "green")])
    host = {"host-1": {"AWS_INSTANCE_IPV4": "198.51.100.1", "AWS_INSTANCE_PORT": "80", "site": "on-premises"}}
    register_all(service, blue | green | host)
    ecs_service = wait_until_steady(make_ecs_service(make_task_definition(), service))
    [task] = tasks_of(ecs_service)
    name = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}

    def found(**query):
        call = {**name, "HealthStatus": "ALL", "MaxResults": 1000, **({"QueryParameters": query} if query else {})}
        instances = cloudmap.discover_instances(**call)["Instances"]
        return {instance["InstanceId"]: instance["Attributes"] for instance in instances}

    eventually(lambda: found().keys() == {*blue, *green, *host, id_of(task)}, within=timeouts.DISCOVERY)
    assert found(CLUSTERSET_ID="blue") == blue
    assert found(CLUSTERSET_ID="green") == green
    assert found(site="on-premises") == host
    assert found(CLUSTERSET_ID="blue", CLUSTER_ID="green-1") == {}
    assert found(ECS_SERVICE_NAME=ecs_service["serviceName"]).keys() == {id_of(task)}


@proves("registrars.kubernetes.srv-names-pods-and-tasks")
def test_srv_answers_name_endpoints_and_tasks(
    make_service, register, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, query_dns, clock,
    private_namespace,
):  # fmt: skip
    """One answer has the port of the endpoint and that of the task, and their targets have their addresses."""
    # DnsRecord.Type: "The value of service-hostname is a concatenation of" the id, the name of the service and of the
    # namespace; A records "that have the same name" are created.
    service = make_service(private_namespace, DnsConfig={"DnsRecords": [{"Type": "SRV", "TTL": 60}]})
    register(service, *endpoint("192.0.2.1", "blue"))
    registry = {"registryArn": service["Arn"], "port": TASK_PORT}
    [task] = tasks_of(wait_until_steady(make_ecs_service(make_task_definition(), registry)))
    clock.wait(timeouts.DNS_CHANGE)
    host = f"{service['Name']}.{private_namespace['Name']}"
    answered = [value.split() for value in record_values(query_dns(host, "SRV", private_namespace), host, "SRV")]
    targets = {port: target.rstrip(".") for _, _, port, target in answered}
    assert targets == {str(PORT): f"tcp-192_0_2_1-{PORT}.{host}", str(TASK_PORT): f"{id_of(task)}.{host}"}
    addresses = {
        port: record_values(query_dns(target, "A", private_namespace), target, "A") for port, target in targets.items()
    }
    assert addresses == {str(PORT): ["192.0.2.1"], str(TASK_PORT): [address_of(task)]}
