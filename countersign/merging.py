"""Decides what a session's segments say together: no word lost or doubled, and who is who in all.

Neighbouring segments overlap by a second or two, and both heard what was said there. The words of
one are kept up to a cut, those of the other from it on. The outcome depends on the segments alone,
not on the order in which they came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise, permutations

from countersign import roles as role_rules
from countersign import voiceprint
from countersign.errors import NoSpeech
from countersign.roles import Roles
from countersign.sounds import Sounds
from countersign.transcript import Doubt, Role, Speaker, Transcript, Turn, Word

MISSING = "missing_audio"
SPEAKER_UNSURE = "speaker_uncertain"
ROLE_UNSURE = "role_uncertain"

# The same word in both segments lies nearer to itself than this, seconds. Whisper's word times
# wander by 0.3 s at the edge of a recording.
_SAME_MOMENT = 0.9
# A word so far from the edges of both recordings, seconds, is heard in both; one that is not, costs
# an alignment this much, when a word in both is worth one to two.
_EDGE = 0.4
_MISSED = 0.6
# A pause of this much more is worth a cut this much farther from the middle, seconds.
_PAUSE_WORTH = 0.5
# A word beside the cut that only one of the two heard is worth as much.
_ALONE = 0.5
# What a cut through a word costs, per second of the smaller part.
_THROUGH_WORD = 8.0
# A speaker who goes on after this much silence begins a new turn, seconds.
_LONG_PAUSE = 3.0
# Two groups of one segment are one person's when they resemble one another more than this: asked
# for two voices where only one spoke, the endpoint divides that one.
_NEARLY_SAME = 0.86
# A voice of one segment is a voice of another when they resemble one another more than this.
_SAME_VOICE = 0.72
# A print of less speech than this is too rough to found a voice of its own, seconds.
_LEAST_SPEECH = 1.5
# More than this many voices in a segment are matched one by one, nearest first.
_MOST_AT_ONCE = 5


@dataclass(frozen=True)
class Segment:
    """One piece of a recording: where it lies in the session, in seconds, and what was heard.

    `transcript` is None when nothing can be known of it: it never came or was not transcribed.
    `silent` says that it was listened to and nobody spoke. `starts_at` is None when even that is
    unknown: it then starts where the one before it ends.
    """

    index: int
    starts_at: float | None
    duration: float = 0.0
    transcript: Transcript | None = None
    silent: bool = False


@dataclass(frozen=True)
class _Said:
    """A word in the session's time, its voice, and the turn and the characters it came from."""

    word: Word
    voice: str
    turn: Turn
    first: int
    last: int
    timed: bool
    # How many words of the turn it stands for, and what stands in their place, if something does.
    count: int = 1
    instead: str | None = None

    @property
    def middle(self) -> float:
        return (self.word.start + self.word.end) / 2

    @property
    def token(self) -> str:
        return re.sub(r"[^\w']+", "", self.word.text.casefold().replace("\u2019", "'"))


@dataclass
class _Heard:
    """One segment on its way into the whole; `start` and `end` bound what is kept of it."""

    index: int
    start: float
    end: float
    transcript: Transcript
    said: list[_Said]
    from_: float = 0.0
    to: float = 0.0
    shared: list[tuple[_Said, _Said]] = field(default_factory=list)


