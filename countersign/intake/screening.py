"""Decides which words of a text a human must see at once, and which only look that way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from countersign.intake.terms import About, Kind, Pattern, Terms
from countersign.intake.wording import INVISIBLE, fold

_PICTURES = (
    "\U0001f52a\U0001f52b\U0001f48a\U0001fa78\U0001faa6\u26b0\u2620"  # knife, gun, pills and such
)
_TOKEN = re.compile(rf"[{_PICTURES}]|[\w$@][\w'*$@!|+#{INVISIBLE}]*")
_MARK = re.compile(
    rf"(?P<word>[{_PICTURES}]|[\w$@][\w'*$@!|+#{INVISIBLE}]*)|(?P<stop>[.!?;\u2026]+|\n\s*\n)|(?P<comma>[,:()\u2013\u2014])"
)
_QUOTED = re.compile(r"[\"\u201c\u00ab]([^\"\u201c\u201d\u00ab\u00bb\n]{2,400})[\"\u201d\u00bb]")
_WINDOW = 120  # plain words looked at together when nobody ends the sentence
_OVERLAP = 30  # longer than any term with its gaps and its negation
_COLD = 100_000  # tokens remembered as harmless
_REACH = 14  # plain words that a negation may stand before its term (NegEx allows 5 to 6)
_SUBJECTS = frozenset("i he she they we yo".split())
_RESUMED = frozenset(
    "think believe feel like that say said mean would do did am have had should could will".split()
)
_MYSELF = frozenset("i me my myself we us our yo mi".split())
_PARTICIPLES = ("ado", "ido", "cho", "sto", "erto")
_NEAR = frozenset("my our me us i posted texted told tonight today mi mis me".split())
_DENIED = frozenset("denied denies absent negative none negado niega".split())
_VICTIM = frozenset("me us my our mi mis nos".split())
_OR = frozenset("or nor and ni o u y".split())
_DISCLOSED = frozenset("told tell shared admitted mentioned talked confided".split())
_NOR = frozenset(("nor", "ni"))
_NOT_ONLY = frozenset("only just merely simply solo".split())
_NAMING = frozenset(
    "thoughts thought ideation ideas feelings behavior behaviors attempts attempt plans plan "
    "intent urges history or and self harm".split()
)
_INTENSE = frozenset("more so this as".split())
_STATES = frozenset(
    "feel feeling feels felt am been being have having had with get getting become considering "
    "contemplating attempted attempt tried planning plan want thinking think thought "
    "estoy tengo siento".split()
)
_PRESENT_VERBS = frozenset(
    "want am going will plan planning wish need quiero voy estoy would rather hope".split()
)
_BUT = frozenset("but however though although except pero aunque".split())
_AGAIN = frozenset(
    "think thinking thought thoughts sometimes wish wonder wondering urge urges idea crosses "
    "cross pienso veces".split()
)


class Status(StrEnum):
    """How a term stands in its sentence. What is in doubt counts as asserted."""

    ASSERTED = "asserted"
    NEGATED = "negated"
    PAST = "past"
    OTHER = "other-person"
    FIGURATIVE = "figurative"


class Span(BaseModel):
    """Words to show to a human: `[start, end)` in characters of the given text."""

    model_config = ConfigDict(frozen=True)
    start: int
    end: int
    term: str
    kind: Kind
    status: Status


class Screening(BaseModel):
    """What was found. `crisis` and `urgent` say that a human must look, and nothing about risk.

    Neither being true says that no known term was found, and never that there is no danger.
    """

    model_config = ConfigDict(frozen=True)
    crisis: bool
    urgent: bool
    spans: tuple[Span, ...]


_NOTHING = Screening(crisis=False, urgent=False, spans=())


@dataclass(frozen=True)
class _Found:
    """One term in one sentence: words `[start, end)`, and what became of it."""

    pattern: Pattern
    start: int
    end: int


@dataclass(frozen=True)
class _Sentence:
    """The plain words of one sentence, and where in the text each of them stands."""

    words: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    commas: frozenset[int]
    asked: bool
    reply: str
    """The first word of the next sentence, after a question or a colon."""


def screen(text: str, terms: Terms) -> Screening:
    """The spans of `text` that hold a term, and whether any of them needs a human.

    Recall first: negation, remote past, figures of speech, quotation and talk about work excuse a
    span only where the words say so; every doubt leaves it asserted. A crisis span alerts when it
    is asserted, when another person may be in danger or dangerous, or when a death is recent.
    """
    folded = fold(text)
    tokens = set(_TOKEN.findall(folded))
    if tokens <= terms.cold and not _spelled_out(tokens):
        return _NOTHING
    if not _possible(tokens, terms):
        return _NOTHING
    quotes = [match.span(1) for match in _QUOTED.finditer(folded)]
    judged: list[tuple[Span, bool]] = []
    for sentence in _sentences(folded, terms):
        judged += _judge(sentence, quotes, terms)
    kept = _merged(judged)
    return Screening(
        crisis=any(alerts and span.kind is Kind.CRISIS for span, alerts in kept),
        urgent=any(alerts and span.kind is Kind.URGENCY for span, alerts in kept),
        spans=tuple(span for span, _ in kept),
    )


# From text to plain words -------------------------------------------------------------------


def _spelled_out(tokens: set[str]) -> bool:
    """Whether words may have been written letter by letter."""
    return sum(len(token) == 1 for token in tokens) >= 3


def _possible(tokens: set[str], terms: Terms) -> bool:
    """Whether any term can be in a text of these tokens; remembers tokens that begin none."""
    if len(terms.cold) > _COLD:
        terms.cold.clear()
    words: set[str] = set()
    split = False
    for token in tokens:
        read = terms.spelling.words(token)
        words.update(read)
        if not any(word in terms.by_anchor for word in read):
            if terms.fragments.isdisjoint(read):
                terms.cold.add(token)
            else:
                split = True
    if split or _spelled_out(tokens):
        return True
    return bool(terms.candidates(words))


def _sentences(folded: str, terms: Terms) -> Iterator[_Sentence]:
    words: list[str] = []
    places: list[tuple[int, int]] = []
    commas: set[int] = set()
    marks = _marks(folded)
    for position, (kind, token, start, end) in enumerate(marks):
        if kind == "word":
            plain = terms.spelling.words(token)
            whole = terms.spelling.joins(words[-1], token) if words else None
            if whole is not None:
                words[-1], places[-1] = whole, (places[-1][0], end)
            else:
                words += plain
                places += [(start, end)] * len(plain)
        elif kind == "comma":
            commas.add(len(words))
        stops = kind == "stop" or token.endswith("!")
        if stops and words:
            following = marks[position + 1] if position + 1 < len(marks) else None
            reply = following[1] if following and following[0] == "word" else ""
            yield from _windows(words, places, commas, "?" in token, reply)
            words, places, commas = [], [], set()
    yield from _windows(words, places, commas, False, "")


def _marks(folded: str) -> list[tuple[str, str, int, int]]:
    """Words, stops and commas with their places; letters written apart are put together."""
    marks: list[tuple[str, str, int, int]] = []
    run: list[tuple[str, str, int, int]] = []
    for match in _MARK.finditer(folded):
        kind = match.lastgroup or ""
        mark = (kind, match[0], match.start(), match.end())
        letter = kind == "word" and len(match[0]) == 1 and not match[0].isdigit()
        joint = kind == "stop" and match[0] == "." and run and run[-1][0] == "word"
        if letter or joint:
            run.append(mark)
            continue
        marks += _put_together(run)
        run = []
        marks.append(mark)
    return marks + _put_together(run)


def _put_together(run: list[tuple[str, str, int, int]]) -> list[tuple[str, str, int, int]]:
    letters = [mark for mark in run if mark[0] == "word"]
    if len(letters) < 3:
        return run
    last = [run[-1]] if run[-1][0] == "stop" else []
    first = []
    if letters[0][1] in "iay" and len(letters) > 3:
        first, letters = letters[:1], letters[1:]
    word = "".join(mark[1] for mark in letters)
    return [*first, ("word", word, letters[0][2], letters[-1][3]), *last]


def _windows(
    words: list[str], places: list[tuple[int, int]], commas: set[int], asked: bool, reply: str
) -> Iterator[_Sentence]:
    for low in range(0, len(words), _WINDOW - _OVERLAP):
        high = low + _WINDOW
        yield _Sentence(
            tuple(words[low:high]),
            tuple(places[low:high]),
            frozenset(at - low for at in commas if low <= at < high),
            asked,
            reply,
        )
        if high >= len(words):
            return


# From terms to what they mean ---------------------------------------------------------------


def _judge(
    sentence: _Sentence, quotes: list[tuple[int, int]], terms: Terms
) -> Iterator[tuple[Span, bool]]:
    """Each term of the sentence as a span, with whether it alerts."""
    known = set(sentence.words)
    candidates = terms.candidates(known)
    if not candidates:
        return
    canon = ". " + "".join(f"{word} " for word in sentence.words) + ". "
    index, offset = {}, 2
    for at, word in enumerate((*sentence.words, "")):
        index[offset] = at
        offset += len(word) + 1
    found = [
        _Found(terms.patterns[n], index[match.start()], index[match.end()])
        for n in candidates
        for match in terms.patterns[n].regex.finditer(canon)
    ]
    if not found:
        return
    found += [
        _Found(terms.patterns[n], index[match.start()], index[match.end()])
        for n in terms.idioms(known)
        for match in terms.patterns[n].regex.finditer(canon)
    ]
    context = _Context(sentence, canon, known, found, quotes, terms)
    for one in found:
        if one.pattern.kind is not None:
            status, alerts = context.status(one)
            yield (
                Span(
                    start=sentence.places[one.start][0],
                    end=sentence.places[one.end - 1][1],
                    term=one.pattern.name,
                    kind=one.pattern.kind,
                    status=status,
                ),
                alerts,
            )


def _excuses(idiom: _Found, one: _Found) -> bool:
    """An idiom excuses a term it shares words with, but not one that says more around it."""
    inside = one.start < idiom.start and idiom.end <= one.end
    return one.start < idiom.end and idiom.start < one.end and not inside


class _Context:
    """What stands around the terms of one sentence, looked up once."""

    def __init__(
        self,
        sentence: _Sentence,
        canon: str,
        known: set[str],
        found: list[_Found],
        quotes: list[tuple[int, int]],
        terms: Terms,
    ) -> None:
        self._words = sentence.words
        self._sentence = sentence
        self._canon = canon
        self._known = known
        self._found = [one for one in found if one.pattern.kind is not None]
        self._ending = {one.end: one for one in sorted(self._found, key=lambda one: -one.start)}
        self._idioms = [one for one in found if one.pattern.kind is None]
        self._quotes = quotes
        self._terms = terms

    def status(self, one: _Found) -> tuple[Status, bool]:
        """The term's status, and whether a human must see it."""
        if any(_excuses(idiom, one) for idiom in self._idioms) and not self._has("earnest"):
            return Status.FIGURATIVE, False
        about = one.pattern.about
        if about is About.NOUN and any(
            loss.pattern.about is About.LOSS and loss.start <= one.start and one.end <= loss.end
            for loss in self._found
        ):
            about = About.LOSS
        if self._retold(one):
            return Status.FIGURATIVE, False
        if self._negated(one):
            return Status.NEGATED, False
        if about is About.LOSS:
            return Status.OTHER, self._has("recent") and not self._has("remote")
        if self._at_work(one):
            return Status.OTHER, False
        if self._remote(one):
            return (Status.OTHER if about is About.OTHER else Status.PAST), False
        return (Status.OTHER if about is About.OTHER else Status.ASSERTED), True

    def _has(self, cue: str) -> bool:
        return self._terms.finders[cue].search(self._canon, self._known) is not None

    def _negated(self, one: _Found) -> bool:
        if one.pattern.kind is Kind.URGENCY and one.pattern.about is About.OTHER:
            return False
        negated = self._negator_before(one.start) is not None
        if one.pattern.about is About.NOUN or _MYSELF.isdisjoint(self._words[: one.start + 1]):
            negated = negated or self._denied(one)
        return negated and not self._undone(one)

    def _negator_before(self, start: int) -> int | None:
        """Where the negation stands that reaches a term beginning at word `start`, if any.

        Walks left over words that carry a negation on ("do not *have any thoughts of*") and over
        other terms joined by "or"; anything else ends its reach.
        """
        words, at, count, last, nor = self._words, start - 1, 0, None, False
        while at >= max(0, start - _REACH):
            word = words[at]
            if word in self._terms.negation:
                if not self._is_negation(at):
                    return None if count % 2 == 0 else last
                # "Neither suicidal nor homicidal" denies once.
                count, last, nor = count + (word not in _NOR), at, nor or word in _NOR
            elif word in _OR and at > 0 and (joined := self._term_ending(at)) is not None:
                if joined.end - joined.start > 1 and self._terms.negation.intersection(
                    words[joined.start : joined.end]
                ):
                    break
                at = joined.start
            elif word == "he" and words[at + 1].endswith(_PARTICIPLES):
                pass  # Spanish "he pensado", not English "he"
            elif word in _SUBJECTS:
                if at == 0 or words[at - 1] not in _RESUMED:
                    break
            elif word not in self._terms.transparent:
                break
            if at in self._sentence.commas:
                break
            at -= 1
        return last if count % 2 or (nor and count == 0) else None

    def _is_negation(self, at: int) -> bool:
        words = self._words
        after = words[at + 1] if at + 1 < len(words) else ""
        before = words[max(0, at - 3) : at]
        if after in _NOT_ONLY and words[at] != "never":
            return False
        if after in _DISCLOSED:
            return False  # "I never told anyone that I took them" denies the telling only
        if words[at] == "no" and after in _SUBJECTS:
            # "No, I want to die", but "no he intentado".
            return (
                after == "he"
                and words[at + 2 : at + 3] != ()
                and words[at + 2].endswith(_PARTICIPLES)
            )
        if words[at] in ("without", "sin"):
            return not self._terms.negation.intersection(words[max(0, at - 7) : at])
        return "why" not in before and "porque" not in before

    def _term_ending(self, end: int) -> _Found | None:
        return self._ending.get(end)

    def _denied(self, one: _Found) -> bool:
        """A denial that reaches over a list ("denies low mood, SI"), or follows ("SI: no")."""
        words = self._words
        for at in range(one.start - 1, max(-1, one.start - 30), -1):
            if words[at] in _BUT or words[at] in ("i", "reports", "endorses", "admits"):
                break
            if words[at] in self._terms.denial:
                return True
        end = one.end
        while end < len(words) and words[end] in _NAMING:
            end += 1
        follows = words[end] if end < len(words) else ""
        last = end + 1 >= len(words)
        if not follows and self._sentence.asked:
            return self._sentence.reply in ("no", "none", "never", "nope", "nunca", "ninguno")
        return follows in _DENIED or (
            last and follows in ("no", "never", "nunca", "0", "zero", "ninguno")
        )

    def _undone(self, one: _Found) -> bool:
        """A denial that takes itself back: "not yet", "not until", "but I think of it"."""
        if self._has("undone"):
            return True
        rest = self._words[one.end :]
        for at, word in enumerate(rest):
            if word in _BUT:
                return bool(_AGAIN.intersection(rest[at + 1 : at + 8]))
            if word in _INTENSE and at == 0 and "never" in self._words[: one.start]:
                return True
        return False

    def _remote(self, one: _Found) -> bool:
        """Long past by its own words, and nothing in the sentence brings it to the present."""
        if one.pattern.about is About.OTHER and one.pattern.kind is Kind.URGENCY:
            return False
        if not self._has("remote") or self._of_these_days():
            return False
        head = self._words[max(0, one.start - 2) : one.start + 1]
        used = self._words[max(0, one.start - 4) : one.start]
        return "used" in used or not _PRESENT_VERBS.intersection(head)

    def _of_these_days(self) -> bool:
        """Whether the sentence speaks of now, apart from words that say it is over."""
        settled = self._terms.finders["settled"].phrases
        canon = settled.sub("", self._canon)
        return any(
            self._terms.finders[cue].search(canon, self._known) is not None
            for cue in ("present", "recent")
        )

    def _first_person(self, one: _Found) -> bool:
        before = self._words[max(0, one.start - 5) : one.end]
        return self._words[max(0, one.start - 1)] in ("my", "mi", "mis") or (
            bool({"i", "me", "yo", "myself"}.intersection(before))
            and bool(_STATES.intersection(before))
        )

    def _retold(self, one: _Found) -> bool:
        """Said by a song, a film, a book: inside its quotation, or told of it."""
        media = self._terms.finders["media"].search(self._canon, self._known)
        if media is None:
            return False
        start = self._sentence.places[one.start][0]
        end = self._sentence.places[one.end - 1][1]
        if any(low <= start and end <= high for low, high in self._quotes):
            return True
        if one.pattern.about is About.OTHER:
            if _NEAR.isdisjoint(self._words):
                return True
            at = self._canon[: media.end()].count(" ") - 1
            near = one.start - at < 3
            return (
                at <= one.start
                and (near or _VICTIM.isdisjoint(self._words[one.start : one.end]))
                and self._terms.finders["telling"].search(self._canon, self._known) is not None
            )
        if one.pattern.about is not About.SELF:
            return not self._first_person(one)
        if _MYSELF.isdisjoint(self._words):
            return True
        # "The song goes I want to die", and not "the song is good but I want to die".
        at = self._canon[: media.end()].count(" ") - 1
        between = self._words[at : one.start]
        if at > one.start or _BUT.intersection(between):
            return False
        if {"make", "makes", "made", "making", "and", "so", "because", "hace"}.intersection(
            between
        ):
            return False
        return self._terms.finders["telling"].search(self._canon, self._known) is not None

    def _at_work(self, one: _Found) -> bool:
        """Talk about it as a subject or as work, or about people in general."""
        if one.pattern.about is About.SELF:
            before = self._words[max(0, one.start - 4) : one.start]
            return "who" in before and self._has("generic") and "one" not in self._words
        if self._has("generic") and (self._has("professional") or one.pattern.about is About.NOUN):
            return not self._first_person(one) if one.pattern.about is About.NOUN else True
        if one.pattern.about is About.NOUN:
            return self._has("professional") and not self._first_person(one)
        return False


def _merged(judged: list[tuple[Span, bool]]) -> list[tuple[Span, bool]]:
    """Without spans that lie inside one that says at least as much, in the order of the text."""
    order = sorted(
        set(judged),
        key=lambda item: (not item[1], item[0].start, -item[0].end, item[0].status, item[0].term),
    )
    kept: list[tuple[Span, bool]] = []
    reach = {(kind, alerts): -1 for kind in Kind for alerts in (True, False)}
    alerting: list[Span] = []
    for span, alerts in order:
        if span.end <= reach[span.kind, alerts]:
            continue
        if not alerts and any(
            other.kind is span.kind and other.start <= span.start and span.end <= other.end
            for other in alerting[-64:]
        ):
            continue
        reach[span.kind, alerts] = span.end
        kept.append((span, alerts))
        if alerts:
            alerting.append(span)
    return sorted(kept, key=lambda item: (item[0].start, item[0].end, item[0].term))
