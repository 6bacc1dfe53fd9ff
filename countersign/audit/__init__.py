"""Decides what an audit trail must hold to be believed."""
