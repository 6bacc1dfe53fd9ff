"""One therapy session, from consent to a delivered note."""
