"""Checks our object stores against Azurite: `make azure-check`."""
