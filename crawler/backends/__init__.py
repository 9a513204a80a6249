"""Keeps crawls that several event loops work on together: the backends behind `frontier.backend`."""
