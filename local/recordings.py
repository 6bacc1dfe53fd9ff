"""Decides what a recorded session is to a measurement, and how it would sound elsewhere."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from countersign.errors import FileMissing, NotJson
from countersign.transcript import Role, decode_utf8
from inference.audio import RATE, decode
from local.scores import rttm, word_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A sound begins before and ends after what a reference calls its times.
_MARGIN = 0.1
# What a microphone hears of the person in front of the other one, as in a quiet office.
_CROSS_TALK = 0.12
# A quiet room (about -80 dBFS): no microphone records digital silence.
_ROOM = 0.0001
# The band of a telephone line, Hz, and its companding (ITU-T G.711, mu-law).
_BAND = (300.0, 3400.0)
_MU = 255.0
# Short names that references give the two people.
_ROLES = {"t": Role.THERAPIST.value, "p": Role.PATIENT.value}


class Line(BaseModel):
    """One true turn: who, from when to when in seconds, and the words."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    who: str = Field(validation_alias=AliasChoices("role", "speaker"), min_length=1)
    start: float = 0.0
    end: float = 0.0
    text: str


@dataclass(frozen=True)
class Session:
    """Samples at 16 kHz, float of shape [1 or 2, samples], and what is truly said in them."""

    channels: NDArray[np.float32]
    lines: tuple[Line, ...]

    @property
    def seconds(self) -> float:
        return int(self.channels.shape[1]) / RATE

    @property
    def mono(self) -> NDArray[np.float32]:
        """The channels mixed to one."""
        mixed: NDArray[np.float32] = self.channels.mean(axis=0)
        return mixed

    @property
    def said(self) -> list[tuple[str, str]]:
        """(who, text) of each true turn."""
        return [(line.who, line.text) for line in self.lines]

    @property
    def spans(self) -> list[tuple[float, float, str]]:
        """(start, end, who) of each true turn."""
        return [(line.start, line.end, line.who) for line in self.lines]

    def word_error_rate(self, recognized: str) -> float:
        """Of the session's words, per cent."""
        return 100 * word_errors(" ".join(line.text for line in self.lines), recognized).rate


def read_lines(path: Path) -> tuple[Line, ...]:
    """The true turns in a JSON list of objects with `text`, `role` or `speaker`, `start`, `end`.

    Raises `FileMissing` or `NotJson`, which names the file and never its words.
    """
    if not path.is_file():
        raise FileMissing(f"there is no file {path}")
    try:
        lines = TypeAdapter(tuple[Line, ...]).validate_json(decode_utf8(path.read_bytes()))
    except ValidationError:
        raise NotJson(f"{path.name} is no list of turns with a speaker and a text") from None
    return tuple(line.model_copy(update={"who": _ROLES.get(line.who, line.who)}) for line in lines)


def read_reference(path: Path) -> list[tuple[str, str]]:
    """(role, text) of each turn of a reference; raises as `read_lines` does."""
    return [(line.who, line.text) for line in read_lines(path)]