def merge(
    segments: Sequence[Segment],
    roles: Roles,
    enrolled: str | None = None,
    *,
    speakers: int | None = None,
    names: Sounds | None = None,
) -> Transcript:
    """The session's one transcript.

    `segments` in any order, repeated ones too; `enrolled` is the clinician's own voice print;
    `speakers` how many voices there are at most, if that is known; `names` what people and places
    of this session are called, looked for by sound in doubtful words. Turns are t1, t2, … and
    speakers S1, S2, … in the order in which they are first heard. What is missing is a doubt with
    its times. No voice print is left in the transcript.

    Raises `NoSpeech` when no segment has a word, and `BadTranscript` for a print that is none.
    """
    placed = _placed(segments)
    heard = [
        _Heard(each.index, start, end, each.transcript, _spoken(each.transcript, start), start, end)
        for each, start, end in placed
        if each.transcript is not None
    ]
    heard = _joined(heard)
    renamed = [doubt for each in heard for doubt in _named(each, names)]
    if not any(each.said for each in heard):
        raise NoSpeech("no segment of the session has a word")
    voices, unsure = _voices(heard, speakers)
    said = [replace(one, voice=voices[one.voice]) for each in heard for one in each.said]
    order = {name: f"S{n}" for n, name in enumerate(dict.fromkeys(s.voice for s in said), start=1)}
    turns = _turns([replace(one, voice=order[one.voice]) for one in said])
    known = _known(heard, {local: order.get(name, "") for local, name in voices.items()})
    people = _people(turns, known, roles, enrolled)
    role = {speaker.id: speaker.role for speaker in people}
    doubts = [
        *_shifted(heard),
        *_gaps(placed),
        *renamed,
        *(
            Doubt(code=SPEAKER_UNSURE, start=words[0].word.start, end=words[-1].word.end)
            for each in heard
            for voice, run in groupby(each.said, key=lambda one: one.voice)
            if voice in unsure and (words := list(run))
        ),
    ]
    if Role.THERAPIST not in role.values():
        doubts.append(Doubt(code=ROLE_UNSURE, start=turns[0].start, end=turns[-1].end))
    return Transcript(
        duration=round(max(end for _, _, end in placed), 3),
        model="+".join(dict.fromkeys(each.transcript.model for each in heard)),
        compute_seconds=round(sum(each.transcript.compute_seconds for each in heard), 3),
        language=heard[0].transcript.language,
        turns=tuple(turn.model_copy(update={"role": role[turn.speaker]}) for turn in turns),
        warnings=_united(doubts),
        speakers=people,
    )


# Where each segment lies ---------------------------------------------------------------------


def _placed(segments: Sequence[Segment]) -> list[tuple[Segment, float, float]]:
    """Each segment once, in order, with its start and end; one with a transcript goes first."""
    best: dict[int, Segment] = {}
    for each in segments:
        known = best.get(each.index)
        if known is None or (known.transcript is None and each.transcript is not None):
            best[each.index] = each
    placed: list[tuple[Segment, float, float]] = []
    clock = 0.0
    for _, each in sorted(best.items()):
        start = clock if each.starts_at is None else each.starts_at
        length = each.duration
        if each.transcript is not None:
            length = max(length, each.transcript.duration, each.transcript.turns[-1].end)
        placed.append((each, start, start + length))
        clock = max(clock, placed[-1][2])
    return sorted(placed, key=lambda one: (one[1], one[0].index))


def _gaps(placed: Sequence[tuple[Segment, float, float]]) -> list[Doubt]:
    """What is missing: from the end of what was heard before it to the start of what comes next."""
    found = []
    for at, (each, start, end) in enumerate(placed):
        if each.transcript is not None or each.silent:
            continue
        before = max((e for s, _, e in placed[:at] if s.transcript or s.silent), default=0.0)
        after = min((b for s, b, _ in placed[at + 1 :] if s.transcript or s.silent), default=None)
        first = max(start, before)
        last = end if after is None else after if each.duration == 0 else min(end, after)
        found.append(Doubt(code=MISSING, start=round(first, 2), end=round(max(first, last), 2)))
    return found


def _spoken(transcript: Transcript, start: float) -> list[_Said]:
    """The words in the session's time. A turn without words has them spread over its length."""
    found = []
    for turn in transcript.turns:
        words = turn.words or _spread(turn)
        at = 0
        for word in words:
            text = word.text.strip()
            place = turn.text.find(text, at)
            first = at if place < 0 else place
            last = first if place < 0 else place + len(text)
            at = last
            moved = word.model_copy(
                update={"start": round(word.start + start, 3), "end": round(word.end + start, 3)}
            )
            found.append(_Said(moved, turn.speaker, turn, first, last, bool(turn.words)))
    return found


def _spread(turn: Turn) -> tuple[Word, ...]:
    texts = turn.text.split()
    step = (turn.end - turn.start) / max(1, len(texts))
    return tuple(
        Word(
            start=turn.start + step * at,
            end=turn.start + step * (at + 1),
            text=text,
            probability=turn.confidence,
        )
        for at, text in enumerate(texts)
    )


