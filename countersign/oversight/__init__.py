"""Decides what the people who run a clinic must be shown."""
