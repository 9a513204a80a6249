"""Counts and times of a crawl, taken from outcomes."""
