"""Makes, locks, continues and repairs crawl folders on disk."""
