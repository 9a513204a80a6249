"""`make archive-check`: the tools of the archive world judge what a crawl has archived."""
