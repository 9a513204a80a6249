"""The states of a job and the changes between them, as a pure state machine."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ..errors import WrongState


class State(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether the job has ended; `resume` can still continue it."""
        return self in (State.COMPLETED, State.FAILED, State.CANCELLED)


class Verb(StrEnum):
    """A change of a job's state. The first three are asked for by people, the others made by the daemon."""

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
"""The next state for each verb and state. A verb that is repeated changes nothing."""


def next_state(state: State, verb: Verb) -> State:
    """Returns the state that follows. Raises WrongState."""
    following = _NEXT[verb].get(state)
    if following is None:
        raise WrongState(f"a job that is {state} cannot {verb}: {_advice(state)}")
    return following


def _advice(state: State) -> str:
    return "resume it first" if state.is_over else "wait until it runs"
