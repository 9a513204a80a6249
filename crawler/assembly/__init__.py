"""Builds the parts of a crawl from its settings. Only this room knows concrete classes."""
