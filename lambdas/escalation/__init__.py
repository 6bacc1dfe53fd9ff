"""One alert, from the first call until a human answers."""
