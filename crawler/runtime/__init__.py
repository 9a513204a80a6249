"""Serves the process, not the crawl; imports nothing of ours."""
