"""Runs one crawl on several event loops of this machine: a parent, and a child process for each loop."""
