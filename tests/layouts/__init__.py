"""Crawl folders and a daemon's data as earlier layouts wrote them. `make.py` makes them, run by the code of then."""
