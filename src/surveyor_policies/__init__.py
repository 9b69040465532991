"""The IAM policy engine: pure functions from policies and a request to a decision."""
