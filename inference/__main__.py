"""Starts the endpoint: `python -m inference`, or with the word `serve` as SageMaker adds it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code: 0 after a stop, 1 without models, 2 for wrong usage or settings."""
    from inference.server import serve
    from inference.settings import Settings

    if list(arguments) not in ([], ["serve"]):
        sys.stderr.write("usage: python -m inference [serve]\n")
        return 2
    try:
        settings = Settings.from_environment(environment)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return serve(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
