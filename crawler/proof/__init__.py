"""Records what a crawl does to sites, in lines that cannot be changed unseen: each request, its grounds, and settings.

`crawler.proving` checks these records without any of this code; docs/proof.md describes the files.
"""

from __future__ import annotations

from .chain import Chain, seal
from .grounds import (
    NO_GROUNDS,
    ROBOTS,
    Grounds,
    NoteGrounds,
    grounds,
    grounds_of,
    note_grounds,
    note_no_grounds,
    redirected_robots,
)
from .history import HISTORY, History, HistoryEvent, SettingChange, open_history
from .recorder import AUDIT, RequestRecorder
from .robots_bodies import BODIES, RobotsBodies
from .terms import Terms, terms_of

__all__ = [
    "AUDIT",
    "BODIES",
    "HISTORY",
    "NO_GROUNDS",
    "ROBOTS",
    "Chain",
    "Grounds",
    "History",
    "HistoryEvent",
    "NoteGrounds",
    "RequestRecorder",
    "RobotsBodies",
    "SettingChange",
    "Terms",
    "grounds",
    "grounds_of",
    "note_grounds",
    "note_no_grounds",
    "open_history",
    "redirected_robots",
    "seal",
    "terms_of",
]
