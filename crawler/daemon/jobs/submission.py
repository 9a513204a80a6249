"""Adds, changes and removes jobs. A job is acknowledged when its seeds, its folder and its record are on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import orjson
from anyio import CancelScope

from ... import seeds as _seeds
from ... import urls
from ...errors import StorageFull, UrlError
from ...fetch import Guard
from ...policy.wider import lets_more_in
from ...runtime.files import is_full
from ...runtime.threads import finish_in_thread, start_in_thread
from ...settings import Config
from ..errors import BadJob, Complaint, Full, KeyReused, StoreError, WrongState
from ..events import Kind
from ..owners import Rule
from ..settings import DaemonConfig
from . import repeats, spool
from .folders import Folders
from .job import Expected, Ids, JobPatch, JobSpec, Record, Template
from .outputs import choose_settings, says_outputs
from .registry import Draft, News, Registry
from .states import State
from .store import KeyedUpload
from .validation import alter, apply_rules, check_names, differences, flatten_settings

T = TypeVar("T")

Lines = AsyncIterable[Sequence[str]]
"""Seeds in batches, one line each."""


class Threads:
    """Runs work with files in threads, so that the event loop stays free."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Runs `work` in a thread. Raises StorageFull, StoreError instead of OSError."""
        with _translate_errors():
            return await start_in_thread(self._executor, work, *arguments)


