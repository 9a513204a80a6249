"""Every state and every verb: what follows, and what is refused."""

from __future__ import annotations

from itertools import product

import pytest

from crawler.daemon import State, WrongState
from crawler.daemon.jobs.states import Verb, next_state

Q, R, P, C, F, X = State.QUEUED, State.RUNNING, State.PAUSED, State.COMPLETED, State.FAILED, State.CANCELLED

FOLLOWS = {
    Verb.PAUSE: {Q: P, R: P, P: P},
    Verb.RESUME: {Q: Q, R: R, P: Q, C: Q, F: Q, X: Q},
    Verb.CANCEL: {Q: X, R: X, P: X, X: X},
    Verb.START: {Q: R},
    Verb.COMPLETE: {R: C},
    Verb.FAIL: {Q: F, R: F, P: F},
}


@pytest.mark.parametrize(("state", "verb"), list(product(State, Verb)))
def test_every_verb_does_in_every_state_what_the_table_says(state: State, verb: Verb) -> None:
    following = FOLLOWS[verb].get(state)
    if following is None:
        with pytest.raises(WrongState, match=f"a job that is {state} cannot {verb}"):
            next_state(state, verb)
    else:
        assert next_state(state, verb) is following


@pytest.mark.parametrize(("state", "verb"), list(product(State, (Verb.PAUSE, Verb.RESUME, Verb.CANCEL))))
def test_a_request_that_is_repeated_does_no_harm(state: State, verb: Verb) -> None:
    once = FOLLOWS[verb].get(state)
    if once is not None and (verb, once) != (Verb.RESUME, R):
        assert next_state(once, verb) is once


@pytest.mark.parametrize("state", State)
def test_no_state_is_a_dead_end(state: State) -> None:
    assert next_state(state, Verb.RESUME) in (Q, R)


def test_a_job_is_over_where_nothing_happens_any_more_by_itself() -> None:
    assert {state for state in State if state.is_over} == {C, F, X}
