"""A crawl folder on disk: who holds it, with which settings it goes on, and how it is repaired."""
