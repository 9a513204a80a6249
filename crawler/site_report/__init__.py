"""The report of a crawl for the owner of a site: how it went and what was found, as a page, as JSON or as a table."""

from .folder_records import audit_folder
from .reporting import FORMATS, write_site_report

__all__ = ["FORMATS", "audit_folder", "write_site_report"]
