"""Decides what a function carries: the hashed lock for arm64 Linux, our code, the policies."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from infra.config import ROOT

LOCK = ROOT / "requirements" / "lambda.txt"
PACKAGES = ("countersign", "lambdas", "policies")
PYTHON = "3.13"
# The oldest wheel tag that all of the lock has, and that Amazon Linux 2023 (glibc 2.34) runs.
PLATFORM = "aarch64-manylinux_2_28"

_KEPT = 4
_SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.dist-info/RECORD")


class BundleError(RuntimeError):
    """The dependencies could not be fetched; the message says what to do."""


def assemble(cache: Path = ROOT / "build" / "bundle") -> Path:
    """A folder ready to be zipped, named by the hash of all that is in it.

    The dependencies are fetched once per lock; from then on assembling needs no network.
    """
    lock = hashlib.sha256(LOCK.read_bytes() + PLATFORM.encode() + PYTHON.encode()).hexdigest()[:16]
    source = hashlib.sha256()
    for path in _sources():
        source.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    bundle = cache / lock / source.hexdigest()[:16]
    if not bundle.exists():
        layer = _dependencies(cache / lock / "dependencies")
        with tempfile.TemporaryDirectory(dir=cache, prefix=".assembling-") as scratch:
            made = Path(scratch) / "bundle"
            # Links, not copies: a change of one handler must not cost eighty megabytes.
            shutil.copytree(layer, made, copy_function=os.link)
            for package in PACKAGES:
                shutil.copytree(ROOT / package, made / package, ignore=_SKIPPED)
            _publish(made, bundle)
        _forget_all_but_newest(cache / lock)
    return bundle


def _forget_all_but_newest(folder: Path) -> None:
    # An older one may still be in use by a synthesis that runs beside this one.
    bundles = [path for path in folder.iterdir() if path.name != "dependencies"]
    for old in sorted(bundles, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _dependencies(layer: Path) -> Path:
    if layer.exists():
        return layer
    layer.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(sys.executable).parent / "uv"
    with tempfile.TemporaryDirectory(dir=layer.parent.parent, prefix=".fetching-") as scratch:
        made = Path(scratch) / "dependencies"
        done = subprocess.run(  # noqa: S603 (a fixed command; nothing of it comes from outside)
            [
                str(beside) if beside.exists() else "uv",
                *("pip", "install", "--quiet", "--require-hashes", "--no-deps"),
                *("--requirement", str(LOCK), "--target", str(made)),
                *("--python-platform", PLATFORM, "--python-version", PYTHON),
                *("--only-binary", ":all:", "--no-compile-bytecode"),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise BundleError(
                f"the functions' dependencies could not be fetched; the first synthesis after a "
                f"change of {LOCK.name} needs the package index: {done.stderr.strip()}"
            )
        shutil.rmtree(made / "bin", ignore_errors=True)
        _publish(made, layer)
    return layer


def _publish(made: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        made.rename(place)
    except OSError:
        # Another synthesis was quicker; by construction it holds the same bytes.
        if not place.exists():
            raise
