"""`python -m tests.archives`: the tools of the archive world judge what a crawl has archived (`make archive-check`)."""
