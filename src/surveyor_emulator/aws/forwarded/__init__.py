"""Services that moto answers inside this process, and the permissions that requests to them need."""
