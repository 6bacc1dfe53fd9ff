"""Decides how well the speech room does on recordings that it was not built on, and on silence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from countersign.errors import FileMissing
from countersign.transcript import Role
from inference.audio import RATE
from inference.settings import Settings, SpeechPolicy
from local import recordings
from local.arrival import in_segments
from local.noises import clips
from local.recognizers import Ear, Heard, How, Recognizer, device
from local.recordings import (
    Line,
    Session,
    read_lines,
    read_rttm,
    read_session,
    write_wav,
)
from local.scores import (
    Row,
    SpeakerErrors,
    Spoke,
    diarization_error,
    rightly_attributed,
    speaker_errors,
    speaker_word_error_rate,
    spoken,
    word_errors,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE = Path(__file__).resolve().parent / "sample"
_SOUNDS = frozenset({".wav", ".flac", ".mp3", ".m4a", ".webm", ".ogg"})
# The conditions that the sample session is put into.
_CONDITIONS: dict[str, Callable[[Session], Session]] = {
    "two channels": recordings.two_channels,
    "overlapping": recordings.overlapped,
    "telephone": recordings.telephone,
    "24 dB softer": recordings.quieter,
    "15 dB above white noise": recordings.noisy,
    "6 s between turns": lambda session: recordings.apart(session, 6.0),
}


@dataclass
class _Roles:
    """In how many sessions each person was given the right role."""

    right: int = 0
    sessions: int = 0

    def add(self, right: bool) -> None:
        self.right += right
        self.sessions += 1

    def row(self, name: str) -> Iterator[Row]:
        if self.sessions:
            yield Row(f"{name} ({self.sessions})", 100 * self.right / self.sessions, "%")


@dataclass
class Listening:
    """One warm process of ours and one of plain transcription, for every recording in turn."""

    ours: Ear
    plain: Ear
    terms: Sequence[str]
    scratch: Path
    by_content: _Roles = field(default_factory=_Roles)
    enrolled: _Roles = field(default_factory=_Roles)

    def session(
        self,
        name: str,
        audio: Path,
        lines: Sequence[Line],
        tight: Spoke = (),
        enrolment: Path | None = None,
    ) -> tuple[list[Row], Heard]:
        """Every row on a recording whose words are known, and what we heard in it."""
        text = " ".join(line.text for line in lines)
        said = [(line.who, line.text) for line in lines]
        spans = [(line.start, line.end, line.who) for line in lines]
        ours, plain = self.ours.hear(audio), self.plain.hear(audio)
        beside = Recognizer.PLAIN.value
        rows = [
            Row(f"{name}: time", ours.seconds, "s", plain.seconds, beside, True),
            Row(
                f"{name}: word error rate",
                100 * word_errors(text, ours.text).rate,
                "%",
                100 * word_errors(text, plain.text).rate,
                beside,
                True,
            ),
            _error(
                f"{name}: word error rate by speaker (cpWER)",
                speaker_word_error_rate(said, ours.voices),
            ),
        ]
        told = term_recall(self.terms, text, ours.text)
        if told is not None:
            theirs = term_recall(self.terms, text, plain.text) or 0.0
            rows.append(Row(f"{name}: recall of terms", 100 * told, "%", 100 * theirs, beside))
        if any(end > start for start, end, _ in spans):
            rows.append(_error(f"{name}: diarization, turns", diarization_error(spans, ours.turns)))
        if tight:
            rows.append(_error(f"{name}: diarization, speech", diarization_error(tight, ours.runs)))
        rows.append(
            Row(
                f"{name}: words under the right role",
                100 * rightly_attributed(said, ours.roles),
                "%",
            )
        )
        self.by_content.add(roles_right(spans, ours.roles_in_time))
        if enrolment is not None:
            known = self.ours.hear(audio, How(enrol=enrolment))
            rows.append(
                Row(
                    f"{name}, enrolled: words under the right role",
                    100 * rightly_attributed(said, known.roles),
                    "%",
                )
            )
            self.enrolled.add(roles_right(spans, known.roles_in_time))
        return rows, ours

    def folder(self, name: str, folder: Path) -> list[Row]:
        """The rows on a session's folder; `FileMissing` when there is no recording in it."""
        lines = read_lines(folder / "ref.json")
        tight = next(
            (
                [span for spans in read_rttm(file).values() for span in spans]
                for file in (folder / "ref_tight.rttm", folder / "ref.rttm")
                if file.is_file()
            ),
            [],
        )
        enrolment = folder / "enrol_therapist.flac"
        rows: list[Row] = []
        for kind in ("mono", "stereo"):
            audio = folder / f"{kind}.flac"
            if audio.is_file():
                title = f"{name}, {folder.name}, {kind}"
                known = enrolment if enrolment.is_file() else None
                rows += self.session(title, audio, lines, tight, known)[0]
        if not rows:
            raise FileMissing(f"there is neither mono.flac nor stereo.flac in {folder}")
        return rows

    def sample(self, name: str) -> Iterator[Row]:
        """The rows on the sample session as it is, in segments, and elsewhere."""
        session = read_session(SAMPLE / "session.flac", SAMPLE / "reference.json")
        rows, whole = self.session(f"{name}, sample", SAMPLE / "session.flac", session.lines)
        yield from rows
        yield from in_segments(f"{name}, sample", session, whole, self.ours)
        for condition, changed in _CONDITIONS.items():
            made = changed(session)
            audio = write_wav(made.channels, self.scratch / "session.wav")
            yield from self.session(f"{name}, sample, {condition}", audio, made.lines)[0]

    def meetings(self, name: str, folder: Path) -> list[Row]:
        """The diarization error over recordings of which only the voices are known."""
        errors: list[SpeakerErrors] = []
        for file in sorted(folder.glob("*.rttm")):
            for recording, spans in sorted(read_rttm(file).items()):
                audio = folder / f"{recording}.wav"
                if audio.is_file():
                    errors.append(speaker_errors(spans, self.ours.hear(audio).turns))
        whole = sum(one.spoken for one in errors)
        if not whole:
            return []
        wrong = sum(one.missed + one.invented + one.confused for one in errors)
        return [_error(f"{name}, {folder.name} ({len(errors)} clips): diarization", wrong / whole)]

    def single(self, name: str, audio: Path) -> Row:
        """That a recording without a reference is heard at all: how many words."""
        ours, plain = self.ours.hear(audio), self.plain.hear(audio)
        words, theirs = len(spoken(ours.text)), len(spoken(plain.text))
        beside = Recognizer.PLAIN.value
        return Row(f"{name}, {audio.name}: words", words, "words", theirs, beside, None)

    def phantoms(self, name: str) -> Row:
        """Words written down while nobody speaks."""
        minutes = ours = plain = 0.0
        for samples in clips().values():
            floats: NDArray[np.float32] = samples.astype(np.float32)
            floats /= 32_768
            audio = write_wav(floats, self.scratch / "noise.wav")
            minutes += len(samples) / RATE / 60
            ours += len(self.ours.hear(audio).text.split())
            plain += len(self.plain.hear(audio).text.split())
        title = f"{name}, {minutes:.1f} minutes of noises: phantom words in ten minutes"
        beside = Recognizer.PLAIN.value
        return Row(title, 10 * ours / minutes, "words", 10 * plain / minutes, beside, True)


