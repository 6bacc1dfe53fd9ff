"""What runs on a schedule, so that nothing is forgotten."""
