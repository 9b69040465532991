"""Service Connect: configuration, endpoints and proxies."""