def read_rttm(path: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Who speaks when, by recording, in a file of the Rich Transcription format (NIST RT-09).

    Raises `FileMissing`, and `NotJson` with the number of a line that is none of that format.
    """
    if not path.is_file():
        raise FileMissing(f"there is no file {path}")
    found: dict[str, list[tuple[float, float, str]]] = {}
    for number, line in enumerate(decode_utf8(path.read_bytes()).splitlines(), 1):
        try:
            for start, end, who in rttm([line]):
                recording = line.split()[1]
                found.setdefault(recording, []).append((start, end, _ROLES.get(who, who)))
        except ValueError:
            raise NotJson(f"{path.name}, line {number}: no speaker, start and duration") from None
    return found


def read_session(audio: Path, reference: Path) -> Session:
    """A recording with its true turns; raises as `read_lines` and `decode` do."""
    lines = read_lines(reference)
    channels = decode(audio, max_seconds=4 * 3600, max_bytes=1 << 30).channels
    samples: NDArray[np.float32] = channels.astype(np.float32)
    samples /= 32_768
    return Session(samples, lines)


def write_wav(channels: NDArray[np.float32], path: Path) -> Path:
    """Writes floats in [-1, 1], of shape [samples] or [channels, samples], as 16 bits at 16 kHz."""
    samples = np.atleast_2d(channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(samples))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1).T * 32_767).astype("<i2").tobytes())
    return path


# Other conditions ---------------------------------------------------------------------------


def repeated(session: Session, seconds: float) -> Session:
    """The session again and again, as often as it fits into that time, and once at least."""
    times = max(1, int(seconds / session.seconds))
    lines = tuple(_moved(line, n * session.seconds) for n in range(times) for line in session.lines)
    return Session(np.tile(session.channels, times), lines)


def apart(session: Session, seconds: float) -> Session:
    """The session with at least that much silence between two turns."""
    return _laid(session, lambda clock, _, before: clock + max(before, seconds))


def overlapped(session: Session, seconds: float = 0.7, every: int = 4) -> Session:
    """The session with each so-manieth turn beginning that long before the turn before it ends."""

    def begins(clock: float, line: int, before: float) -> float:
        return clock - seconds if line % every == 0 and line else clock + before

    return _laid(session, begins)


def two_channels(session: Session) -> Session:
    """A microphone for each of the two people, each hearing a little of the other one."""
    return replace(session, channels=_microphones(session))


def telephone(session: Session) -> Session:
    """One channel as a telephone line lets it through: 300 to 3,400 Hz, companded to 8 bits."""
    spectrum = np.fft.rfft(session.mono)
    hertz = np.fft.rfftfreq(session.channels.shape[1], 1 / RATE)
    spectrum[(hertz < _BAND[0]) | (hertz > _BAND[1])] = 0
    narrow = np.clip(np.fft.irfft(spectrum, session.channels.shape[1]), -1, 1)
    pressed = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    steps = np.round(pressed * 127) / 127
    line = np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(_MU)) / _MU
    return replace(session, channels=line.astype(np.float32)[np.newaxis])


def quieter(session: Session, decibels: float = 24.0) -> Session:
    """The session that much softer, in the same quiet room."""
    return _in_noise(session, 10 ** (-decibels / 20), _ROOM)


def noisy(session: Session, decibels: float = 15.0) -> Session:
    """White noise so far below the level of the speech."""
    level = float(np.sqrt(np.mean(np.square(session.mono))))
    return _in_noise(session, 1.0, level * 10 ** (-decibels / 20))


def _in_noise(session: Session, gain: float, level: float) -> Session:
    noise = np.random.default_rng(0).standard_normal(session.channels.shape) * level
    return replace(session, channels=(session.channels * gain + noise).astype(np.float32))


def _moved(line: Line, by: float) -> Line:
    return line.model_copy(
        update={"start": round(line.start + by, 3), "end": round(line.end + by, 3)}
    )


def _laid(session: Session, begins: Callable[[float, int, float], float]) -> Session:
    """The turns laid out anew, each where `begins(end of the last, number, old pause)` says."""
    sound = session.mono
    placed: list[tuple[int, NDArray[np.float32]]] = []
    lines: list[Line] = []
    for number, line in enumerate(session.lines):
        old_pause = line.start - (session.lines[number - 1].end if number else 0.0)
        start = max(_MARGIN, begins(lines[-1].end if lines else 0.0, number, old_pause))
        lines.append(_moved(line, start - line.start))
        first, last = _samples(line, len(sound))
        placed.append((max(0, int((start - line.start) * RATE) + first), sound[first:last]))
    length = max(at + len(piece) for at, piece in placed) + RATE // 2
    mixed = np.random.default_rng(0).standard_normal(length).astype(np.float32) * _ROOM
    for at, piece in placed:
        mixed[at : at + len(piece)] += piece
    return Session(mixed[np.newaxis], tuple(lines))


def _microphones(session: Session) -> NDArray[np.float32]:
    sound = session.mono
    people = tuple(dict.fromkeys(line.who for line in session.lines))
    alone = np.zeros((len(people), len(sound)), np.float32)
    for line in session.lines:
        first, last = _samples(line, len(sound))
        alone[people.index(line.who), first:last] = sound[first:last]
    left, right = alone[0], alone[1:].sum(axis=0)
    heard = np.stack([left + _CROSS_TALK * right, right + _CROSS_TALK * left])
    noise = np.random.default_rng(0).standard_normal(heard.shape) * _ROOM
    return (heard + noise).astype(np.float32)


def _samples(line: Line, length: int) -> tuple[int, int]:
    return max(0, int((line.start - _MARGIN) * RATE)), min(length, int((line.end + _MARGIN) * RATE))
