"""Real clients: runtimes in a scenario, and the judgement of any client from outside."""
