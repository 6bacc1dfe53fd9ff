"""Decides how the endpoint runs: its environment as one model, and the speech policy as another."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy, FileMissing, ModelMissing
from countersign.roles import Roles
from countersign.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "build" / "models"
_PREFIX = "SPEECH_"
# The vocabulary that is used when none is named.
CLINIC = "clinic"

Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """One process of the endpoint; each field is the environment's `SPEECH_<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model_dir: Path = MODELS / "whisper-base"
    voice_model: Path = MODELS / "voice-encoder.onnx"
    policy: Path = ROOT / "policies" / "speech.toml"
    host: str = "0.0.0.0"  # noqa: S104  (SageMaker reaches the container from outside of it)
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    device: Literal["auto", "cpu", "cuda"] = "auto"
    # "auto" is float16 on a GPU and int8 on a CPU.
    compute_type: Literal["auto", "int8", "int8_float16", "float16", "float32"] = "auto"
    # 0 lets CTranslate2 choose.
    threads: Annotated[int, Field(ge=0, le=256)] = 0
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "en"
    beam: Annotated[int, Field(ge=1, le=20)] = 5
    # Sessions transcribed at once, and sessions that may wait for their turn, body in memory.
    workers: Annotated[int, Field(ge=1, le=16)] = 1
    queue: Annotated[int, Field(ge=0, le=256)] = 4
    # SageMaker kills a container two minutes after it asked it to stop.
    grace_seconds: Annotated[int, Field(ge=1, le=3600)] = 110

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings in `SPEECH_*`; `ValueError` names the variable that is wrong."""
        given = {
            key.removeprefix(_PREFIX).lower(): value
            for key, value in environment.items()
            if key.startswith(_PREFIX) and key.removeprefix(_PREFIX).lower() in cls.model_fields
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            name = f"{_PREFIX}{str(first['loc'][0]).upper()}"
            raise ValueError(f"{name}: {first['msg']}") from None

    @cached_property
    def vocabularies(self) -> frozenset[str]:
        """The names that a request may give: the files of `vocabulary/` beside the policy."""
        found = (self.policy.parent / "vocabulary").glob("*.toml")
        return frozenset({CLINIC, *(file.stem for file in found)})

    def with_model(self, name: str) -> Self:
        """The same settings for another model: a folder, or a packaged one (`tiny`, `base`).

        Raises `ModelMissing` when there is no such folder.
        """
        places = (Path(name), MODELS / name, MODELS / f"whisper-{name}")
        found = next((place for place in places if (place / "model.bin").is_file()), None)
        if found is None:
            raise ModelMissing(f"there is no model {name!r}")
        return self.model_copy(update={"model_dir": found})


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Table):
    max_minutes: Annotated[float, Field(gt=0)]
    max_megabytes: Annotated[float, Field(gt=0)]
    min_speech_seconds: Annotated[float, Field(ge=0)]

    @property
    def max_seconds(self) -> float:
        return self.max_minutes * 60

    @property
    def max_bytes(self) -> int:
        return int(self.max_megabytes * 1_048_576)


Decibels = Annotated[float, Field(ge=-120, le=120)]


class Activity(_Table):
    speech_above: Share
    certain_above: Share
    silence_below: Share
    pause_seconds: Annotated[float, Field(gt=0)]
    evidence_seconds: Annotated[float, Field(ge=0)]
    neighbour_seconds: Annotated[float, Field(ge=0)]
    quiet_below_db: Decibels
    lost_below_db: Decibels
    noisy_below_db: Decibels
    drowned_below_db: Decibels
    loud_above_db: Decibels


class Guards(_Table):
    no_speech_above: Share
    no_speech_log_probability_below: float
    log_probability_below: float
    compression_above: float
    silence_seconds: Annotated[float, Field(gt=0)]
    words_per_second_above: Annotated[float, Field(gt=0)]
    turn_probability_below: Share
    unheard_seconds: Annotated[float, Field(gt=0)]
    phantoms: tuple[str, ...]


class SpeechPolicy(_Table):
    """What policies/speech.toml says; the file gives each line's reason."""

    title: str
    limits: Limits
    activity: Activity
    guards: Guards
    roles: Roles
    # Not in that file: the clinic's own, from the files beside it.
    vocabulary: Vocabulary = Vocabulary()

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Raises `BadPolicy`, naming the field at fault."""
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"policies/speech.toml: {error}") from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadPolicy(f"policies/speech.toml, {where}: {first['msg']}") from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """The policy in a file, with the clinic's vocabulary; `FileMissing` or `BadPolicy`."""
        policy = cls.from_toml(_text(path))
        return policy.model_copy(update={"vocabulary": read_vocabulary(path.parent)})


def read_vocabulary(policies: Path, name: str = CLINIC) -> Vocabulary:
    """A vocabulary of the folder `policies` by its name; `FileMissing` or `BadPolicy`."""
    return Vocabulary.from_toml(
        _text(policies / "vocabulary" / f"{name}.toml"),
        _text(policies / "sound_alike.toml"),
        _text(policies / "lexicons" / "medications.toml"),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise FileMissing(f"{path} is not there") from None
