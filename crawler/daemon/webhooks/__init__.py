"""Changes of jobs, sent to the URLs of those who asked for them."""