@dataclass(slots=True)
class Submissions:
    """Accepts jobs, seeds and changes."""

    registry: Registry
    folders: Folders
    threads: Threads
    config: DaemonConfig
    base: Config
    _ids: Ids
    _keys: WeakValueDictionary[str, asyncio.Lock]
    """One lock for each idempotency key in use: two requests with the same key take turns."""

    @classmethod
    def of(
        cls, registry: Registry, folders: Folders, threads: Threads, config: DaemonConfig, base: Config
    ) -> Submissions:
        ids = [record.id for record in registry.records()]
        return cls(registry, folders, threads, config, base, Ids(max(ids, default="")), WeakValueDictionary())

    @property
    def rule(self) -> Rule:
        """The settings that jobs start from, and the bounds that they may not exceed."""
        return Rule(self.base, self.config.bounds)

    def new_id(self) -> str:
        return self._ids.next(self.registry.now())

    async def submit(self, spec: JobSpec, seeds: Lines, key: str | None, who: str) -> tuple[Record, bool]:
        """Returns the job, and whether it is new. Raises as `Jobs.submit` does."""
        self.registry.check_open()
        if key is None:
            return await self._take_in(self._draft(spec), spec, [seeds], who), True
        lock = self._keys.setdefault(key, asyncio.Lock())
        async with lock:
            if known := self.registry.by_key(key):
                await self._compare(known, spec, seeds)
                return known, False
            return await self._take_in(replace(self._draft(spec), key=key), spec, [seeds], who), True

    async def run_again(
        self, job: str, spec: JobSpec, without: Sequence[str], seeds: Sequence[str] | None, key: str | None, who: str
    ) -> tuple[Record, bool]:
        """Returns a job like another one, and whether it is new. Raises as `Jobs.run_again` does."""
        like = self.registry.record(job)
        digest = _digest(spec, spool.normalise_lines([job, *without, "" if seeds is None else "seeds", *(seeds or ())]))
        async with self._keys.setdefault(key, asyncio.Lock()) if key else nullcontext():
            if key and (known := self.registry.by_key(key)):
                if known.digest != digest:
                    raise KeyReused(f"this idempotency key belongs to job {known.id}, whose request was different")
                return known, False
            draft = repeats.inherit(self._draft(spec, repeats.make_template(like, without)), like)
            if seeds is None:
                files = await self.threads.run(repeats.find_uploads, like, self.folders.path(like))
                uploads = [repeats.read_lines(file) for file in files]
            else:
                uploads = [_at_once(seeds)]
            draft = replace(draft, key=key, digest=digest if key else "")
            return await self._take_in(draft, spec, uploads, who), True

    async def plant(self, job: str, seeds: Lines, key: str | None, who: str) -> int:
        """Stores further seeds of a job, and returns the number of lines. Those with a key are stored once."""
        if key is None:
            return await self._plant(job, seeds, None, who)
        lock = self._keys.setdefault(f"{job} {key}", asyncio.Lock())
        async with lock:
            self.registry.record(job)
            if known := await self.registry.upload_with(job, key):
                if known.digest != await _digest_of_seeds(seeds):
                    raise KeyReused(f"this idempotency key belongs to other seeds of job {job}")
                return known.given
            return await self._plant(job, seeds, key, who)

    async def _plant(self, job: str, seeds: Lines, key: str | None, who: str) -> int:
        record = await self.check_folder(job)
        coming = self.folders.prepared_path(f"{job}+{self.new_id()}.txt")
        upload = await self._spool(coming, self._guard(record), self.config.max_seeds - record.given, seeds)

        def decide() -> Draft:
            now = self.registry.record(job)
            with _translate_errors():
                spool.settle(coming, self.folders.path(now), now.uploads + 1)
            said = {"seeds": upload.given, "who": who}
            new = replace(now, uploads=now.uploads + 1, given=now.given + upload.given)
            keyed = [] if key is None else [KeyedUpload(job, key, upload.digest.hexdigest(), upload.given, new.uploads)]
            return Draft([new], news=[(job, Kind.NOTE, said)], uploads=keyed)

        try:
            await self.registry.change(decide)
        finally:
            coming.unlink(missing_ok=True)
        return upload.given

    async def check_folder(self, job: str) -> Record:
        """Returns the job if its folder exists. Raises WrongState, NoSuchJob."""
        record = self.registry.record(job)
        if not await self.threads.run(self.folders.is_there, record):
            raise WrongState(f"the folder of job {job} is gone: put it back, or remove the job")
        return record

    async def change(self, job: str, patch: JobPatch, who: str, expected: Expected) -> Sequence[str]:
        """Stores changed settings of a job, and returns the names of all that changed.

        Raises BadSettings, BadJob, Outdated.
        """
        check_names(JobSpec(patch.name or "", priority=patch.priority, labels=patch.labels or {}))
        changes: list[tuple[str, object, object]] = []

        def decide() -> Draft | None:
            record = self.registry.record(job, expected)
            chosen = alter(record.settings, patch.settings, self.rule)
            said = {
                name: value for name in ("name", "priority", "labels") if (value := getattr(patch, name)) is not None
            }
            before, now = apply_rules(record.settings, self.rule), apply_rules(chosen, self.rule)
            changes.extend(differences(before, now))
            changes.extend((name, old, new) for name, new in said.items() if (old := getattr(record, name)) != new)
            told = [{"key": key, "from": old, "to": new} for key, old, new in changes]
            inherited = tuple(name for name in record.inherited if name not in flatten_settings(patch.settings))
            is_widened = record.is_widened or lets_more_in(before, now)
            new = replace(record, settings=chosen, inherited=inherited, is_widened=is_widened, **said)
            return Draft([new], news=[(job, Kind.CHANGE, {"who": who, "changes": told})]) if changes else None

        await self.registry.change(decide)
        return [key for key, _, _ in changes]

    async def hold(self, job: str, text: str, is_held: bool, who: str, expected: Expected) -> None:
        """Stores whether a site, given by any of its URLs, is held. Raises UrlError, Outdated."""
        site = _seeds.parse(text).site

        def decide() -> Draft | None:
            record = self.registry.record(job, expected)
            held = set(record.held)
            if (site in held) is is_held:
                return None
            said = {"who": who, "changes": [{"key": "held", "from": not is_held, "to": is_held, "site": site}]}
            now = tuple(sorted(held | {site} if is_held else held - {site}))
            return Draft([replace(record, held=now)], news=[(job, Kind.CHANGE, said)])

        await self.registry.change(decide)

    async def remove(self, jobs: Sequence[str], who: str, expected: Expected = None) -> None:
        """Removes ended jobs and their folders. Raises WrongState, NoSuchJob, Outdated; then none is removed."""
        gone: list[Record] = []

        async def set_aside() -> None:
            for record in [self.registry.record(job) for job in jobs]:
                with _translate_errors():
                    _, cancelled = await finish_in_thread(partial(self.folders.set_aside, record))
                gone.append(record)
                if cancelled:
                    raise cancelled

        def decide() -> Draft:
            records = [self.registry.record(job, expected) for job in jobs]
            for record in records:
                if not record.state.is_over:
                    raise WrongState(f"job {record.id} is {record.state}: cancel it first")
            said = {"to": "removed", "who": who, "ended": None, "error": ""}
            news: list[News] = [(one.id, Kind.STATE, {"from": one.state, **said}) for one in records]
            return Draft(removed=jobs, news=news)

        try:
            await self.registry.change(decide, set_aside)
        except BaseException:
            for record in gone:
                self.folders.bring_back(record)
            raise
        for record in gone:
            await self.threads.run(self.folders.forget, record.folder)

    # -- one job -----------------------------------------------------------------------------------------------------

    def _draft(self, spec: JobSpec, template: Template | None = None) -> Record:
        """Returns the record of a new job, without its seeds. Raises BadJob, NoSuchJob, Full.

        `template` counts instead of the one that the request names.
        """
        check_names(spec)
        if len(self.registry) >= self.config.max_jobs:
            raise Full(f"daemon.max_jobs = {self.config.max_jobs} is reached: remove a job, or raise it")
        template = template or self._template(spec.template)
        chosen = choose_settings(spec, self.rule, template.settings)
        own = {*flatten_settings(spec.settings), *(["sinks"] if says_outputs(spec) else [])}
        job = self.new_id()
        return Record(
            id=job,
            folder=job,
            name=spec.name,
            state=State.PAUSED if spec.is_paused else State.QUEUED,
            created_at=self.registry.now(),
            settings=chosen,
            inherited=tuple(name for name in flatten_settings(template.settings) if name not in own),
            priority=template.priority if spec.priority is None else spec.priority,
            template=spec.template,
            labels={**template.labels, **spec.labels},
            webhook=self._webhook(spec.webhook),
        )

    def _webhook(self, text: str) -> str:
        """Returns the canonical URL of a webhook; empty for none. Raises BadJob."""
        try:
            url = urls.parse(text) if text else None
        except UrlError as error:
            raise BadJob([Complaint("webhook", str(error))]) from error
        if url and (why := spool.find_refusal(Guard(self.base.fetch.allow_networks), url)):
            raise BadJob([Complaint("webhook", why)])
        return str(url or "")

    def _template(self, name: str | None) -> Template:
        if name is None:
            return Template("")
        return self.registry.template(name)

    async def _take_in(self, draft: Record, spec: JobSpec, uploads: Sequence[Lines], who: str) -> Record:
        """Stores a job with its seeds, which come in one or more uploads. Its digest is made if it has none."""
        try:
            await self.threads.run(self.folders.prepare, draft.folder, apply_rules(draft.settings, self.rule))
            stored: list[spool.Upload] = []
            for seeds in uploads:
                path = spool.path_of(self.folders.prepared_path(draft.folder), len(stored) + 1)
                left = self.config.max_seeds - sum(upload.given for upload in stored)
                stored.append(await self._spool(path, self._guard(draft), left, seeds))
            record = replace(
                draft,
                name=draft.name or _site(stored[0].first),
                given=sum(upload.given for upload in stored),
                uploads=len(stored),
                digest=draft.digest or (_digest(spec, stored[0].digest.digest()) if draft.key else ""),
            )
            news = {"from": None, "to": record.state, "who": who, "ended": None, "error": ""}
            await self.registry.change(lambda: Draft([record], news=[(record.id, Kind.STATE, news)]))
        except BaseException:
            with CancelScope(shield=True):
                if draft.id not in self.registry:
                    await self.threads.run(self.folders.discard_prepared, draft.folder)
            raise
        await self.threads.run(self.folders.move_into_place, record.folder)
        return record

    async def _spool(self, path: Path, guard: Guard, most: int, seeds: Lines) -> spool.Upload:
        upload = await self.threads.run(spool.Upload, path, guard, most)
        try:
            async for lines in seeds:
                await self.threads.run(upload.write, lines)
            await self.threads.run(upload.finish)
        except BaseException:
            upload.give_up()
            raise
        return upload

    async def _compare(self, known: Record, spec: JobSpec, seeds: Lines) -> None:
        if known.digest != _digest(spec, bytes.fromhex(await _digest_of_seeds(seeds))):
            raise KeyReused(f"this idempotency key belongs to job {known.id}, whose request was different")

    def _guard(self, record: Record) -> Guard:
        return Guard(apply_rules(record.settings, self.rule).fetch.allow_networks)


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or "the daemon's data folder"
        if is_full(error):
            raise StorageFull(f"no space left for {where}: make room; nothing was changed") from error
        raise StoreError(f"{where} cannot be used: {error.strerror or error}") from error


def _digest(spec: JobSpec, seeds: bytes) -> str:
    """Returns the digest of a request and its seeds."""
    asked = [
        spec.name,
        spec.settings,
        spec.template,
        spec.priority,
        spec.labels,
        spec.is_paused,
        spec.webhook,
        seeds.hex(),
        *([spec.links, spec.text, spec.formats] if says_outputs(spec) else []),
        *([spec.markdown, spec.metadata] if (spec.markdown, spec.metadata) != (None, None) else []),
    ]
    text = orjson.dumps(asked, default=str, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16).hexdigest()


async def _at_once(seeds: Sequence[str]) -> AsyncGenerator[Sequence[str], None]:
    yield seeds


async def _digest_of_seeds(seeds: Lines) -> str:
    digest = blake2b(digest_size=16)
    async for lines in seeds:
        digest.update(spool.normalise_lines(lines))
    return digest.hexdigest()


def _site(seed: str) -> str:
    """Returns the name of a job that was given none: the first seed's host, or `job`."""
    try:
        return urls.host(_seeds.parse(seed.split(maxsplit=1)[0]))[:100]
    except UrlError:
        return "job"
