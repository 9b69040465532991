"""ECS tasks: operations, lifecycle, environment, container checks and metadata."""
