"""Who may do what: policies, and the decision whether they allow a request."""
