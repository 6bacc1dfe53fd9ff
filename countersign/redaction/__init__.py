"""Decides what in a text identifies a person, and what stands in its place."""
