"""Decides which spoken words belong in a note, and where."""
