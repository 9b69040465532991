"""Service deployments, the circuit breaker, and blue/green deployments."""
