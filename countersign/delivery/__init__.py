"""Decides the form in which a signed note enters the record."""

from countersign.delivery.document import (
    NoteKind,
    SignedNote,
    document_reference,
    note_identifier,
    read_signed_note,
    require_signed_bytes,
    search_token,
    signed_note,
)

__all__ = [
    "NoteKind",
    "SignedNote",
    "document_reference",
    "note_identifier",
    "read_signed_note",
    "require_signed_bytes",
    "search_token",
    "signed_note",
]
