"""Keeps the places that seeds bring into reach, and queues pages again when rules or seeds let in more."""
