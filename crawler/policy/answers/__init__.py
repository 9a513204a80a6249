"""What sites' answers have been like, and whether the latest ones are content: a soft outage, a block, or neither."""

from .judging import Answers, Verdict, all_of
from .latest import Answer

__all__ = ["Answer", "Answers", "Verdict", "all_of"]
