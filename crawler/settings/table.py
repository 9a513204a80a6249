"""What every table of settings has in common, whose a setting is in a daemon, and what header texts must be."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic.fields import FieldInfo

T = TypeVar("T")


class Mark(NamedTuple):
    """Says that a job of a daemon may choose a setting. Without this mark it is the owner's alone."""

    bound: Literal["exactly", "most", "least"] = "exactly"
    """What a bound of the owner's means for it: the only value, the largest or the smallest."""


ForJobs: TypeAlias = Annotated[T, Mark()]
"""Concerns one crawl alone, so a job may choose it."""
ForJobsAtMost: TypeAlias = Annotated[T, Mark("most")]
"""Likewise; more of it costs more. None is without end."""
ForJobsAtLeast: TypeAlias = Annotated[T, Mark("least")]
"""Likewise; less of it costs more. None is without end."""


def mark_of(field: FieldInfo) -> Mark | None:
    """Whether a job may choose a setting. None: the owner alone."""
    return next((one for one in field.metadata if isinstance(one, Mark)), None)


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: Any) -> object:
        if isinstance(value, bool) and cls.model_fields[info.field_name].annotation is not bool:
            raise ValueError("should not be true or false")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _text_can_be_written(cls, value: object) -> object:
        if not _is_text(value):
            raise ValueError("should be text in UTF-8")
        return value


def _is_text(value: object) -> bool:
    """Whether a value's texts can be written: an argument's bytes that are no UTF-8 arrive as lone surrogates."""
    match value:
        case str():
            return value == value.encode(errors="replace").decode()
        case list() | tuple():
            return all(map(_is_text, value))
    return True


def header_fields(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        header_text(name + value)
    return headers


def header_text(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError("should be printable ASCII on one line: it is sent in a header field")
    return text
