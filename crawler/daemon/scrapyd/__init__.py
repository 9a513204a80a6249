"""Speaks scrapyd's API over the daemon's jobs: a project is a group of templates, a spider a template."""

from .adapter import ScrapydAdapter

__all__ = ["ScrapydAdapter"]
