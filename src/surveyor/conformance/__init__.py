"""Run suites against a target, compare reports, and test the suites with mutants."""
