"""Route 53: hosted zones, records and health checks of an account, and the zones that the name servers serve."""
