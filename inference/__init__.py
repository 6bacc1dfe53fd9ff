"""The speech endpoint: audio in, attributed turns out, nothing kept."""
