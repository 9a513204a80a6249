"""Runs a crawl once: takes leases from the frontier and settles outcomes."""