def speech(folder: Path, model: str) -> Iterator[Row]:
    """Every row on the recordings below a folder, on the sample session and on noises.

    Raises `FileMissing` when there is no such folder or nothing in it, `NotJson` for a reference
    that is none, `ModelMissing`, and whatever the pipeline refuses.
    """
    places = [folder, *sorted(place for place in folder.rglob("*") if place.is_dir())]
    if not folder.is_dir() or not any(is_session(each) or sounds(each) for each in places):
        raise FileMissing(f"there is no recording in {folder}")
    name = f"speech ({model}, {device()})"
    policy = SpeechPolicy.read(Settings().policy)
    with (
        tempfile.TemporaryDirectory() as scratch,
        Ear(Recognizer.OURS, model) as ours,
        Ear(Recognizer.PLAIN, model) as plain,
    ):
        listening = Listening(ours, plain, policy.vocabulary.terms, Path(scratch))
        for place in places:
            if is_session(place):
                yield from listening.folder(name, place)
            elif next(place.glob("*.rttm"), None) is not None:
                yield from listening.meetings(name, place)
            else:
                yield from (listening.single(name, audio) for audio in sounds(place))
        yield from listening.sample(name)
        yield listening.phantoms(name)
        yield from listening.by_content.row(f"{name}: sessions with every role right, by content")
        yield from listening.enrolled.row(f"{name}: sessions with every role right, enrolled")


def is_session(folder: Path) -> bool:
    """Whether a folder holds one session with its true turns."""
    return (folder / "ref.json").is_file()


def sounds(folder: Path) -> list[Path]:
    """The recordings that lie in a folder itself."""
    return sorted(file for file in folder.iterdir() if file.suffix in _SOUNDS and file.is_file())


def term_recall(terms: Sequence[str], reference: str, recognized: str) -> float | None:
    """The share of the mentions of these terms that were recognized; None when none is said."""
    true, heard = spoken(reference), spoken(recognized)
    said = found = 0
    for term in terms:
        words = spoken(term)
        mentions = _mentions(words, true)
        said += mentions
        found += min(mentions, _mentions(words, heard))
    return found / said if said else None


def roles_right(reference: Spoke, found: Spoke) -> bool:
    """Whether therapist and patient each speak mostly in turns of their own role."""
    for role in (Role.THERAPIST.value, Role.PATIENT.value):
        own = [span for span in reference if span[2] == role]
        shared: dict[str, float] = {}
        for start, end, _ in own:
            for begins, ends, given in found:
                overlap = min(end, ends) - max(start, begins)
                if overlap > 0:
                    shared[given] = shared.get(given, 0.0) + overlap
        if own and (not shared or max(shared, key=lambda name: shared[name]) != role):
            return False
    return True


def _mentions(words: Sequence[str], text: Sequence[str]) -> int:
    size = len(words)
    return sum(list(text[n : n + size]) == list(words) for n in range(len(text) - size + 1))


def _error(name: str, share: float) -> Row:
    return Row(name, 100 * share, "%", lower_is_better=True)
