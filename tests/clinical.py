"""Small made-up sessions, and the policy files that drafting and grounding are tested with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from countersign.drafting import Template
from countersign.grounding import Lexicons
from countersign.transcript import Role, Transcript, Turn, Word

POLICIES = Path(__file__).parents[1] / "policies"
TEMPLATES = ("soap", "dap", "birp", "girp", "sirp")
_ROLES = {"T": Role.THERAPIST, "P": Role.PATIENT, "O": Role.OTHER, "U": Role.UNKNOWN}


@cache
def lexicons() -> Lexicons:
    return Lexicons.from_toml(
        {path.name: path.read_text() for path in (POLICIES / "lexicons").glob("*.toml")}
    )


@cache
def template(name: str) -> Template:
    return Template.from_toml((POLICIES / "templates" / f"{name}.toml").read_text(), name)


def transcript(*said: tuple[str, str]) -> Transcript:
    """Turns `t1`, `t2`, … of ("T", "…"), ("P", "…"); O is another person, U nobody known."""
    return Transcript(
        turns=tuple(
            Turn(id=f"t{n}", speaker=who, role=_ROLES[who], start=n * 5, end=n * 5 + 4, text=text)
            for n, (who, text) in enumerate(said, 1)
        )
    )


def doubted(text: str, *doubtful: str) -> Transcript:
    """One patient's turn in which the recognizer doubts the given words."""
    words = tuple(
        Word(start=1 + n / 10, end=1 + n / 10, text=f" {word}",
             probability=0.2 if word.strip(".,") in doubtful else 0.98)
        for n, word in enumerate(text.split())
    )  # fmt: skip
    turn = Turn(id="t1", role=Role.PATIENT, start=1, end=20, text=text, words=words)
    return Transcript(turns=(turn,))


SESSION = transcript(
    ("T", "Good morning, come on in. Lovely weather today, isn't it?"),
    ("P", "Yeah, finally some sunshine. The traffic on the highway was terrible though."),
    ("T", "So how have you been since [DATE_1]?"),
    ("P", "I've been feeling really anxious about work, and I only sleep about four hours a night. "
          "My manager [PERSON_1] keeps moving the deadlines."),
    ("T", "Are you still taking the Zoloft?"),
    ("P", "Yes, fifty milligrams every morning. I've been taking it for six weeks."),
    ("T", "Have you had any thoughts of hurting yourself?"),
    ("P", "No, nothing like that."),
    ("T", "Any panic attacks?"),
    ("P", "Yeah, three times last week. My sister has bipolar disorder, which worries me too."),
    ("T", "What would you like to get out of this?"),
    ("P", "My goal is to get back to running. I really do feel anxious about work all the time."),
    ("T", "I think you have made real progress with noticing your automatic thoughts. "
          "Today we practiced the breathing exercise and a thought record."),
    ("P", "It helped. I used the breathing on the train and it calmed me."),
    ("T", "I'd like you to practice the breathing exercise twice a day and keep a thought "
          "record before Tuesday."),
    ("P", "Okay."),
    ("T", "I'm going to increase the Zoloft to seventy-five milligrams."),
    ("P", "All right."),
    ("T", "Same time next week? The front desk will reschedule you."),
    ("P", "Thanks, see you then."),
)  # fmt: skip
