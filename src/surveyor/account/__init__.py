"""What a run does in an account that outlives it: budget, ledger, permissions, and deletion of what it created."""