# Seams ---------------------------------------------------------------------------------------


def _joined(heard: list[_Heard]) -> list[_Heard]:
    """The segments without what a neighbour says as well; voices are named by their segment."""
    whole: list[_Heard] = []
    for each in heard:
        each.said = [replace(one, voice=f"{each.index}/{one.voice}") for one in each.said]
        if whole and each.end <= whole[-1].end:
            continue  # It lies within the one before it.
        if whole and each.start < whole[-1].end:
            _cut(whole[-1], each)
        whole.append(each)
    return whole


def _cut(before: _Heard, after: _Heard) -> None:
    """Parts two segments that overlap: the earlier one keeps its words up to the cut."""
    first, last = after.start, before.end
    left = [one for one in before.said if one.word.end > first - _SAME_MOMENT]
    right = [one for one in after.said if one.word.start < last + _SAME_MOMENT]
    both = (first + _EDGE, last - _EDGE)
    # Two recordings of the same words differ by one shift, which tells repeated words apart.
    pairs = _aligned(left, right, _shift(left, right, _aligned(left, right, 0.0, both)), both)
    before.shared = [(left[i], right[j]) for i, j in pairs]
    middle = (first + last) / 2
    if pairs:
        i, j = min(
            pairs,
            key=lambda pair: (
                abs((left[pair[0]].word.end + right[pair[1]].word.end) / 2 - middle)
                - _PAUSE_WORTH * min(1.0, _pause_after(left, right, *pair))
                + _ALONE * _alone(left, right, pair, pairs),
                pair,
            ),
        )
        # The word itself is believed where it lies farther from the edge of the recording.
        earlier = last - left[i].word.end >= right[j].word.start - first
        over, dropped = len(left) - i - earlier, j + earlier
        cut = left[i].word.end if earlier else right[j].word.start
    else:
        cut = _between(left, right, first, last)
        over = sum(one.middle >= cut for one in left)
        dropped = sum(one.middle < cut for one in right)
    if over:
        before.said = before.said[:-over]
    after.said = after.said[dropped:]
    before.to = after.from_ = cut
    if before.said and after.said:
        _keep_apart(before.said[-1], after)


def _keep_apart(last: _Said, after: _Heard) -> None:
    """Two clocks that differ must not make one word begin before the word before it ends."""
    for at, one in enumerate(after.said):
        if one.word.start >= last.word.end:
            return
        start = last.word.end
        word = one.word.model_copy(update={"start": start, "end": max(start, one.word.end)})
        after.said[at] = replace(one, word=word)


def _pause_after(left: Sequence[_Said], right: Sequence[_Said], i: int, j: int) -> float:
    """The silence behind a word, as the segment that goes on heard it; a second at the end."""
    if j + 1 < len(right):
        return max(0.0, right[j + 1].word.start - right[j].word.end)
    if i + 1 < len(left):
        return max(0.0, left[i + 1].word.start - left[i].word.end)
    return 1.0


def _alone(
    left: Sequence[_Said],
    right: Sequence[_Said],
    pair: tuple[int, int],
    pairs: Sequence[tuple[int, int]],
) -> int:
    """How many words beside a cut only the other segment heard: those that it would lose."""
    i, j = pair
    lost = i + 1 < len(left) and i + 1 not in {a for a, _ in pairs}
    return lost + (j > 0 and j - 1 not in {b for _, b in pairs})


