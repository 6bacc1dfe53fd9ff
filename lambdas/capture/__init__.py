"""Audio on its way in."""
