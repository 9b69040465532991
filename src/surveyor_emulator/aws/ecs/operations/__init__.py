"""The API operations of ECS, one module per kind of resource."""