def _shift(
    left: Sequence[_Said], right: Sequence[_Said], pairs: Sequence[tuple[int, int]]
) -> float:
    """By how much the later segment's words lie later than the earlier one's; the middle value."""
    apart = sorted(right[j].middle - left[i].middle for i, j in pairs)
    return apart[len(apart) // 2] if apart else 0.0


def _aligned(
    left: Sequence[_Said], right: Sequence[_Said], shift: float, both: tuple[float, float]
) -> list[tuple[int, int]]:
    """The words that both heard, in order: as many as there can be, and the nearest in time.

    Between the times of `both`, neither recording ends: there, a word that only one of them heard
    counts against it. That tells "no, no, no" from itself, when two clocks differ by a "no".
    """
    rows, columns = len(left), len(right)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            best[i][j] = max(
                (
                    score + best[down][along]
                    for score, down, along in _steps(left, right, i, j, shift, both)
                ),
                default=0.0,
            )
    pairs = []
    i = j = 0
    while i < rows or j < columns:
        for score, down, along in _steps(left, right, i, j, shift, both):
            if best[i][j] == score + best[down][along]:
                if down > i and along > j:
                    pairs.append((i, j))
                i, j = down, along
                break
    return pairs


def _steps(
    left: Sequence[_Said],
    right: Sequence[_Said],
    i: int,
    j: int,
    shift: float,
    both: tuple[float, float],
) -> Iterator[tuple[float, int, int]]:
    """What an alignment can do next: its worth, and where it goes on in either list."""

    def missed(one: _Said) -> float:
        inside = both[0] <= one.word.start and one.word.end <= both[1]
        return -_MISSED if inside else 0.0

    if i < len(left) and j < len(right) and (match := _alike(left[i], right[j], shift)):
        yield match, i + 1, j + 1
    if i < len(left):
        yield missed(left[i]), i + 1, j
    if j < len(right):
        yield missed(right[j]), i, j + 1


def _alike(one: _Said, other: _Said, shift: float) -> float:
    """0 for two words; above 1 for the same word, the more the nearer in time."""
    apart = abs(one.middle + shift - other.middle)
    if apart > _SAME_MOMENT or not one.token or one.token != other.token:
        return 0.0
    return 2.0 - apart / _SAME_MOMENT


def _between(left: Sequence[_Said], right: Sequence[_Said], first: float, last: float) -> float:
    """The moment to cut at when no word is in both: between words, near the middle, in a pause."""
    words = [one.word for one in (*left, *right)]
    edges = {first, last, *(w.start for w in words), *(w.end for w in words)}
    inside = sorted(edge for edge in edges if first <= edge <= last)
    middle = (first + last) / 2
    moments = sorted({middle, *inside, *((a + b) / 2 for a, b in pairwise(inside))})

    def cost(moment: float) -> tuple[float, float]:
        through = sum(max(0.0, min(moment - w.start, w.end - moment)) for w in words)
        quiet = min((_distance(moment, w) for w in words), default=1.0)
        return (
            _THROUGH_WORD * through + abs(moment - middle) - 2 * _PAUSE_WORTH * min(0.5, quiet),
            moment,
        )

    return min(moments, key=cost)


def _distance(moment: float, word: Word) -> float:
    return max(0.0, word.start - moment, moment - word.end)


# Voices --------------------------------------------------------------------------------------


@dataclass
class _Voice:
    """One person so far: the prints of each segment with their seconds of speech."""

    prints: list[tuple[str, float]] = field(default_factory=list)
    centre: str = ""

    def add(self, prints: Iterable[tuple[str, float]]) -> None:
        self.prints += prints
        self.centre = voiceprint.mean(sorted(self.prints))


@dataclass(frozen=True)
class _Local:
    """What may be one person in one segment: the names it has there, its print, its seconds."""

    names: tuple[str, ...]
    print: str
    seconds: float


def _voices(heard: Sequence[_Heard], most: int | None) -> tuple[dict[str, str], set[str]]:
    """The person behind each segment's voices, and the voices for which that is a guess.

    Segments with the most speech of each voice come first: they found the persons that the others
    are compared with. Then every segment is matched once more, with all persons known.
    """
    locals_ = {each.index: _locals(each) for each in heard}
    printed = {index: [one for one in found if one.print] for index, found in locals_.items()}
    order = sorted(
        (index for index in printed if printed[index]),
        key=lambda index: (-_evidence(printed[index]), index),
    )
    people: list[_Voice] = []
    for index in order:
        for one, person in _assigned(printed[index], people, most):
            people[person].add([(one.print, one.seconds)])
    if len(people) > 1:
        found = {index: _assigned(printed[index], list(people), len(people)) for index in order}
        settled = [_Voice() for _ in people]
        for index in order:
            for one, person in found[index]:
                settled[person].add([(one.print, one.seconds)])
        people = [new if new.prints else old for new, old in zip(settled, people, strict=True)]
    names: dict[str, str] = {}
    for index in order:
        for one, person in _assigned(printed[index], list(people), len(people)):
            names |= {name: f"person-{person}" for name in one.names}
    return _guessed(heard, locals_, names, len(people), most)


def _evidence(found: Sequence[_Local]) -> float:
    """How much a segment can found: the seconds of the second voice in it, then of the first."""
    seconds = sorted((one.seconds for one in found), reverse=True)
    return (seconds[1] if len(seconds) > 1 else 0.0) + seconds[0] / 1000


def _locals(heard: _Heard) -> list[_Local]:
    """The voices of a segment, those that are nearly the same taken for one."""
    spoken: dict[str, float] = {}
    for turn in heard.transcript.turns:
        spoken[turn.speaker] = spoken.get(turn.speaker, 0.0) + turn.end - turn.start
    known = {speaker.id: speaker for speaker in heard.transcript.speakers}
    found: list[_Local] = []
    for speaker in sorted(spoken, key=lambda name: (-spoken[name], name)):
        print_ = known[speaker].voice if speaker in known else ""
        seconds = (known[speaker].seconds if speaker in known else 0.0) or spoken[speaker]
        name = f"{heard.index}/{speaker}"
        twin = next(
            (
                at
                for at, one in enumerate(found)
                if print_
                and one.print
                and voiceprint.resemblance(one.print, print_) >= _NEARLY_SAME
            ),
            None,
        )
        if twin is None:
            found.append(_Local((name,), print_, max(seconds, 0.001)))
        else:
            one = found[twin]
            both = voiceprint.mean([(one.print, one.seconds), (print_, max(seconds, 0.001))])
            found[twin] = _Local((*one.names, name), both, one.seconds + seconds)
    return found


def _assigned(
    found: Sequence[_Local], people: list[_Voice], most: int | None
) -> list[tuple[_Local, int]]:
    """Who of `people` each voice of one segment is; somebody new is added to them.

    Two voices of a segment are two people, unless there are more of them than there can be.
    """
    if not found:
        return []
    alike = [[voiceprint.resemblance(one.print, who.centre) for who in people] for one in found]
    chosen = _matched(alike)
    taken = set(chosen) - {None}
    # Whoever resembles nobody is new before somebody who resembles a known person a little.
    strangest = sorted(
        range(len(found)),
        key=lambda at: (-1.0 if (who := chosen[at]) is None else alike[at][who], at),
    )
    for at in strangest:
        one, person = found[at], chosen[at]
        if person is not None and (
            alike[at][person] >= _SAME_VOICE or (most is not None and len(people) >= most)
        ):
            continue
        if (most is None or len(people) < most) and (one.seconds >= _LEAST_SPEECH or not people):
            people.append(_Voice(centre=one.print))
            chosen[at] = len(people) - 1
        elif person is None:
            free = [p for p in range(len(alike[at])) if p not in taken] or range(len(alike[at]))
            chosen[at] = max(free, key=lambda p: (alike[at][p], -p), default=0)
    return [(one, person or 0) for one, person in zip(found, chosen, strict=True)]


def _matched(alike: Sequence[Sequence[float]]) -> list[int | None]:
    """The one-to-one choice with the greatest resemblance in all: [voices] → a person or None."""
    many, people = len(alike), len(alike[0]) if alike else 0
    if not people:
        return [None] * many
    if max(many, people) <= _MOST_AT_ONCE:
        slots: list[int | None] = [*range(people), *([None] * max(0, many - people))]
        best = max(
            permutations(range(len(slots)), many),
            key=lambda way: (
                sum(alike[at][slot] for at, slot in enumerate(way) if slot < people),
                [-slot for slot in way],
            ),
        )
        return [slots[slot] for slot in best]
    ranked = sorted(
        (-alike[at][person], at, person) for at in range(many) for person in range(people)
    )
    chosen: list[int | None] = [None] * many
    for _, at, person in ranked:
        if chosen[at] is None and person not in chosen:
            chosen[at] = person
    return chosen


def _guessed(
    heard: Sequence[_Heard],
    locals_: Mapping[int, Sequence[_Local]],
    names: dict[str, str],
    people: int,
    most: int | None,
) -> tuple[dict[str, str], set[str]]:
    """Names for the voices without a print, and which of these names are no more than guesses.

    A voice is the one that said the same words in the neighbour's overlap; else the only one that
    is left; else it speaks on where the segment before it stopped.
    """
    if not names:
        first = {one.names[0] for each in heard[:1] for one in locals_[each.index]}
        names |= {name: f"person-{at}" for at, name in enumerate(sorted(first))}
        people = len(first)
    unsure: set[str] = set()
    for at, each in enumerate(heard):
        here = locals_[each.index]
        for one in here:
            name = one.names[0]
            if name in names:
                continue
            used = {names[other.names[0]] for other in here if other.names[0] in names}
            said = _neighbour(heard, at, name, names)
            left = [f"person-{n}" for n in range(people) if f"person-{n}" not in used]
            if said is not None and said not in used:
                names[name] = said
            elif len(left) == 1 and most is not None and people >= most:
                names[name] = left[0]
            elif left:
                before = _speaking(heard, at, names)
                names[name] = before if before in left else left[0]
                unsure.add(name)
            elif most is None or people < most:
                names[name] = f"person-{people}"
                people += 1
            else:
                names[name] = min(used)
                unsure.add(name)
    return names, unsure


def _neighbour(heard: Sequence[_Heard], at: int, name: str, names: Mapping[str, str]) -> str | None:
    """Who said, in the neighbour's hearing, the words that this voice said in the overlap."""
    votes: dict[str, int] = {}
    pairs = [
        *((mine, theirs) for theirs, mine in (heard[at - 1].shared if at else ())),
        *heard[at].shared,
    ]
    for mine, theirs in pairs:
        if mine.voice == name and theirs.voice in names:
            who = names[theirs.voice]
            votes[who] = votes.get(who, 0) + 1
    return max(votes, key=lambda who: (votes[who], who), default=None)


def _speaking(heard: Sequence[_Heard], at: int, names: Mapping[str, str]) -> str | None:
    """Who spoke last before this segment."""
    for each in reversed(heard[:at]):
        for one in reversed(each.said):
            return names.get(one.voice)
    return None


# Names ---------------------------------------------------------------------------------------


def _named(heard: _Heard, names: Sounds | None) -> list[Doubt]:
    """Puts names in the place of doubtful words that sound like them; a doubt shows each.

    The endpoint is not told the session's names: what it is told is in the platform's logs.
    """
    if names is None:
        return []
    doubts: list[Doubt] = []
    said: list[_Said] = []
    for _, run in groupby(heard.said, key=lambda one: id(one.turn)):
        own = list(run)
        corrected = names.correct(tuple(one.word for one in own))
        doubts += corrected.doubts
        said += _replaced(own, corrected.words)
    heard.said = said
    return doubts


def _replaced(own: Sequence[_Said], words: Sequence[Word]) -> list[_Said]:
    """The words of one turn after correction, each with what it stands for."""
    found = []
    at = 0
    for word in words:
        if word is own[at].word:
            found.append(own[at])
            at += 1
            continue
        count = 1
        while at + count < len(own) and own[at + count].word.end <= word.end:
            count += 1
        found.append(
            replace(
                own[at],
                word=word,
                last=own[at + count - 1].last,
                count=count,
                instead=word.text.strip(),
            )
        )
        at += count
    return found


# The whole -----------------------------------------------------------------------------------


def _turns(said: Sequence[_Said]) -> list[Turn]:
    """Runs of one speaker's words; a turn ends where the endpoint ended it, but at no seam."""
    runs: list[list[_Said]] = []
    for one in said:
        last = runs[-1][-1] if runs else None
        if (
            last is not None
            and last.voice == one.voice
            and (last.turn is one.turn or _runs_on(last, one))
        ):
            runs[-1].append(one)
        else:
            runs.append([one])
    return [_turn(number, run) for number, run in enumerate(runs, start=1)]


def _runs_on(last: _Said, one: _Said) -> bool:
    return one.word.start - last.word.end <= _LONG_PAUSE


def _turn(number: int, run: Sequence[_Said]) -> Turn:
    pieces: list[list[_Said]] = []
    for one in run:
        if pieces and pieces[-1][-1].turn is one.turn:
            pieces[-1].append(one)
        else:
            pieces.append([one])
    return Turn(
        id=f"t{number}",
        speaker=run[0].voice,
        start=run[0].word.start,
        end=max(one.word.end for one in run),
        text=" ".join(filter(None, (_text(piece) for piece in pieces))),
        confidence=_confidence(pieces),
        words=tuple(one.word for one in run) if all(one.timed for one in run) else (),
    )


def _text(piece: Sequence[_Said]) -> str:
    """The characters of the turn that these words of it take up."""
    turn = piece[0].turn
    whole = sum(one.count for one in piece) == len(turn.words or turn.text.split())
    at, end = (0, len(turn.text)) if whole else (piece[0].first, piece[-1].last)
    parts = []
    for one in piece:
        if one.instead is not None:
            parts += [turn.text[at : one.first], one.instead]
            at = one.last
    return "".join([*parts, turn.text[at:end]]).strip()


def _confidence(pieces: Sequence[Sequence[_Said]]) -> float:
    if len(pieces) == 1 and not pieces[0][0].timed:
        return pieces[0][0].turn.confidence
    words = [one.word.probability for piece in pieces for one in piece]
    return round(sum(words) / len(words), 3)


def _known(heard: Sequence[_Heard], persons: Mapping[str, str]) -> dict[str, tuple[float, str]]:
    """For each speaker of the session the seconds of speech and the print of all segments."""
    prints: dict[str, list[tuple[str, float]]] = {}
    seconds: dict[str, float] = {}
    for each in heard:
        for speaker in each.transcript.speakers:
            name = persons.get(f"{each.index}/{speaker.id}", "")
            if name:
                seconds[name] = seconds.get(name, 0.0) + speaker.seconds
                prints.setdefault(name, []).append((speaker.voice, speaker.seconds))
    return {
        name: (round(seconds[name], 2), voiceprint.mean(sorted(prints[name]))) for name in seconds
    }


def _people(
    turns: Sequence[Turn],
    known: Mapping[str, tuple[float, str]],
    policy: Roles,
    enrolled: str | None,
) -> tuple[Speaker, ...]:
    said: dict[str, list[str]] = {}
    for turn in turns:
        said.setdefault(turn.speaker, []).append(turn.text)
    clinician = None
    if enrolled:
        prints = {name: known[name][1] for name in said if name in known}
        clinician = role_rules.by_print(prints, enrolled)
    return tuple(
        speaker.model_copy(update={"seconds": known.get(speaker.id, (0.0, ""))[0], "voice": ""})
        for speaker in role_rules.assign(said, policy, clinician)
    )


def _shifted(heard: Sequence[_Heard]) -> list[Doubt]:
    """The doubts of each segment about the part of it that is kept, in the session's time.

    Roles are judged over the whole session, so a segment's own doubt about them says nothing.
    """
    found = []
    for each in heard:
        for doubt in each.transcript.warnings:
            start = max(each.from_, doubt.start + each.start)
            end = min(each.to, doubt.end + each.start)
            if doubt.code != ROLE_UNSURE and (
                end > start or (doubt.start == doubt.end and end == start)
            ):
                found.append(
                    doubt.model_copy(update={"start": round(start, 3), "end": round(end, 3)})
                )
    return found


def _united(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Doubts in order; those of one kind that touch are one."""
    found: list[Doubt] = []
    latest: dict[tuple[str, tuple[str, ...]], int] = {}
    for doubt in sorted(doubts, key=lambda one: (one.start, one.code, one.end)):
        kind = (doubt.code, doubt.candidates)
        at = latest.get(kind)
        if at is not None and doubt.start <= found[at].end:
            found[at] = found[at].model_copy(update={"end": max(found[at].end, doubt.end)})
        else:
            latest[kind] = len(found)
            found.append(doubt)
    return tuple(found)
