"""Decides whether a word that is a known person's name and an ordinary word is the name, here.

Only asked for first names of the roster, so that what nothing speaks against is the person.
"""

from __future__ import annotations

from typing import Final

from countersign.redaction import spoken
from countersign.redaction.policy import ALLOWED, CLOSED, GIVEN
from countersign.redaction.tagger import DETERMINERS, FOLLOW, VERBAL, ordinary
from countersign.redaction.text import Document

_VOCATIVE: Final = frozenset("i you do can could what why how did are is please".split())
# `hope i`, `may i`, `will you` are said of nobody.
_AUXILIARY: Final = frozenset("hope will may can might must say pray grant bet guess wish".split())
_TIMES: Final = frozenset(
    """in since last this next every until till by early late mid around before after during through
    of all that back beginning end middle""".split()
)
_SEASONS: Final = frozenset("summer autumn spring winter season easter christmas dawn".split())
_SEASONAL: Final = frozenset(
    "camp school break job vacation time house fling program classes semester".split()
)
_QUALITIES: Final = frozenset(
    """hope faith grace joy charity mercy patience prudence honor honour trust harmony serenity
    destiny melody trinity justice chance love glory""".split()
)
_SAID_OF_QUALITIES: Final = frozenset("in of that to for under period".split())
_SAY: Final = frozenset("say saying said says some any no by".split())
_ADJECTIVES: Final = frozenset(
    "frank rich earnest sunny merry candid blue dusty rusty lucky sandy stormy misty gay".split()
)
_BE: Final = frozenset(
    """be being been is was so very quite totally perfectly brutally im hes shes are were too more
    really feeling feel felt get got getting pretty completely""".split()
)
_OATHS: Final = frozenset("oh sweet good dear thank lord dammit baby lil little with".split())


_DO: Final = frozenset(
    "i you he she it we they to can could would should will must dont didnt not ill well".split()
)


def named_here(document: Document, index: int, flag: int) -> bool:
    """Whether the word at `index`, whose bits are `flag`, stands for the person of that name."""
    word = document.words[index]
    before = document.word(index - 1) if not document.broken(index) else ""
    after = document.word(index + 1) if not document.broken(index + 1) else ""
    if flag & CLOSED:
        return after in ("said", "says", "told", "texted", "called") and before in ("", "and")
    if flag & ALLOWED and not flag & GIVEN:
        return False
    if word == "jesus":
        return (
            after != "christ" and before not in _OATHS and bool(before) and after in FOLLOW | {""}
        )
    if not before and after in _VOCATIVE and word not in _AUXILIARY:
        return True
    if word in VERBAL:
        return not flag & ALLOWED and not ordinary(document, index, index + 1)
    if word in spoken.MONTHS:
        dated = after and (after in spoken.NUMBERS or after[0].isdecimal() or after in _ORDINALS)
        return before not in _TIMES and not dated
    if before in DETERMINERS or before in _DO or after == "of":
        return False
    if word in _SEASONS and (before in _TIMES or after in _SEASONAL):
        return False
    if word in _QUALITIES and (after in _SAID_OF_QUALITIES or before in _SAY):
        return False
    return not (word in _ADJECTIVES and before in _BE)


_ORDINALS: Final = frozenset(
    """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth
    the""".split()
)
