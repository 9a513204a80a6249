"""Judges whether the latest answers of sites are content, a soft outage or a block, by their earlier answers."""

from .judging import Answers, Verdict, all_of
from .latest import Answer

__all__ = ["Answer", "Answers", "Verdict", "all_of"]
