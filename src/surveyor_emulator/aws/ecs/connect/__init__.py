"""Service Connect: configurations, endpoints, and the proxies of tasks."""
