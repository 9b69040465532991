"""Watch a service of the user's while it lives and deploys: observers, client models that call it, and a history."""
