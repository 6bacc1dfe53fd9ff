"""Which policy files make which engine: read once per process, handed to the rules as text."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from countersign import drafting, grounding
from countersign.drafting import Template
from countersign.errors import LeakFound, TemplateUnknown
from countersign.grounding import Lexicons
from countersign.intake import Terms
from countersign.note import Check, Note
from countersign.redaction import Engine, Policy, leaks
from countersign.transcript import Transcript
from lambdas import policies


@functools.cache
def redaction() -> Engine:
    """The redaction engine of `policies/redaction.toml` and its word lists."""
    return Engine(
        Policy.from_toml(policies.text("redaction.toml"), policies.folder("lexicons", ".txt"))
    )


@functools.cache
def lexicons() -> Lexicons:
    """What medications, diagnoses and doses are called: `policies/lexicons/*.toml`."""
    return Lexicons.from_toml(policies.folder("lexicons"))


@functools.cache
def template(name: str) -> Template:
    """The note template `policies/templates/<name>.toml`; raises `TemplateUnknown`."""
    known = policies.folder("templates")
    if name not in known:
        raise TemplateUnknown(f"there is no template {name!r}; there are {', '.join(known)}")
    return Template.from_toml(known[name], name)


def draft(redacted: Transcript, name: str) -> Note:
    """The draft of a redacted transcript by the template of that name."""
    return drafting.draft(redacted, template(name), lexicons())


def check(note: Note, redacted: Transcript, table: Mapping[str, str]) -> Check:
    """What the guards find in a draft; raises `LeakFound` for an identifier that is in it.

    `table` is token → original, as redaction made it.
    """
    found = leaks(" ".join(sentence.text for sentence in note.sentences()), table)
    if found:
        raise LeakFound(f"{len(found)} identifiers in the draft")
    return grounding.check(note, redacted, lexicons())


@functools.cache
def terms() -> Terms:
    """The words the intake screen looks for: `policies/crisis_terms.toml`."""
    return Terms.from_toml(policies.text("crisis_terms.toml"))
