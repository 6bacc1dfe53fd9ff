"""Where a function finds the policy files: beside its packages, bundled or not."""

from __future__ import annotations

import functools
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "policies"


@functools.cache
def text(name: str) -> str:
    """The text of `policies/<name>`; `FileNotFoundError` when the bundle lacks it."""
    return (ROOT / name).read_text(encoding="utf-8")


@functools.cache
def folder(name: str, suffix: str = ".toml") -> dict[str, str]:
    """Every file of `policies/<name>/` that ends in `suffix`: stem → text."""
    return {
        path.stem: path.read_text(encoding="utf-8")
        for path in sorted((ROOT / name).glob(f"*{suffix}"))
    }
