"""What a function carries."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from infra import bundle
from infra.config import ROOT


@pytest.fixture(scope="module")
def assembled() -> Path:
    return bundle.assemble()


def test_it_holds_our_code_and_the_policies(assembled: Path) -> None:
    for package in bundle.PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                copied = assembled / path.relative_to(ROOT)
                assert copied.read_bytes() == path.read_bytes()
    assert not list(assembled.rglob("__pycache__"))


def test_it_holds_native_code_for_arm64_alone(assembled: Path) -> None:
    # ELF header: byte 18 is the machine, 0xB7 is AArch64.
    libraries = list(assembled.rglob("*.so"))
    assert libraries
    for library in libraries:
        with library.open("rb") as file:
            header = file.read(20)
        assert header[:4] == b"\x7fELF" and header[18] == 0xB7, library.name


def test_everything_a_function_imports_is_in_it(assembled: Path) -> None:
    imported: dict[str, Path] = {}
    for package in ("countersign", "lambdas"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0]: path for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    imported[node.module.split(".")[0]] = path
    missing = {
        name: str(path.relative_to(ROOT))
        for name, path in imported.items()
        if name not in sys.stdlib_module_names
        and not (assembled / name).is_dir()
        and not (assembled / f"{name}.py").exists()
    }
    assert not missing


def test_it_fits_into_a_function(assembled: Path) -> None:
    # Lambda quota: 250 MB unzipped, layers included.
    size = sum(path.stat().st_size for path in assembled.rglob("*") if path.is_file())
    assert size < 150 * 1024 * 1024


def test_the_same_sources_give_the_same_folder(assembled: Path) -> None:
    assert bundle.assemble() == assembled
