"""The table of the API's operations, which routes requests and is the source of openapi.json."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import TypedDict, Unpack

from aiohttp import web
from pydantic import BaseModel

from .fields import Field

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = type[BaseModel] | str | None
"""A model that is sent as JSON, the media type of other content, or None for an empty answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb at one path."""

    method: str
    path: str
    """The path, as both aiohttp's router and OpenAPI write it: `/v1/jobs/{id}`."""
    serve: Serve
    answers: Mapping[int, Answer]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    takes_lines: bool = False
    """Whether seeds may be sent as a stream of lines."""
    upgrade: str | None = None
    """A media type that the answer has if the client asks for it."""
    is_public: bool = False
    fields: Sequence[Field] = ()
    """Header fields that it reads."""
    has_etag: bool = False
    """Whether its answers carry an ETag."""
    raises: Sequence[str] = ()
    """Problems that it may answer beside those that follow from what it reads (`problem_kinds`)."""

    @property
    def name(self) -> str:
        return self.serve.__name__

    @property
    def summary(self) -> str:
        return (self.serve.__doc__ or "").strip().partition("\n")[0]

    @property
    def description(self) -> str:
        """The rest of the docstring; empty if there is none."""
        return cleandoc(self.serve.__doc__ or "").partition("\n")[2].strip()

    @property
    def tag(self) -> str:
        return self.serve.__module__.rpartition(".")[2]


class Options(TypedDict, total=False):
    """The fields of an operation that may be left out."""

    body: type[BaseModel]
    query: type[BaseModel]
    takes_lines: bool
    upgrade: str
    is_public: bool
    fields: Sequence[Field]
    has_etag: bool
    raises: Sequence[str]


class Operations:
    """A table to which functions are added by decoration."""

    def __init__(self) -> None:
        self._entries: list[Operation] = []

    def __call__(
        self, method: str, path: str, answers: Mapping[int, Answer], **options: Unpack[Options]
    ) -> Callable[[Serve], Serve]:
        def enter(serve: Serve) -> Serve:
            self._entries.append(Operation(method, path, serve, answers, **options))
            return serve

        return enter

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._entries)
