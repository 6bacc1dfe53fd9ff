"""Decides which voice said each word, by its print or by its channel, and where turns begin."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from countersign.transcript import Doubt, Turn, Word
from inference.activity import Stretch
from inference.audio import RATE, Audio
from inference.voices import Encoder, Prints, group

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPEAKER_UNSURE = "speaker_uncertain"
OVERLAP = "overlapping_speech"

# How far a voice print speaks for the words around its middle, seconds.
_REACH = 0.8
# The cosine between a print and a voice, made commensurate with the costs below.
_SHARPNESS = 12.0
# What a change of speaker costs: hardly anything after a sentence or a pause, much within one.
_COST_AFTER_SENTENCE = 0.3
_COST_AFTER_PAUSE = 0.8
_COST_WITHIN = 6.0
_PAUSE = 0.12
# After this much silence the same speaker begins a new turn.
_LONG_PAUSE = 3.0
# Two voices that are nearly as near to a turn's words as each other, in the cosine.
_NEARLY_EQUAL = 0.04
# On a stereo recording with a microphone each, the speaker's own is louder by at least this.
_LOUDER_DECIBELS = 6.0
# Both channels must lead in this share of the speech to be taken for two people's.
_LEADING_SHARE = 0.05
_FRAME = RATE // 50


# Where the sound falls off for this long a phrase ends: closures of "p" and "t" are shorter.
_PHRASE_PAUSE = 0.15
# Sound is what stands out of the room's noise by this, but no more than this below the voice.
_ABOVE_NOISE_DECIBELS = 8.0
_BELOW_VOICE_DECIBELS = 32.0
_LEAST_BELOW_DECIBELS = 12.0
# The room's noise is what is hardly ever undercut within this many seconds around.
_ROOM_SECONDS = 30
_QUIETEST_PERCENT = 3
_LOUDEST_PERCENT = 90
# Sound that goes on past the detector's edge belongs to it, for this long.
_GROW = 0.4
_STEP = RATE // 100
# A word's own time may be off by this much where a phrase begins or ends.
_IMPRECISE = 0.6
_SENTENCE_LEAN = 0.15
# A voice is told apart about every half second before words are known.
_SLICE = 0.4
# Around a change of speaker without a pause, this much is shown as spoken by two, seconds.
_AROUND_CHANGE = 0.5
# A print whose voice leads by less than this share of the usual lies between two voices. It has to
# be of this much sound, and speaks for this much of it to either side of its middle.
_BETWEEN = 0.45
_LONG_PRINT = 1.2
_AROUND_PRINT = 0.4
# Two microphones hear two people where neither leads by half of what one usually does, this long.
_LEADS_LESS = 0.5
_BOTH_SECONDS = 0.3


@dataclass(frozen=True)
class Attribution:
    """For each word the label of its voice, and by how much that voice leads (a cosine)."""

    labels: tuple[int, ...]
    leads: tuple[float, ...]


@dataclass(frozen=True)
class Heard:
    """Whose voices there are in a recording, known before any word is.

    `louder` is None on one channel; `prints` and `centres` are empty where the channels tell the
    speakers apart, or there is only one.
    """

    phrases: tuple[Stretch, ...]
    louder: NDArray[np.float32] | None
    prints: Prints
    centres: NDArray[np.float32]

    def scores(self, words: Sequence[Word]) -> NDArray[np.float64]:
        """How near each word is to each voice, [words, voices]."""
        if self.louder is not None:
            return by_channel(words, self.louder)
        return by_print(words, self.phrases, self.prints, self.centres)

    def segments(self) -> tuple[tuple[Stretch, int], ...]:
        """The speech, each part of one voice, with its label."""
        return segments_by_voice(self.phrases, self.scores)

    def attribute(self, words: Sequence[Word]) -> tuple[tuple[Word, ...], Attribution]:
        """The words with the times of the sound, and whose they are."""
        placed = snapped(words, self.phrases)
        return placed, attribute(placed, self.scores(placed))

    def overlapping(self, words: Sequence[Word], voice: Attribution) -> list[Doubt]:
        """Where two may have spoken at once; `words` and `voice` as `attribute` gives them."""
        if self.louder is not None:
            return at_once(self.louder, self.phrases)
        return overlapping(words, voice, self.phrases, self.prints, self.centres)


def hear(
    recording: Audio,
    speech: Sequence[Stretch],
    encoder: Encoder,
    speakers: int | None = None,
    channels: Literal["auto", "split", "mix"] = "auto",
) -> Heard:
    """Listens to the voices within `speech`: by channel if two people have a microphone each.

    `speakers` is how many there are, None to find out; `channels` as in `Pipeline.transcribe`.
    """
    samples = recording.mono()
    found = phrases(samples, speech)
    lead = louder(recording)
    split = channels == "split" or (
        channels == "auto" and speakers in (None, 2) and lead is not None and are_two(lead, found)
    )
    prints = encoder.prints(samples, () if speakers == 1 or (split and lead is not None) else found)
    return Heard(
        found,
        lead if split else None,
        prints,
        group(prints.vectors, speakers, prints.seconds),
    )


def by_print(
    words: Sequence[Word], speech: Sequence[Stretch], prints: Prints, centres: NDArray[np.float32]
) -> NDArray[np.float64]:
    """How near each word is to each voice, [words, voices], by the prints around it.

    A word is compared within its own stretch of speech only: a pause is where speakers change.
    Where a stretch is too short for a print, all voices are as near.
    """
    scores = np.zeros((len(words), max(1, len(centres))))
    if not len(prints.vectors) or len(centres) < 2:
        return scores
    resemblance = prints.vectors @ centres.T
    starts = np.array([stretch.start for stretch in speech])
    ends = np.array([stretch.end for stretch in speech])
    for index, word in enumerate(words):
        overlap = np.minimum(ends, word.end) - np.maximum(starts, word.start)
        own = prints.stretches == int(overlap.argmax())
        middle = (word.start + word.end) / 2
        weights = np.maximum(1e-3, 1 - np.abs(prints.middles[own] - middle) / _REACH)
        if len(weights):
            scores[index] = weights @ resemblance[own] / weights.sum()
    return scores


def phrases(samples: NDArray[np.float32], speech: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """`speech` cut at its short pauses, each part from its first sound to its last, to 10 ms.

    The detector of speech bridges pauses and is a tenth of a second late; who speaks changes in
    pauses, and a print is of one voice only when it lies between two of them.
    """
    count = len(samples) // _STEP
    frames = samples[: count * _STEP].reshape(count, _STEP)
    level = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-10)
    level = np.convolve(level, np.ones(3) / 3, "same") if count >= 3 else level
    floors = [
        np.percentile(level[max(0, first - 1500) : first + 1500], _QUIETEST_PERCENT)
        for first in range(0, count, 100 * _ROOM_SECONDS)
    ]
    found: list[Stretch] = []
    for index, stretch in enumerate(speech):
        before = found[-1].end if found else 0.0
        after = speech[index + 1].start if index + 1 < len(speech) else count / 100
        first, last = int(stretch.start * 100), min(count, math.ceil(stretch.end * 100))
        if last <= first:
            continue
        voice = np.percentile(level[first:last], _LOUDEST_PERCENT)
        floor = floors[min(len(floors) - 1, first // (100 * _ROOM_SECONDS))]
        least = min(
            max(floor + _ABOVE_NOISE_DECIBELS, voice - _BELOW_VOICE_DECIBELS),
            voice - _LEAST_BELOW_DECIBELS,
        )
        earliest = max(math.ceil(before * 100), first - round(_GROW * 100), 0)
        latest = min(int(after * 100), last + round(_GROW * 100), count)
        while first > earliest and level[first - 1] > least:
            first -= 1
        while last < latest and level[last] > least:
            last += 1
        loud = first + np.flatnonzero(level[first:last] > least)
        cuts = np.flatnonzero(np.diff(loud) > round(_PHRASE_PAUSE * 100))
        starts, ends = [loud[0], *loud[cuts + 1]], [*loud[cuts], loud[-1]]
        found += [
            Stretch(float(start) / 100, float(end + 1) / 100)
            for start, end in zip(starts, ends, strict=True)
            if end - start >= 4
        ]
    return tuple(found)


def louder(recording: Audio) -> NDArray[np.float32] | None:
    """By how many decibels the first channel leads, every 20 ms; None for a mono recording."""
    if len(recording.channels) != 2:
        return None
    levels = []
    for number in (0, 1):
        samples = recording.channel(number)
        frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
        levels.append(10 * np.log10(np.square(frames).mean(axis=1) + 1e-9))
    difference: NDArray[np.float32] = levels[0] - levels[1]
    return difference


def are_two(louder: NDArray[np.float32], speech: Sequence[Stretch]) -> bool:
    """Whether each channel leads for a part of the speech, as two microphones make it."""
    spoken = np.concatenate(
        [np.zeros(0), *(_frames(louder, part.start, part.end) for part in speech)]
    )
    if not len(spoken):
        return False
    shares = (np.mean(spoken > _LOUDER_DECIBELS), np.mean(spoken < -_LOUDER_DECIBELS))
    return bool(min(shares) > _LEADING_SHARE)


def by_channel(words: Sequence[Word], louder: NDArray[np.float32]) -> NDArray[np.float64]:
    """How near each word is to each channel, [words, 2], on the scale of a cosine."""
    scores = np.zeros((len(words), 2))
    for index, word in enumerate(words):
        frames = _frames(louder, word.start, word.end)
        if len(frames):
            lead = float(np.clip(frames / _LOUDER_DECIBELS, -1, 1).mean())
            scores[index] = (max(0.0, lead), max(0.0, -lead))
    return scores


def _frames(values: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    return values[int(start * RATE / _FRAME) : max(int(end * RATE / _FRAME), 1)]


def snapped(words: Sequence[Word], phrases: Sequence[Stretch]) -> tuple[Word, ...]:
    """The words, where a phrase begins or ends, with its times instead of their own.

    A recognizer's word times are off by up to 0.3 s next to a pause. Each word keeps its place in
    the order, and lies in one phrase; a word far from any phrase keeps its times.
    """
    if not phrases:
        return tuple(words)
    starts = np.array([phrase.start for phrase in phrases])
    ends = np.array([phrase.end for phrase in phrases])
    owners = []
    least = 0
    for index, word in enumerate(words):
        overlap = np.minimum(ends, word.end) - np.maximum(starts, word.start)
        if index and _ends_sentence(words[index - 1]):
            # The first word of a sentence starts too early rather than too late.
            overlap = np.where(starts > word.start, overlap + _SENTENCE_LEAN, overlap)
        least = max(least, least + int(overlap[least:].argmax()))
        owners.append(least if overlap[least] > -_IMPRECISE else -1)
    moved = []
    clock = 0.0
    for index, (word, owner) in enumerate(zip(words, owners, strict=True)):
        start, end = word.start, word.end
        if owner >= 0:
            phrase = phrases[owner]
            first = index == 0 or owners[index - 1] != owner
            last = index + 1 == len(words) or owners[index + 1] != owner
            start, end = max(start, phrase.start), min(end, phrase.end)
            if first and start - phrase.start <= _IMPRECISE:
                start = phrase.start
            if last and phrase.end - end <= _IMPRECISE:
                end = phrase.end
            start, end = min(start, phrase.end), max(end, phrase.start)
        start = max(start, clock)
        clock = max(start, end)
        moved.append(word.model_copy(update={"start": start, "end": clock}))
    return tuple(moved)


def _ends_sentence(word: Word) -> bool:
    return word.text.rstrip().endswith((".", "?", "!", "…"))


def attribute(words: Sequence[Word], scores: NDArray[np.float64]) -> Attribution:
    """The likeliest voice of each word when a change within a sentence is unlikely (Viterbi)."""
    count, many = scores.shape
    cost = _SHARPNESS * (scores.max(axis=1, keepdims=True) - scores)
    best = cost[0].copy()
    back = np.zeros((count, many), dtype=np.intp)
    for index in range(1, count):
        change = _change_cost(words[index - 1], words[index])
        cheapest = int(best.argmin())
        moved = best[cheapest] + change < best
        back[index] = np.where(moved, cheapest, np.arange(many))
        best = np.where(moved, best[cheapest] + change, best) + cost[index]
    labels = [int(best.argmin())]
    for index in range(count - 1, 0, -1):
        labels.append(int(back[index, labels[-1]]))
    labels.reverse()
    leads = []
    for row, label in zip(scores, labels, strict=True):
        others = np.delete(row, label)
        leads.append(float(row[label] - others.max()) if len(others) else 1.0)
    return Attribution(tuple(labels), tuple(leads))


def _change_cost(before: Word, after: Word) -> float:
    if _ends_sentence(before):
        return _COST_AFTER_SENTENCE
    return _COST_AFTER_PAUSE if after.start - before.end >= _PAUSE else _COST_WITHIN


def turns(words: Sequence[Word], speakers: Sequence[str]) -> list[Turn]:
    """Consecutive words of one speaker, as turns `t1`, `t2`, … that do not overlap."""
    runs: list[tuple[str, list[Word]]] = []
    for word, speaker in zip(words, speakers, strict=True):
        same = bool(runs) and runs[-1][0] == speaker
        if same and word.start - runs[-1][1][-1].end <= _LONG_PAUSE:
            runs[-1][1].append(word)
        else:
            runs.append((speaker, [word]))
    return [
        Turn(
            id=f"t{number}",
            speaker=speaker,
            start=own[0].start,
            end=own[-1].end,
            text="".join(word.text for word in own).strip(),
            confidence=round(sum(word.probability for word in own) / len(own), 3),
            words=tuple(
                word.model_copy(
                    update={
                        "text": word.text.strip(),
                        "probability": round(word.probability, 3),
                    }
                )
                for word in own
            ),
        )
        for number, (speaker, own) in enumerate(runs, start=1)
    ]


def segments_by_voice(
    phrases: Sequence[Stretch], scores: Callable[[Sequence[Word]], NDArray[np.float64]]
) -> tuple[tuple[Stretch, int], ...]:
    """The phrases with the label of their voice, before any word is known.

    `scores` says how near stretches given as words are to each voice (`by_print` or `by_channel`).
    A phrase is divided where one speaker follows another without a pause, to about half a second.
    """
    slices = []
    for phrase in phrases:
        parts = max(1, round((phrase.end - phrase.start) / _SLICE))
        length = (phrase.end - phrase.start) / parts
        slices += [
            Word(
                start=phrase.start + part * length,
                end=phrase.end if part + 1 == parts else phrase.start + (part + 1) * length,
                text="",
            )
            for part in range(parts)
        ]
    if not slices:
        return ()
    labels = attribute(slices, scores(slices)).labels
    found: list[tuple[Stretch, int]] = []
    for piece, label in zip(slices, labels, strict=True):
        if found and found[-1][1] == label and piece.start - found[-1][0].end < _PHRASE_PAUSE / 2:
            found[-1] = (Stretch(found[-1][0].start, piece.end), label)
        else:
            found.append((Stretch(piece.start, piece.end), label))
    return tuple(found)


def overlapping(
    words: Sequence[Word],
    voice: Attribution,
    phrases: Sequence[Stretch],
    prints: Prints,
    centres: NDArray[np.float32],
) -> list[Doubt]:
    """Where two may have spoken at once on one channel.

    That is where the speaker changes without any pause, and where a print lies between two voices.
    It finds hardly any "yeah" in the middle of another's sentence, and it also marks some who
    answer at once (docs/speech.md has the shares).
    """
    found: list[Stretch] = []
    for index in range(1, len(words)):
        before, after = words[index - 1], words[index]
        if voice.labels[index] == voice.labels[index - 1]:
            continue
        for phrase in phrases:
            if phrase.start < before.end and after.start < phrase.end:
                moment = (before.end + after.start) / 2
                found.append(_around(moment, _AROUND_CHANGE, phrase))
                break
    if len(centres) > 1 and len(prints.vectors):
        ranked = np.sort(prints.vectors @ centres.T, axis=1)
        leads = ranked[:, -1] - ranked[:, -2]
        between = (leads < _BETWEEN * np.median(leads)) & (prints.seconds >= _LONG_PRINT)
        found += [
            _around(float(prints.middles[n]), _AROUND_PRINT, phrases[int(prints.stretches[n])])
            for n in np.flatnonzero(between)
        ]
    return _as_doubts(found)


def _around(moment: float, reach: float, within: Stretch) -> Stretch:
    return Stretch(max(within.start, moment - reach), min(within.end, moment + reach))


def _as_doubts(found: Sequence[Stretch]) -> list[Doubt]:
    """One doubt for stretches that touch."""
    joined: list[Stretch] = []
    for part in sorted(found, key=lambda part: part.start):
        if joined and part.start <= joined[-1].end:
            joined[-1] = Stretch(joined[-1].start, max(joined[-1].end, part.end))
        else:
            joined.append(part)
    return [
        Doubt(code=OVERLAP, start=round(part.start, 2), end=round(part.end, 2)) for part in joined
    ]


def at_once(louder: NDArray[np.float32], phrases: Sequence[Stretch]) -> list[Doubt]:
    """Where both people speak on a recording with a microphone each: neither channel leads."""
    spoken = [_frames(louder, part.start, part.end) for part in phrases]
    leads = np.abs(np.concatenate([*spoken, np.zeros(0, np.float32)]))
    if not len(leads):
        return []
    least = float(np.median(leads)) * _LEADS_LESS
    width = round(_BOTH_SECONDS * RATE / _FRAME)
    found: list[Stretch] = []
    for phrase, frames in zip(phrases, spoken, strict=True):
        if len(frames) < width:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(np.abs(frames), width)
        both = np.flatnonzero(np.median(windows, axis=1) < least)
        for run in np.split(both, np.flatnonzero(np.diff(both) > width) + 1):
            if len(run):
                start = phrase.start + run[0] * _FRAME / RATE
                end = min(phrase.end, phrase.start + (run[-1] + width) * _FRAME / RATE)
                found.append(Stretch(start, end))
    return _as_doubts(found)


def uncertain(words: Sequence[Word], voice: Attribution) -> list[Doubt]:
    """Runs of words of one speaker whose voice hardly differs from another's."""
    doubts: list[Doubt] = []
    first = 0
    for index in range(1, len(words) + 1):
        if index < len(words) and voice.labels[index] == voice.labels[first]:
            continue
        lead = float(np.mean(voice.leads[first:index]))
        if lead < _NEARLY_EQUAL:
            doubts.append(
                Doubt(code=SPEAKER_UNSURE, start=words[first].start, end=words[index - 1].end)
            )
        first = index
    return doubts
