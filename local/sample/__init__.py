"""A sample session, spoken by synthetic voices, for the demo and the tests."""
