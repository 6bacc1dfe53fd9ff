"""Decides whether a note says only what was said."""
