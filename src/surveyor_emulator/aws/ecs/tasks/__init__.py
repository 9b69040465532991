"""Tasks: lifecycle, environment, container checks, registration and metadata."""
