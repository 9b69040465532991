"""Model-based testing: random histories of calls, each answer compared with what the documents promise."""
