"""Holds files that `crawl config init` writes: settings, a unit of systemd, a Containerfile, a dashboard, alerts."""
