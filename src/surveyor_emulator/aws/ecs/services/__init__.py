"""ECS services: operations, scheduler, task sets, service registries and load balancers."""
