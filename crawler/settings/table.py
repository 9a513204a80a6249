"""Defines what all tables of settings share: checks, the markers that say what a setting is, and header texts."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, field_validator
from pydantic.fields import FieldInfo

from .meanings import meanings_of

T = TypeVar("T")

MOST_DEEP = 32
"""Most levels of lists and tables in one setting: whoever reads them must not run out of stack."""


class Mark(NamedTuple):
    """Marks a setting that a job of a daemon may choose. Without this mark only the owner of the daemon may."""

    bound: Literal["exactly", "most", "least"] = "exactly"
    """Bound that the owner's value sets for a job: the only value, the largest or the smallest."""


ForJobs: TypeAlias = Annotated[T, Mark()]
"""Marks a setting that concerns one crawl alone, so a job may choose it."""
ForJobsAtMost: TypeAlias = Annotated[T, Mark("most")]
"""Marks such a setting where more costs more. None is without end."""
ForJobsAtLeast: TypeAlias = Annotated[T, Mark("least")]
"""Marks such a setting where less costs more. None is without end."""


class Nature(Enum):
    """Marks what may be done with a setting. Without any of these it is read when a crawl or a daemon starts."""

    LIVE = "live"
    """May change while a crawl runs; of a daemon's own settings: while the daemon runs."""
    FIXED = "fixed"
    """Stays the same for the whole life of a crawl folder, because its files have that shape."""
    SECRET = "secret"
    """May hold passwords and tokens: is never shown, and is kept in files that only their owner can read."""
    SHARED = "shared"
    """Concerns parts that all jobs of a daemon share, so it is read when the daemon starts."""


Live: TypeAlias = Annotated[T, Nature.LIVE]
Fixed: TypeAlias = Annotated[T, Nature.FIXED]
Secret: TypeAlias = Annotated[T, Nature.SECRET]
Shared: TypeAlias = Annotated[T, Nature.SHARED]

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=50)]
"""The name of a kind of part: built in, or added by an installed package (docs/plugins.md)."""

_SIZE = re.compile(r"([0-9][0-9_]{0,20})([KMG]?)(?:i?B)?", re.IGNORECASE)


def read_size(value: object) -> object:
    """Returns a size such as `500K`, `10M`, `2G` in bytes, in steps of 1024; a number unchanged. Raises ValueError."""
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if not found:
        raise ValueError("should be a number of bytes, or a size such as 500K or 2M")
    return int(found[1].replace("_", "")) << {"": 0, "K": 10, "M": 20, "G": 30}[found[2].upper()]


Size = Annotated[int, BeforeValidator(read_size)]
"""Bytes, which may be written as `500K`, `10M`, `2G`."""


def mark_of(field: FieldInfo) -> Mark | None:
    """Returns the mark of a setting; None: only the owner may choose it."""
    return next((one for one in field.metadata if isinstance(one, Mark)), None)


class Table(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Returns the JSON Schema with the meaning of each setting. A crawl needs no meanings, so no field has one."""
        made = handler(schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, meaning in meanings_of(cls).items():
            if name in properties:
                properties[name].setdefault("description", meaning)
        return made

    @field_validator("*", mode="before")
    @classmethod
    def _check_value(cls, value: object, info: Any) -> object:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("should not be true or false")
        if not _is_text(value):
            raise ValueError("should be text in UTF-8")
        return value


def _is_text(value: object, depth: int = 0) -> bool:
    """Returns whether the texts of a value can be written. Raises ValueError for one that is nested too deep.

    Bytes of an argument that are no UTF-8 arrive as lone surrogates, which cannot be.
    """
    if depth > MOST_DEEP:
        raise ValueError(f"should be lists and tables of {MOST_DEEP} levels at most")
    match value:
        case str():
            return value == value.encode(errors="replace").decode()
        case list() | tuple():
            return all(_is_text(one, depth + 1) for one in value)
        case dict():
            return all(_is_text(one, depth + 1) for one in (*value, *value.values()))
    return True


def header_fields(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        header_text(name + value)
    return headers


def header_text(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("should be printable ASCII on one line: it is sent in a header field")
    return text


def check_proxy(proxy: str | None) -> str | None:
    if proxy is not None and not proxy.startswith(("http://", "https://", "socks4://", "socks5://", "socks5h://")):
        raise ValueError("should begin with http://, https://, socks5:// or socks4://")
    return proxy
