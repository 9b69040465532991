"""Services: the rules for their configuration, and the scheduler that runs their tasks."""
