"""Decides which words of a text are a web or e-mail address, a handle or a file's name."""

from __future__ import annotations

from collections.abc import Iterator

from countersign.redaction import spoken
from countersign.redaction.mark import SURROGATES, TYPED, Mark
from countersign.redaction.policy import CLOSED, WORD, Label, Policy
from countersign.redaction.text import Document

_EMAIL_STOP = frozenset(
    """is its at to email e mail address me my the a an send it and on im thats use used reach
    hes shes write wrote his her their your our from or so be was called try sent""".split()
)
_TLD = frozenset("com org net edu gov io co me us info health app example test invalid".split())
_DOTS = frozenset({"dot", "dash", "hyphen", "period", "underscore"})
_GLUE = frozenset({"dot", "dash", "hyphen", "underscore", "period"})
_PICTURED = frozenset("picture pictures photo photos selfie image face".split())
# How a file's ending is said, as words.
_ENDINGS = (
    ("jpeg",), ("jpg",), ("png",), ("heic",), ("gif",), ("pdf",), ("mov",), ("webp",), ("tiff",),
    ("jay", "peg"), ("j", "peg"), ("j", "p", "g"), ("j", "peg"), ("p", "n", "g"), ("p", "d", "f"),
    ("m", "p", "four"), ("mp", "4"), ("mp", "four"), ("h", "e", "i", "c"), ("m", "o", "v"),
)  # fmt: skip
_HANDLED = frozenset(
    """handle username insta instagram ig tiktok twitter snap snapchat discord reddit gamertag
    screenname twitch tumblr youtube facebook steam xbox playstation telegram finsta""".split()
)
_LEADS = frozenset("is s its thats was as under at on there the called named".split())


def find(document: Document, policy: Policy) -> Iterator[Mark]:
    """Addresses, handles and file names as they are said.

    `dana dot p at example dot com`, `w w w dot photos dot example slash dana`, `my insta is at
    grim reaper oh nine`, `me and dad underscore oh two dot j p g`.
    """
    words = document.words
    for index in range(len(words)):
        word = words[index]
        if word == "dot" and 0 < index < len(words) - 1:
            ending = _ending(words, index + 1)
            if ending:
                yield _mark(document, _named(document, index, policy), ending, "PHOTO")
            elif words[index + 1] in _TLD:
                yield _address(document, index, policy)
        elif word == "underscore" and 0 < index < len(words) - 1:
            first, last = _chained(document, index, policy)
            if document.word(last) != "dot":
                yield _mark(document, first, last, "URL")
        elif word in _HANDLED or (word == "sign" and document.word(index - 1) == "at"):
            found = _handle(document, index, policy)
            if found is not None:
                yield _mark(document, *found, "URL")


def _mark(document: Document, first: int, last: int, label: Label) -> Mark:
    start, end = document.starts[first], document.ends[last - 1]
    key = " ".join(document.words[first:last])
    return Mark(start, end, label, SURROGATES[label], key, TYPED)


def _ending(words: list[str], index: int) -> int:
    """Where a file's ending that is said at word `index` ends, or 0."""
    for ending in _ENDINGS:
        if tuple(words[index : index + len(ending)]) == ending:
            return index + len(ending)
    return 0


def _address(document: Document, index: int, policy: Policy) -> Mark:
    """The address whose domain ends with the `dot` at `index`."""
    words = document.words
    first, last = index - 1, index + 2
    while last + 1 < len(words) and words[last] == "dot" and words[last + 1] in _TLD:
        last += 2
    while first >= 2 and words[first - 1] in _DOTS and not document.broken(first):
        first -= 2
    begin = _world_wide(words, first)
    if begin is not None:
        first = begin
    if not (first and words[first - 1] == "at"):
        first = _domain(document, first, policy)
    email = first >= 2 and words[first - 1] == "at"
    if email:
        first = _mailbox(document, first - 2, policy)
    while last < len(words) - 1 and words[last] == "slash" and not document.broken(last):
        last = _path(document, last + 1, policy)
    label: Label = "EMAIL" if email else "URL"
    if not email and _PICTURED & set(document.left(last, 14)):
        label = "PHOTO"
    return _mark(document, first, last, label)


def _domain(document: Document, first: int, policy: Policy) -> int:
    """Where a mailbox's domain of up to four words begins: `at tabrizi law dot example dot com`."""
    for back in range(first - 1, max(1, first - 4), -1):
        if document.broken(back + 1) or not _open(document, back, policy):
            return first
        if document.words[back - 1] == "at" and back >= 2:
            return back
    return first


