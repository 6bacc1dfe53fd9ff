"""The outside world, one file per port."""
