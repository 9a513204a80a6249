"""Makes the outputs of a crawl folder, each in the format that its settings name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import ConfigError
from ..protocols import Output, Reader
from ..settings import Config, FetchConfig, SinkConfig, WarcConfig
from ..settings.kinds import Kinds, blame_package, check_shape
from ..settings.output import as_file, check_file_name
from .jsonl import JsonLinesOutput

MakeOutput = Callable[[Path, SinkConfig], Output]
"""Makes an output in a folder. Touches no file. Raises ConfigError or ValueError for settings that it cannot use."""


def _make_warc(folder: Path, sink: SinkConfig, settings: WarcConfig = WarcConfig()) -> Output:  # noqa: B008  frozen
    from .warc import WarcOutput  # noqa: PLC0415 - imported by crawls that use it

    return WarcOutput(folder, sink, settings)


def _make_files(folder: Path, sink: SinkConfig, most_bytes: int = FetchConfig().max_body_bytes) -> Output:
    from .files import FilesOutput  # noqa: PLC0415 - imported by crawls that use it

    return FilesOutput(folder, sink, most_bytes)


def _make_csv(folder: Path, sink: SinkConfig, key: str = "sinks") -> Output:
    from .csv import CsvOutput  # noqa: PLC0415 - imported by crawls that use it

    return CsvOutput(folder, sink, key)


def _make_sqlite(folder: Path, sink: SinkConfig, key: str = "sinks") -> Output:
    from .sqlite import SqliteOutput  # noqa: PLC0415 - imported by crawls that use it

    return SqliteOutput(folder, sink, key)


def _make_parquet(folder: Path, sink: SinkConfig, key: str = "sinks") -> Output:
    from .parquet import ParquetOutput  # noqa: PLC0415 - imported by crawls that use it

    return ParquetOutput(folder, sink, key)


def _make_postgres(folder: Path, sink: SinkConfig, key: str = "sinks") -> Output:
    from .postgres import PostgresOutput  # noqa: PLC0415 - imported by crawls that use it

    return PostgresOutput(folder, sink, key)


def _make_webhook(folder: Path, sink: SinkConfig, key: str = "sinks") -> Output:
    from .webhook import WebhookOutput  # noqa: PLC0415 - imported by crawls that use it

    return WebhookOutput(folder, sink, key)


SINKS: Kinds[MakeOutput] = Kinds(
    "crawld.sinks",
    {
        "jsonl": JsonLinesOutput,
        "csv": _make_csv,
        "sqlite": _make_sqlite,
        "parquet": _make_parquet,
        "postgres": _make_postgres,
        "webhook": _make_webhook,
        "warc": _make_warc,
        "files": _make_files,
    },
)
"""The formats of ours by the kind that names them, and those of packages."""


_TABLES: Mapping[object, Callable[[Path, SinkConfig, str], Output]] = {
    _make_csv: _make_csv,
    _make_sqlite: _make_sqlite,
    _make_parquet: _make_parquet,
    _make_postgres: _make_postgres,
    _make_webhook: _make_webhook,
}
"""Formats that say which setting is wrong: they are told its name."""


def make_outputs(folder: Path, config: Config) -> tuple[Output, ...]:
    """Returns the outputs of a crawl folder, in the order of the settings. Raises ConfigError."""
    outputs = [_make(folder, sink, f"sinks.{n}", config) for n, sink in enumerate(config.sinks)]
    names = [output.name for output in outputs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _refuse(f"two of them have the name {twice!r}: give each its own")
    files = [as_file(name) for output in outputs for name in (*output.files, *output.drafts)]
    if twice := next((name for name in files if files.count(name) > 1), None):
        raise _refuse(f"two of them should not write the same file: {twice!r}")
    return tuple(outputs)


def _refuse(words: str) -> ConfigError:
    return ConfigError(f"sinks: {words}", ["sinks"], [words])


def find_readable(outputs: Sequence[Output]) -> tuple[Output, Reader] | None:
    """Returns the first output that can be read back, and its reader."""
    return next(((output, output.reader) for output in outputs if output.reader is not None), None)


def find_lines(output: Output) -> Path | None:
    """Returns the file that an output writes if the lines of that file are its records, in JSON."""
    return Path(output.place) if isinstance(output, JsonLinesOutput) else None


def _make(folder: Path, sink: SinkConfig, key: str, config: Config) -> Output:
    make, package = SINKS.find(sink.kind, f"{key}.kind", sink.options)
    if make is _make_files:
        return _make_files(folder, sink, config.fetch.max_body_bytes)
    if make is _make_warc:  # the one that has a table of settings of its own
        return _make_warc(folder, sink, config.warc)
    if make in _TABLES:
        return _TABLES[make](folder, sink, key)
    with blame_package(package, key):
        output = make(folder, sink)
        if package:
            check_shape(output, Output, f"the package {package}", key)
            for name in (*output.files, *output.drafts):
                check_file_name(name)
    return output
