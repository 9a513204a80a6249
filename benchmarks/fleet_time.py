"""A virtual event loop on which some tasks can be stopped, as a signal stops a process, while the others go on."""

from __future__ import annotations

import asyncio
from asyncio import Future, Handle, TimerHandle
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar, TypeVarTuple

from benchmarks.virtual_time import VirtualLoop
from crawler.runtime import clock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

OWNER: ContextVar[int] = ContextVar("owner", default=0)
"""The process to which the running code belongs; 0: none that can be stopped."""


class FleetLoop(VirtualLoop):
    """Calls belong to the process in whose context they were made. Those of a stopped process wait until it goes on.

    What is handed to executors runs at once: the engine of a simulation needs no thread, so a run follows from its
    seed.
    """

    def __init__(self) -> None:
        self._stopped: dict[int, list[Handle]] = {}
        """Calls that wait, by the process that is stopped."""
        super().__init__()

    def stop_process(self, owner: int) -> None:
        """Stops a process between two of its calls: its timers run, and nothing of it is called."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        waits = [handle for handle in ready if handle._context.get(OWNER, 0) == owner]
        self._stopped[owner] = waits
        for handle in waits:
            ready.remove(handle)

    def continue_process(self, owner: int) -> None:
        """Lets a stopped process go on, with all that came meanwhile, in its order."""
        self._ready.extend(self._stopped.pop(owner))  # type: ignore[attr-defined]

    def is_stopped(self, owner: int) -> bool:
        return owner in self._stopped

    # -- where calls come from ---------------------------------------------------------------------------------------

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> Handle:
        handle = super().call_soon(callback, *args, context=context)
        if self._stopped:
            self._keep_back(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        context = context or copy_context()
        return super().call_at(when, self._fire, context, callback, args, context=context)

    def _fire(self, context: Context, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Makes a call whose time has come, or keeps it back."""
        if context.get(OWNER, 0) in self._stopped:
            self._stopped[context[OWNER]].append(Handle(callback, args, self, context))
        else:
            callback(*args)

    def _keep_back(self, handle: Handle) -> None:
        owner = handle._context.get(OWNER, 0)  # type: ignore[attr-defined]
        if owner in self._stopped:
            self._ready.pop()  # type: ignore[attr-defined]
            self._stopped[owner].append(handle)

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> Future[T]:  # type: ignore[override]
        done: Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            done.set_exception(error)
        return done


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine in virtual time, by which all of the crawler goes meanwhile."""
    with asyncio.Runner(loop_factory=FleetLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, FleetLoop)
        with clock.told_by(loop.time, loop.wall):
            return runner.run(main)


def current() -> FleetLoop:
    """Returns the loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FleetLoop)
    return loop


def context_of(owner: int) -> Context:
    """Returns the context of a process: tasks that are made in it belong to that process."""
    context = copy_context()
    context.run(OWNER.set, owner)
    return context
