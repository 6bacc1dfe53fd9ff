"""Decides whether two spellings of a name may sound the same."""

from __future__ import annotations

import re
from functools import lru_cache

# English spelling to sound, in order. After Philips's Metaphone (1990), loosened where a speech
# recognizer confuses: voiced and unvoiced s, v and f, d and t at the end.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^ps", "s"),
        (r"^x", "s"),
        (r"^wh", "w"),
        (r"mb$", "m"),
        (r"bh|mh(?=[aeiou])", "v"),
        (r"kh", "k"),
        (r"dh", "d"),
        (r"sch|sh|ti(?=on|a)|ci(?=an|a)|tch", "S"),
        (r"ch", "S"),
        (r"ph", "f"),
        (r"gh(?=[aeiou])", "k"),
        (r"gh", ""),
        (r"th", "t"),
        (r"dg(?=[eiy])|j", "J"),
        (r"ck|q|c(?![eiyh])", "k"),
        (r"c", "s"),
        (r"x", "ks"),
        (r"z", "s"),
        (r"v", "f"),
        (r"(?<=[aeiou])h|h(?![aeiouy])", ""),
        (r"(?<=[aeiou])w(?![aeiou])", ""),
        (r"d$", "t"),
        (r"(.)\1+", r"\1"),
    )
)
_VOWELS = re.compile(r"[aeiouy]+")


@lru_cache(maxsize=65_536)
def keys(word: str) -> frozenset[str]:
    """Sound keys of a folded word: consonants in order, a leading vowel as `A`.

    A soft or hard g gives two keys; two words may sound alike when they share one.
    """
    text = word
    for pattern, sound in _RULES:
        text = pattern.sub(sound, text)
    soft = re.sub(r"g(?=[eiy])", "J", text)
    return frozenset(_skeleton(form) for form in {text.replace("g", "k"), soft.replace("g", "k")})


def _skeleton(text: str) -> str:
    if not text:
        return ""
    first = "A" if text[0] in "aeiouy" else text[0]
    return re.sub(r"(.)\1+", r"\1", first + _VOWELS.sub("", text[1:]))
