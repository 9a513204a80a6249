"""One run: leases in, outcomes out."""
