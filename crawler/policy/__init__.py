"""Decides which URL is fetched, and when again: pure functions and plain state, without waiting."""