def _world_wide(words: list[str], first: int) -> int | None:
    """Where `www` or `w w w` begins within five words before `first`, or None."""
    for back in range(first, max(-1, first - 6), -1):
        if words[back] in ("www", "http", "https"):
            return back
        if words[back] == "w" and back >= 2 and words[back - 2 : back] == ["w", "w"]:
            return back - 2
    return None


def _spelled(words: list[str], index: int) -> bool:
    """Whether the word at `index` is a number or a letter that is read out."""
    word = words[index]
    if word in ("a", "i", "s"):
        return index + 1 < len(words) and len(words[index + 1]) == 1
    return word in spoken.PARTS or word.isdecimal()


def _open(document: Document, index: int, policy: Policy) -> bool:
    """Whether the word at `index` could be part of a made-up name: no closed-class word."""
    word = document.words[index]
    if word in spoken.NUMBERS or word[0].isdecimal():
        return True
    return word not in _EMAIL_STOP and not policy.flags.get(word, 0) & CLOSED


def _mailbox(document: Document, index: int, policy: Policy) -> int:
    """Where the part before `at` begins: joined by dots, spelled letters, numbers or names."""
    words = document.words
    first = index
    free = 3
    while first >= 1 and not document.broken(first):
        previous = words[first - 1]
        if previous in _GLUE and first >= 2:
            first -= 2
        elif _spelled(words, first - 1):
            first -= 1
        elif free and _open(document, first - 1, policy):
            first -= 1
            free -= 1
        else:
            break
    return first


def _path(document: Document, index: int, policy: Policy) -> int:
    """Where a path after `slash` ends: up to five words that are no closed-class words."""
    words = document.words
    last = index
    while last < len(words) and last < index + 5 and not document.broken(last):
        if not _open(document, last, policy) and words[last] not in ("me", "my", "the", "and"):
            break
        last += 1
        if last < len(words) and words[last] == "slash":
            break
    while last > index + 1 and words[last - 1] in ("and", "my", "the", "me"):
        last -= 1
    return max(last, index + 1 if index < len(words) else index)


def _chained(document: Document, index: int, policy: Policy) -> tuple[int, int]:
    """Words `[first, last)` of a name that holds the `underscore` at `index`."""
    first, last = index - 1, index + 2
    words = document.words
    while first >= 2 and words[first - 1] in _GLUE:
        first -= 2
    free = 2
    while first >= 1 and not document.broken(first) and free and first - 1 >= 0:
        if _spelled(words, first - 1):
            first -= 1
        elif _open(document, first - 1, policy):
            first -= 1
            free -= 1
        else:
            break
    while last < len(words) and not document.broken(last):
        if words[last] in spoken.NUMBERS or words[last][0].isdecimal():
            last += 1
        elif words[last] in _GLUE and last + 1 < len(words) and words[last] != "dot":
            last += 2
        else:
            break
    return first, last


def _named(document: Document, dot: int, policy: Policy) -> int:
    """Where the file's name before the `dot` begins."""
    words = document.words
    first = dot - 1
    free = 4
    while first >= 1 and not document.broken(first):
        previous = words[first - 1]
        if previous in _GLUE and first >= 2:
            first -= 2
        elif _spelled(words, first - 1):
            first -= 1
        elif previous in ("called", "named", "it", "is", "its", "says", "titled"):
            break
        elif free and (_open(document, first - 1, policy) or previous in ("me", "and", "my")):
            first -= 1
            free -= 1
        else:
            break
    return first


def _handle(document: Document, index: int, policy: Policy) -> tuple[int, int] | None:
    """The account name that is told after the cue at `index`, or None.

    A lead must stand between (`is`, `at`, a possessive), and the name hold a number, a word that
    is in no list, or follow `at`: `my insta is down today` tells none.
    """
    words = document.words
    first = index + 1
    sign = words[index] == "sign"
    spelled = sign
    led = sign
    while first < len(words) and words[first] in _LEADS and not document.broken(first):
        spelled = spelled or words[first] == "at"
        led = True
        first += 1
        if words[first - 1] == "at" and document.word(first) == "sign":
            first += 1
    last = first
    while (
        last < len(words)
        and last < first + 6
        and (last == first or not document.broken(last))
        and _open(document, last, policy)
        and words[last] not in _HANDLED
    ):
        last += 1
    if not led or last == first or document.broken(first):
        return None
    name = words[first:last]
    if name[0] == "number":
        return None
    number = any(part in spoken.NUMBERS or part[0].isdecimal() for part in name[1:])
    unknown = any(not policy.flags.get(part, 0) & WORD and part.isalpha() for part in name)
    if not (spelled or number or unknown):
        return None
    begin = index - 1 if sign else first
    if not sign and words[first - 1] == "at":
        begin = first - 1
    return begin, last
