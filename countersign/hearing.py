"""Decides where in what was said a doubt of the recognizer lies: in which turn, in which words."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.transcript import Doubt, Turn

# A doubt that covers less of a turn than this, and is itself mostly elsewhere, belongs elsewhere:
# neighbouring turns share a boundary, and two clocks round it differently.
_SHARE = 0.5


def home(turns: Sequence[Turn], doubt: Doubt) -> str | None:
    """The id of the turn beside which the doubt is shown; None when nobody's turn was then.

    A doubt that covers several turns is shown where it begins.
    """
    shared = [(_overlap(turn, doubt), turn) for turn in turns]
    for overlap, turn in shared:
        least = min(doubt.end - doubt.start, turn.end - turn.start)
        if overlap >= 0 and overlap >= _SHARE * least:
            return turn.id
    widest = max(shared, key=lambda one: one[0], default=None)
    return widest[1].id if widest is not None and widest[0] > 0 else None


def stretch(turn: Turn, start: float, end: float) -> tuple[int, int] | None:
    """The characters of the turn's text that were spoken between two times, in seconds.

    A word counts when its middle lies between them. None when no word does, or the turn's words
    cannot be found in its text.
    """
    found: tuple[int, int] | None = None
    at = 0
    for word in turn.words:
        spoken = word.text.strip()
        place = turn.text.find(spoken, at) if spoken else -1
        if place < 0:
            continue
        at = place + len(spoken)
        if start <= (word.start + word.end) / 2 <= end:
            found = (found[0] if found else place, at)
    return found


def _overlap(turn: Turn, doubt: Doubt) -> float:
    """Seconds that both share; 0 when they only touch, less when they are apart."""
    return min(turn.end, doubt.end) - max(turn.start, doubt.start)
