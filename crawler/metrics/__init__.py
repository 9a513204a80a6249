"""Counts and times of a crawl, computed from outcomes."""
