"""Builds the parts of a crawl from its settings: the only place that knows concrete classes."""
