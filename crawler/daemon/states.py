"""The life of a job as a state machine: which state follows which, in one plain function."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from .trouble import WrongState


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more by itself; `resume` goes on all the same."""
        return self in (State.COMPLETED, State.FAILED, State.CANCELLED)


class Verb(StrEnum):
    """What happens to a job: the first three are people's, the others the daemon's own."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"


_LIVE = (State.QUEUED, State.RUNNING, State.PAUSED)
_OVER = (State.COMPLETED, State.FAILED, State.CANCELLED)
_NEXT: Mapping[Verb, Mapping[State, State]] = {
    Verb.PAUSE: dict.fromkeys(_LIVE, State.PAUSED),
    Verb.RESUME: {
        **dict.fromkeys((State.PAUSED, *_OVER), State.QUEUED),
        State.QUEUED: State.QUEUED,
        State.RUNNING: State.RUNNING,
    },
    Verb.CANCEL: dict.fromkeys((*_LIVE, State.CANCELLED), State.CANCELLED),
    Verb.START: {State.QUEUED: State.RUNNING},
    Verb.COMPLETE: {State.RUNNING: State.COMPLETED},
    Verb.FAIL: dict.fromkeys(_LIVE, State.FAILED),
}
"""What a verb makes of a state. What is so already stays so: a request that is repeated does no harm."""


def after(state: State, verb: Verb) -> State:
    """The state that follows. Raises WrongState."""
    following = _NEXT[verb].get(state)
    if following is None:
        raise WrongState(f"a job that is {state} cannot {verb}: {_advice(state)}")
    return following


def _advice(state: State) -> str:
    return "resume it first" if state.is_over else "wait until it runs"
