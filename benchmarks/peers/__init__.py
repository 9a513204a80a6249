"""The crawlers we measure ourselves against, each as its own documentation would have it written."""

SCRAPY = ("idiomatic", "cautious", "durable", "tuned")
"""Its variants: 64 requests at a time · its default of 16, 8 a site · with its queue on disk · as experts write it."""
