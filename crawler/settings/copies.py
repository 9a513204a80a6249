"""Declares the settings of copies in an object store."""

from __future__ import annotations

from pydantic import field_validator

from .table import Table


class CopiesConfig(Table):
    """Copies of a crawl's finished files in an object store (docs/object-stores.md)."""

    to: str = ""
    """Place in a store, such as `s3://bucket/crawls/shop`. Finished files of the outputs `warc` and `parquet` are
    copied there while the crawl goes on; those of `jsonl` and `csv` at the end of each run. Empty: nowhere. Needs the
    extra `cloud`."""

    @field_validator("to")
    @classmethod
    def _check_place(cls, url: str) -> str:
        if url and not url.startswith(("s3://", "gs://", "az://")):
            raise ValueError("should be like s3://bucket/folder, gs://bucket/folder or az://container/folder")
        return url.rstrip("/")
