"""The flow: one folder per workflow, one file per state."""
