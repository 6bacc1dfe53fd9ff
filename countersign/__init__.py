"""The rules: what may be recorded, drafted, seen, signed and kept, as pure functions."""
