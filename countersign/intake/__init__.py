"""Decides which words of a form put a human on the line, and what the front desk sees."""
