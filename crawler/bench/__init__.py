"""Measures this machine: what a crawl does on it in some seconds, and the same work done in five ways."""

from .measures import Extra, Figures, Places, Rate, Stage, Way, Work
from .running import measure

__all__ = ["Extra", "Figures", "Places", "Rate", "Stage", "Way", "Work", "measure"]
