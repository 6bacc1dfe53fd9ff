"""How the weights of `countersign.redaction.learned` are made: a corpus, and what trains on it."""
