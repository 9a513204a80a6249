"""The daemon's API and its dashboard over HTTP."""

from .app import application
from .server import Listening, open_server

__all__ = ["Listening", "application", "open_server"]
