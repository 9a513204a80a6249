"""Holds files to start from, which `crawl config init` writes: settings, the unit of systemd, the Containerfile."""
