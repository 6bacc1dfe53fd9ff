"""Decides the form in which a signed note enters the record."""
