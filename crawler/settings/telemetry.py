"""Declares the settings of what a crawl tells about itself by OpenTelemetry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from .table import Shared, Table


class TelemetryConfig(Table):
    """Traces and metrics by OpenTelemetry (docs/telemetry.md)."""

    otel: Shared[bool] = False
    """Send traces and metrics to a collector, by OTLP over HTTP. Needs the extra `otel`:
    `pip install 'crawld[otel]'`."""
    otel_endpoint: Shared[str] = ""
    """The collector, as in `http://localhost:4318`. Empty: what `OTEL_EXPORTER_OTLP_ENDPOINT` says, else that one.
    Passwords and tokens for it belong in `OTEL_EXPORTER_OTLP_HEADERS`."""
    trace_ratio: Shared[Annotated[float, Field(ge=0, le=1)]] = 0.01
    """Share of the visits that are traced, each with its exchanges. Runs of crawls always are."""
    trace_queries: Shared[bool] = False
    """Record the values in the queries of URLs. Otherwise spans have `REDACTED` in their place."""

    @field_validator("otel_endpoint")
    @classmethod
    def _check_endpoint(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("should begin with http:// or https://")
        if "@" in url or "?" in url or "#" in url:
            raise ValueError("should be a plain URL: credentials belong in OTEL_EXPORTER_OTLP_HEADERS")
        return url.rstrip("/")
