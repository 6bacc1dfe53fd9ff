from __future__ import annotations

from pathlib import Path

import pytest

from inference.pipeline import Pipeline
from inference.settings import MODELS, Settings
from tests.inference import recordings


@pytest.fixture(scope="session")
def tiny() -> Path:
    folder = MODELS / "whisper-tiny"
    if not (folder / "model.bin").is_file() or not (MODELS / "voice-encoder.onnx").is_file():
        pytest.fail("the models are not assembled: run `make models`", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def pipeline(tiny: Path) -> Pipeline:
    return Pipeline(Settings(model_dir=tiny))


@pytest.fixture(scope="session")
def session_wav() -> bytes:
    return recordings.encode(recordings.session())
