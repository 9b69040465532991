"""What a run does in an account that outlives it: its budget, what it wrote down, how all of it goes away."""
