"""Decides which words of a text name a person, a place or a workplace, without a roster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from countersign.redaction import addresses
from countersign.redaction.lexicon import Lexicon
from countersign.redaction.policy import (
    ALLOWED,
    CLOSED,
    CUE,
    FACILITY,
    FAMILY,
    GIVEN,
    KEPT,
    NAMELIKE,
    PLACE,
    PLACE_START,
    RARE,
    RELATION,
    STREET,
    TITLE,
    WORD,
    Policy,
    ending,
)
from countersign.redaction.spoken import LETTERS
from countersign.redaction.tag import Tag
from countersign.redaction.text import Document

# A person does what follows, or the sentence ends: "my sister hope is", "summer said".
FOLLOW: Final = frozenset(
    """is was has had and who said says told got gets went goes came comes called calls started
    starts keeps kept lives lived works worked does did doesnt didnt isnt wasnt wont would just
    moved passed died thinks thought wants wanted knows knew left made makes took takes gave gives
    asked texted started s also never always still really or but so because cause about for from
    to at in on with again yesterday today last when if that texted yelled hit hates loves likes
    tries tried needs needed helped helps turned turns""".split()
)
# After these a word is itself, not a name: "i hope", "you will".
PRONOUNS: Final = frozenset(
    """i you he she it we they who that this there what which to not never always also really just
    can could would should might must dont didnt doesnt cant wont couldnt wouldnt shouldnt ill
    youll well theyll hell shell lets do did does""".split()
)
DETERMINERS: Final = frozenset(
    """the a an this that these those my your his her our their its some any no every each all
    both more most much less little such what whatever which one last next same whole another
    other in of with have has had having lost lose losing find found finding feel feels feeling
    full by very too as for good bad great real true blind""".split()
)
# Before these a verb or modal is itself: "will you", "hope that", "mark the".
OBJECTS: Final = frozenset(
    """i you he she it we they me him us them this that these those the a an my your his her our
    their not be have never always ever do get go make take to for so of myself yourself himself
    herself ourselves themselves there what how up off out down on it is see say need want just
    probably help work stop come happen keep try tell give be change feel all someone somebody
    anyone""".split()
)
VERBAL: Final = frozenset(
    """will may hope mark grant pat drew bill sue rob chase wade pierce trace dale drop rich pray
    can might must page skip chance miles trip nick josh jack reed read wren jade carry merry
    marry ray guy don dawn ward ford lance stew hunt walk price cash case chip bud dash reign
    major said say gene art sunny see young long short best way ally forest""".split()
)
_POSSESSIVE: Final = frozenset("my your his her our their thats and moms dads s".split())
_KIN_TITLES: Final = frozenset("aunt auntie uncle grandma grandpa cousin tia tio nana papa".split())
_SPELLED_TITLES: Final = frozenset("mr mrs ms miss mister misses".split())
# Words that are titles only right before a name that could be nothing else.
_LOOSE_TITLES: Final = frozenset(
    "sister brother father coach captain officer judge nurse therapist psychiatrist principal "
    "counselor attorney dean papa nana madam sir".split()
)
# What a note says of the person it is about.
_CHARTED: Final = frozenset(
    """states stated reports reported presents presented denies denied endorses endorsed arrived
    attended attends appeared appears described describes identified identifies shared expressed
    expresses completed agreed agrees cancelled canceled called texted missed rescheduled requested
    requests acknowledged acknowledges verbalized continues tolerated discussed practiced
    participated became remained voiced confirmed says said told asked cut scored lives
    works""".split()
)
_CHARTED_AS: Final = frozenset("pt patient client mr mrs ms miss resident vet member".split())
# A run of capitals after one of these is where something is, unless it names a step of the care.
_WHERE: Final = frozenset({"at", "near", "outside", "behind"})
_STEPS: Final = frozenset(
    """therapy inventory scale questionnaire group plan act index checklist session visit level step
    unit stage week day time intake assessment discharge planning treatment review test screening
    phase axis item risk baseline""".split()
)
# Fields of a form that a person stands in.
_FIELDS: Final = frozenset(
    """patient client pt name re attn attending provider clinician therapist psychiatrist
    psychologist counselor physician pcp rn sw md np lcsw other spouse mother father guardian
    contact caregiver referrer sponsor interpreter resident supervisor author signed""".split()
)
# Lower-case and capital particles that begin a surname.
_PARTICLES: Final = frozenset("van von de del della der den di da dos la le el al bin".split())
_DUBBED: Final = frozenset("big lil little old young crazy fat skinny slim tiny".split())
_MADE: Final = frozenset("based like style type led free born aged only".split())
_SPEAKING: Final = LETTERS | _FIELDS | _DUBBED
# What stands before an initial and a surname: "seen by k mcallister".
_INITIALED: Final = frozenset("by with from and per doctor dr nurse ms mr mrs to miss".split())
_SAINTS: Final = frozenset({"saint", "st", "san", "santa", "fort", "mount", "lake"})
_STRONG_FACILITIES: Final = frozenset(
    """elementary academy university college hospital clinic memorial medical preschool daycare
    county township correctional penitentiary montessori apartments institute seminary parish
    church prison nursing""".split()
)
_ABBREVIATIONS: Final = frozenset(
    """aa abc abcd abcde aca acl adhd asap bdi bpd bun cbt cdc ceo cfo cna cpap cps dba dbt diy dmv
    dsm dui dwi ect eeg ekg emdr er fbi fmla fyi gad ged gerd gmo gpa hiv hr hrt ibs icd icu ied
    iop irs ivf lad lapd lcsw lgbtq lima lmft lol lpc lpn mba mri na nypd obgyn ocd omg pcl pcp
    phd php phq pmdd pms pto ptsd ssdi ssi ssri std suv tbi tia tms tv uk usa uti""".split()
)


def ordinary(document: Document, index: int, last: int, noun_like: bool = True) -> bool:
    """Whether a word that may be a name or not is, here, more likely just the word.

    Decided by what stands beside it, never by the word's meaning; used where nothing else (a
    roster match, a title, a naming cue) speaks for a name.
    """
    before = document.word(index - 1) if not document.broken(index) else ""
    after = document.word(last) if not document.broken(last) else ""
    if before in PRONOUNS or after in OBJECTS:
        return True
    return noun_like and (before in DETERMINERS or after == "of")


def _initial(document: Document, index: int) -> bool:
    """Whether the word is a surname's initial: `Frank D.`"""
    return (
        document.word(index) in LETTERS
        and document.capital(index)
        and document.seps[index] == " "
        and document.text[document.ends[index] : document.ends[index] + 1] == "."
    )


class RuleTagger:
    """Names and places by word lists, capitals and the words beside them."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._flags = policy.flags
        self._lexicon = Lexicon(policy)

    def tag(self, document: Document) -> Iterable[Tag]:
        """The names and places of one text, left to right."""
        words = document.words
        if not words:
            return []
        flags = self._lexicon.flags(document)
        skip = self._lexicon.untouchable(words, flags)
        found: list[Tag] = []
        taken = 0
        cased = document.cased
        for index, flag in enumerate(flags):
            if index < taken:
                continue
            plain = flag == WORD and not (cased and document.capital(index))
            if (plain or flag == WORD | CLOSED) and words[index] not in _SPEAKING:
                continue
            tag = self._at(document, flags, skip, index)
            if tag is not None:
                found.append(tag)
                taken = tag.last
        found.extend(self._facilities(document, flags, skip))
        found.extend(addresses.find(document, flags, found))
        return found

    def _at(self, document: Document, flags: list[int], skip: set[int], index: int) -> Tag | None:
        words = document.words
        word = words[index]
        flag = flags[index]
        if word in _FIELDS and not document.text.islower():
            tag = self._fielded(document, flags, index)
            if tag is not None:
                return tag
        if flag & TITLE and index not in skip:
            tag = self._titled(document, flags, index)
            if tag is not None:
                return tag
        if flag & RELATION:
            tag = self._related(document, flags, skip, index)
            if tag is not None:
                return tag
        if flag & CUE:
            tag = self._announced(document, flags, skip, index)
            if tag is not None:
                return tag
        if word in LETTERS:
            return self._initials(document, index) or self._spelled(document, flags, index)
        if flag & PLACE_START and index not in skip:
            tag = self._long_place(document, flags, index)
            if tag is not None:
                return tag
        if word in _SAINTS:
            tag = self._saint(document, flags, index)
            if tag is not None:
                return tag
        if word in _DUBBED and index:
            tag = self._dubbed(document, flags, index)
            if tag is not None:
                return tag
        if flag & CLOSED or index in skip or flag & ALLOWED:
            return None
        tag = self._located(document, flags, skip, index)
        if tag is not None:
            return tag
        if flag & PLACE:
            tag = self._place(document, flags, index)
            if tag is not None:
                return tag
        return self._name(document, flags, skip, index)

    # People -------------------------------------------------------------------------------------

    def _fits(self, flags: list[int], index: int) -> bool:
        """Whether a word could be a name when a cue says so: no closed word, no plain word."""
        if index >= len(flags):
            return False
        flag = flags[index]
        return not flag & (CLOSED | RELATION | TITLE) and (flag & NAMELIKE != 0 or not flag & WORD)

    def _strong(self, flags: list[int], index: int) -> bool:
        """Whether a word is a name and nothing else."""
        if index >= len(flags):
            return False
        flag = flags[index]
        return flag & (GIVEN | FAMILY) != 0 and not flag & (WORD | ALLOWED | CLOSED)

    def _rest(self, document: Document, flags: list[int], index: int, cue: bool = False) -> int:
        """Where a name goes on to that has its first word just before `index`."""
        size = len(flags)
        last = index
        if (
            last < size
            and document.words[last] in LETTERS
            and document.capital(last)
            and not document.words[last] == "i"
        ):
            if last + 1 < size and self._fits(flags, last + 1):
                last += 1
            elif _initial(document, last):
                return last + 1
        for _ in range(2):
            if last >= size or not (document.joined(last) or document.seps[last] == ". "):
                break
            if document.seps[last] == ". " and document.words[last - 1] not in LETTERS:
                break
            flag = flags[last]
            if flag & CLOSED:
                break
            capital = document.capital(last)
            if document.cased and not capital:
                part = document.words[last]
                if document.seps[last] == "-" and part not in _MADE and len(part) < 6:
                    last += last == index  # "Hyun-woo"
                break
            if flag & (FAMILY | RARE | GIVEN) and not flag & WORD:
                last += 1
            elif not flag & WORD and not flag & (ALLOWED | KEPT) and len(document.words[last]) > 2:
                last += 1
            elif capital and flag & NAMELIKE:
                last += 1
            elif (
                flag & FAMILY
                and not document.cased
                and document.words[last] not in VERBAL
                and not flag & (ALLOWED | RELATION | TITLE)
                and (cue or self._flags.get(document.words[last - 1], 0) & GIVEN)
                and (self._ends(document, last + 1) or self._stops(document, last + 1))
            ):
                last += 1
            else:
                break
        return max(last, index)

    def _ends(self, document: Document, index: int) -> bool:
        """Whether what stands at `index` could follow a person: the end, or what people do."""
        if document.broken(index):
            return True
        word = document.words[index]
        past = word.endswith("ed") and len(word) > 4 and self._lexicon.flag(word) & WORD != 0
        return word in FOLLOW or past

    def _titled(self, document: Document, flags: list[int], index: int) -> Tag | None:
        words = document.words
        word = words[index]
        following = index + 1
        if following >= len(words) or (words[following] in LETTERS and following + 1 >= len(words)):
            return None
        sep = document.seps[following]
        if sep not in (" ", ". ", "."):
            return None
        if sep != " " and word not in ("dr", "mr", "mrs", "ms", "prof", "st"):
            return None
        if (
            words[following] in LETTERS
            and words[following] not in ("i", "a")
            and self._fits(flags, following + 1)
        ):
            following += 1
        if words[following] in _PARTICLES and document.capital(index):
            last = following + 1
            while document.word(last) in _PARTICLES and document.joined(last):
                last += 1
            if document.joined(last) and document.capital(last):
                return Tag(index + 1, last + 1, "NAME", "PERSON")
        flag = flags[following]
        if flag & CLOSED or words[following] in LETTERS:
            return None
        tight = word not in _LOOSE_TITLES
        if flag & WORD:
            if not flag & NAMELIKE and not document.capital(following):
                return None
            if document.cased and not document.capital(following):
                return None
            ends = self._ends(document, following + 1) or (
                self._stops(document, following + 1) and document.word(following + 1) not in OBJECTS
            )
            if not document.cased and (
                not tight
                or not ends
                or (words[following] in VERBAL and not document.broken(following + 1))
            ):
                return None
        elif not tight and not flag & NAMELIKE and not document.capital(following):
            return None
        if not tight and flag & ALLOWED:
            return None
        if (
            word == "miss"
            and not document.capital(index)
            and (not flag & NAMELIKE or document.word(index - 1) in PRONOUNS)
        ):
            return None
        last = self._rest(document, flags, following + 1)
        clinician = word in self._policy.clinicians
        kind: Literal["CLINICIAN", "RELATIVE", "PERSON"] = "CLINICIAN" if clinician else "PERSON"
        if word in _KIN_TITLES or word in self._policy.relatives:
            kind = "RELATIVE"
        first = index if word in _SPELLED_TITLES else index + 1
        return Tag(first, last, "NAME", kind, sure=not flags[following] & WORD)

    def _related(
        self, document: Document, flags: list[int], skip: set[int], index: int
    ) -> Tag | None:
        words = document.words
        following = index + 1
        for phrase in (
            ("s", "name", "is"),
            ("name", "is"),
            ("names",),
            ("is", "named"),
            ("named",),
            ("s", "name", "was"),
            ("named", "her"),
            ("is", "called"),
            ("called",),
            ("whos", "named"),
            ("in", "law"),
        ):
            if tuple(words[following : following + len(phrase)]) == phrase:
                following += len(phrase)
                break
        if following >= len(words) or document.broken(following):
            return None
        if (
            "," in document.seps[following]
            and not self._strong(flags, following)
            and not (document.capital(following) and flags[following] & NAMELIKE)
        ):
            return None
        if following in skip or not self._fits(flags, following):
            return None
        flag = flags[following]
        role = words[index]
        owned = document.word(index - 1) in _POSSESSIVE or any(
            word in _POSSESSIVE for word in document.left(index, 3)
        )
        named = following > index + 1
        if flag & ALLOWED and not (named or document.capital(following)):
            return None
        if flag & WORD:
            if document.cased and not document.capital(following):
                return None
            if not named and not document.cased:
                follows = self._ends(document, following + 1)
                if not owned or not follows or (flag & GIVEN == 0):
                    return None
                if (
                    words[following] in VERBAL
                    and document.broken(following + 1) is False
                    and words[following + 1] in OBJECTS
                    and words[following + 1] != "is"
                ):
                    return None
        elif not flag & NAMELIKE and not owned and not named and not document.capital(following):
            return None
        elif not flag & NAMELIKE and document.cased and not document.capital(following):
            return None
        last = self._rest(document, flags, following + 1, cue=True)
        kind: Literal["RELATIVE", "CLINICIAN", "PERSON"] = "PERSON"
        if role in self._policy.relatives:
            kind = "RELATIVE"
        elif role in self._policy.clinicians:
            kind = "CLINICIAN"
        return Tag(following, last, "NAME", kind, sure=not flag & WORD or last - following > 1)

    def _announced(
        self, document: Document, flags: list[int], skip: set[int], index: int
    ) -> Tag | None:
        """A name after `my name is`, a place after `lives in`, a workplace after `works at`."""
        words = document.words
        following = index + 1
        if following >= len(words) or document.seps[following].strip() not in ("", ":", ","):
            return None
        window = words[max(0, index - 3) : following]
        policy = self._policy
        if ending(policy.introductions, window):
            while words[following] in ("um", "uh", "is", "was", "dr", "doctor", "actually") and (
                following + 1 < len(words)
            ):
                following += 1
            flag = flags[following]
            if flag & CLOSED or words[following] in LETTERS:
                return None
            said = words[index] not in (
                "call",
                "calls",
                "called",
                "me",
                "by",
                "as",
                "patient",
                "names",
            )
            if flag & WORD and not flag & NAMELIKE and not document.capital(following):
                if not said or not document.broken(following + 1) or window[-1] == "named":
                    return None
            if flag & WORD and not said and not document.capital(following):
                if not flag & GIVEN or not self._ends(document, following + 1):
                    return None
            last = self._rest(document, flags, following + 1, cue=True)
            return Tag(
                following, last, "NAME", "PERSON", sure=not flag & WORD or last - following > 1
            )
        lives = ending(policy.lives, window)
        if not lives and not ending(policy.works, window):
            return None
        definite = words[following] == "the" and following + 1 < len(words)
        if definite:
            following += 1
        if following in skip:
            return None
        flag = flags[following]
        if flag & PLACE_START:
            tag = self._long_place(document, flags, following, cue=True)
            if tag is not None:
                return tag
        if flag & CLOSED or (definite and flag & WORD and not document.capital(following)):
            return None
        if flag & WORD and not (flag & PLACE and lives and self._stops(document, following + 1)):
            if not document.capital(following):
                return None
        if flag & ALLOWED and not flag & PLACE:
            return None
        if (
            following - 1 != index
            and not document.capital(following)
            and flag & (PLACE | NAMELIKE) == 0
        ):
            return None
        last = following + 1
        while (
            last < len(words)
            and last < following + 3
            and document.joined(last)
            and last not in skip
            and not flags[last] & CLOSED
            and (document.capital(last) or not flags[last] & WORD)
            and (not document.cased or document.capital(last))
        ):
            last += 1
        if last < len(words) and flags[last] & FACILITY and document.joined(last):
            last = self._facility_end(document, flags, last)
        return Tag(
            following, last, "GEO", "PLACE" if lives else "ORGANIZATION", sure=not flag & WORD
        )

    def _stops(self, document: Document, index: int) -> bool:
        return document.broken(index) or bool(self._flags.get(document.words[index], 0) & CLOSED)

    def _dubbed(self, document: Document, flags: list[int], index: int) -> Tag | None:
        """A nickname after somebody: `my sponsor big ray`, `AA sponsor, Big Mike`."""
        following = index + 1
        if not document.joined(following) or not flags[following] & (GIVEN | FAMILY):
            return None
        if document.cased and not document.capital(index):
            return None
        if not document.cased and not flags[index - 1] & RELATION:
            return None
        return self._person(document, index, following + 1)

    def _name(self, document: Document, flags: list[int], skip: set[int], index: int) -> Tag | None:
        words = document.words
        flag = flags[index]
        word = words[index]
        before = document.word(index - 1) if not document.broken(index) else ""
        capital = document.capital(index)
        if document.cased and not capital and flag & WORD:
            return None
        if len(word) < 3 and not (capital and flag & GIVEN):
            return None
        if not flag & (WORD | ALLOWED):
            if flag & GIVEN:
                if before in ("a", "an", "another") and not capital:
                    return None
                last = self._rest(document, flags, index + 1)
                return self._person(document, index, last)
            if flag & FAMILY and len(word) > 3:
                if before in ("a", "an", "another", "the", "my", "some") and not capital:
                    return None
                last = self._rest(document, flags, index + 1)
                return self._person(document, index, last)
            if not flag and self._taken(document, index):
                return None
            if capital and not document.broken(index):
                if before in self._policy.prepositions and before != "of" and not flag & NAMELIKE:
                    return Tag(index, self._rest(document, flags, index + 1), "GEO", "PLACE")
                if not document.text[document.starts[index] : document.ends[index]].isupper():
                    return self._person(document, index, self._rest(document, flags, index + 1))
            if flag & RARE and self._called(document, index) and not document.cased:
                return self._person(document, index, self._rest(document, flags, index + 1))
            stem = self._flags.get(word[:-1], 0) if word.endswith("s") else 0
            if stem & GIVEN and not stem & (WORD | ALLOWED) and before not in ("a", "the", "of"):
                return Tag(index, index + 1, "NAME", "PERSON")
            if stem & FAMILY and not stem & (WORD | ALLOWED) and before == "the":
                return Tag(index, index + 1, "NAME", "PERSON")  # A household: "the rosenthals".
            if (
                not flag & NAMELIKE
                and not document.cased
                and before in ("at", "near")
                and len(word) > 4
            ):
                return Tag(index, index + 1, "GEO", "ORGANIZATION")
            return None
        # From here on the word is also an ordinary one.
        if not flag & (GIVEN | FAMILY) or flag & (TITLE | RELATION):
            return None
        following = index + 1
        joined = following < len(words) and document.joined(following) and following not in skip
        if (
            flag & GIVEN
            and joined
            and flags[following] & FAMILY
            and not flags[following] & (WORD | ALLOWED | PLACE)
            and not ordinary(document, index, index + 1, noun_like=False)
        ):
            return self._person(document, index, self._rest(document, flags, following))
        if capital and flag & GIVEN:
            if _initial(document, following):
                return self._person(document, index, following + 1)
            if document.broken(index) and document.word(following) in _CHARTED and joined:
                return self._person(document, index, following)
        if capital:
            likely = flag & GIVEN or self._called(document, index)
            if likely and not document.broken(index) and before not in ("the", "a", "an"):
                return self._person(
                    document, index, self._rest(document, flags, following), sure=False
                )
            if (
                joined
                and document.capital(following)
                and flags[following] & NAMELIKE
                and flag & GIVEN
            ):
                return self._person(document, index, self._rest(document, flags, following))
            if (
                flag & GIVEN
                and joined
                and words[following]
                in (
                    "said",
                    "says",
                    "told",
                    "called",
                    "texted",
                    "was",
                    "is",
                    "has",
                    "had",
                    "got",
                    "went",
                )
            ):
                if words[following] not in ("is", "was") or word in VERBAL:
                    return self._person(document, index, following, sure=False)
            return None
        if document.cased or not flag & GIVEN:
            return None
        if self._introduced(document, flags, index):
            return self._person(document, index, following, sure=False)
        if before in ("hi", "hey", "hello", "bye", "goodbye", "thanks", "dear") and self._ends(
            document, following
        ):
            return self._person(document, index, following, sure=False)
        if words[following : following + 2] in (["and", "i"], ["and", "me"]) and before in (
            "",
            "so",
            "and",
            "but",
            "when",
            "because",
            "then",
        ):
            return self._person(document, index, following, sure=False)
        if before in ("and", "told", "with", "dating", "married", "between", "texted", "met") and (
            word not in VERBAL
            and following < len(words)
            and words[following]
            in (
                "said",
                "says",
                "told",
                "called",
                "texted",
                "got",
                "went",
                "was",
                "moved",
                "lives",
                "thinks",
            )
        ):
            return self._person(document, index, following, sure=False)
        return None

    def _introduced(self, document: Document, flags: list[int], index: int) -> bool:
        """Whether a person is told by what follows: `dawn is my sponsor`, `prudence said`."""
        words = document.words
        if index + 1 >= len(words) or document.broken(index + 1):
            return False
        if ordinary(document, index, index + 1) and words[index + 1] not in ("is", "was"):
            return False
        if words[index + 1] in ("is", "was"):
            return (
                index + 3 < len(words)
                and words[index + 2] in _POSSESSIVE
                and flags[index + 3] & RELATION != 0
                and document.word(index - 1) not in PRONOUNS | DETERMINERS
            )
        clause = document.broken(index) or flags[index - 1] & CLOSED != 0
        return clause and words[index + 1] in ("said", "says", "told", "texted")

    def _taken(self, document: Document, index: int) -> bool:
        """Whether an unknown word is taken or prescribed: a medication that no list has."""
        before = document.word(index - 1)
        if before in ("taking", "prescribed", "prescribe") or (
            before in ("of", "for", "the", "some")
            and document.word(index - 2)
            in ("milligrams", "mg", "dose", "prescription", "refill", "taking", "off")
        ):
            return True
        for step in (2, 3):
            if document.word(index + step) in (
                "mg",
                "milligrams",
                "mcg",
                "micrograms",
                "milligram",
            ):
                return not document.broken(index + 1)
        return False

    def _called(self, document: Document, index: int) -> bool:
        """Whether a cue stands before the word that a name often follows."""
        if document.word(index - 1) in self._policy.callings:
            return True
        return ending(self._policy.calling_phrases, document.words[max(0, index - 3) : index])

    def _person(self, document: Document, first: int, last: int, sure: bool = True) -> Tag:
        if (
            last < len(document)
            and document.seps[last] == ", "
            and document.words[last] in LETTERS
            and document.upper(last)
            and document.text[document.ends[last] : document.ends[last] + 1] == "."
        ):
            last += 1  # "Okafor, C."
        begin = first
        sep = document.seps[first]
        if (
            not document.cased
            and first > 1
            and document.words[first - 1] in LETTERS - {"a", "i", "o", "s"}
            and document.joined(first)
            and document.words[first - 2] in _INITIALED
        ):
            begin -= 1
        if (
            begin
            and document.words[begin - 1] in LETTERS
            and sep in (". ", " ", ".")
            and (document.capital(begin - 1) and document.words[begin - 1] not in ("i",))
        ):
            begin -= 1
            if (
                begin
                and document.words[begin - 1] in LETTERS
                and document.capital(begin - 1)
                and document.words[begin - 1] != "i"
            ):
                begin -= 1
        return Tag(begin, last, "NAME", "PERSON", sure)

    def _fielded(self, document: Document, flags: list[int], index: int) -> Tag | None:
        """Who stands after a field of a form: `Patient: WILKES, TANISHA R.`, `RE: L.T.`"""
        words = document.words
        first = index + 1
        if first >= len(words) or document.seps[first].strip() not in (":", "\u2013", "-"):
            return None
        if document.seps[first].strip() == "-" and document.seps[first] != " - ":
            return None
        last = first
        while (
            last < len(words)
            and last < first + 4
            and (last == first or document.seps[last] in (" ", ", ", ". ", ".", "-"))
            and (document.upper(last) or (document.seps[last] == "-" and last > first))
            and not flags[last] & (CLOSED | ALLOWED)
            and (words[last] in LETTERS or flags[last] & NAMELIKE or not flags[last] & WORD)
        ):
            last += 1
        if last == first or (last == first + 1 and words[first] in LETTERS):
            return None
        return Tag(first, last, "NAME", "PERSON")

    def _initials(self, document: Document, index: int) -> Tag | None:
        """Whom a note calls by initials: `Client R.T.`, `Pt. J. B.`"""
        last = index + 1
        if (
            document.word(index - 1) not in _CHARTED_AS
            or document.word(last) not in LETTERS
            or not document.capital(index)
            or not document.capital(last)
            or document.seps[last] not in (".", ". ")
        ):
            return None
        return Tag(index, last + 1, "NAME", "PERSON")

    def _spelled(self, document: Document, flags: list[int], index: int) -> Tag | None:
        """A name spelled letter by letter: `s i o b h a n`, `M-U-R-P-H-Y`."""
        words = document.words
        if index and words[index - 1] in LETTERS and document.joined(index):
            return None
        last = index
        while (
            last < len(words)
            and words[last] in LETTERS
            and (last == index or document.seps[last] in (" ", "-", ", ", ". ", ".", " - "))
        ):
            last += 1
        if last - index < 3:
            return None
        if last < len(words) and (
            words[last].isdecimal()
            or words[last]
            in (
                "one",
                "two",
                "three",
                "four",
                "five",
                "six",
                "seven",
                "eight",
                "nine",
                "oh",
                "zero",
            )
        ):
            return None
        for first in range(index, min(index + 2, last - 2)):
            if first > index and words[index] not in ("a", "i"):
                break
            joined = "".join(words[first:last])
            if joined in _ABBREVIATIONS:
                return None
            cued = bool(
                {"spelled", "spell", "spelt", "spelling", "name"} & set(document.left(index, 6))
            )
            known = self._flags.get(joined, 0)
            if (
                cued
                or (known & NAMELIKE and len(joined) >= 5)
                or (known & GIVEN and len(joined) == 4)
            ):
                return Tag(first, last, "NAME", "PERSON")
        return None

    # Places -------------------------------------------------------------------------------------

    def _long_place(
        self, document: Document, flags: list[int], index: int, cue: bool = False
    ) -> Tag | None:
        words = document.words
        for phrase in self._policy.places.get(words[index], ()):
            size = len(phrase)
            if tuple(words[index : index + size]) != phrase:
                continue
            if any(document.broken(index + step) for step in range(1, size)):
                continue
            capital = document.capital(index) and document.capital(index + size - 1)
            rare = any(not flags[index + step] & (WORD | ALLOWED) for step in range(size))
            before = document.word(index - 1)
            placed = cue or before in ("in", "near", "to", "from", "outside", "around")
            if document.cased and not capital:
                continue
            if capital or (rare and not flags[index] & GIVEN) or placed:
                last = index + size
                if words[last : last + 1] == ["city"] and document.joined(last):
                    last += 1
                return Tag(index, last, "GEO", "PLACE", sure=rare)
        return None

    def _place(self, document: Document, flags: list[int], index: int) -> Tag | None:
        words = document.words
        flag = flags[index]
        before = document.word(index - 1) if not document.broken(index) else ""
        placed = before in ("in", "to", "from", "near", "outside", "around", "at") or (
            before in ("downtown", "south", "north", "east", "west")
        )
        capital = document.capital(index)
        if document.cased and not capital:
            return None
        if flag & KEPT:
            return None
        if flag & WORD:
            if not (placed and capital):
                return None
        elif flag & (GIVEN | FAMILY) and not placed:
            return None
        if before in ("a", "an"):
            return None
        last = index + 1
        if (
            last < len(words)
            and words[last] in ("city", "heights", "beach", "springs", "falls", "county", "valley")
            and document.joined(last)
        ):
            last += 1
        return Tag(index, last, "GEO", "PLACE", sure=not flag & WORD)

    def _located(
        self, document: Document, flags: list[int], skip: set[int], index: int
    ) -> Tag | None:
        """A named place of ordinary words in a written text: `at Good Shepherd`."""
        if not document.capital(index) or document.word(index - 1) not in _WHERE:
            return None
        if not document.joined(index):
            return None
        last = index
        while (
            last < len(flags)
            and last < index + 4
            and (last == index or document.joined(last))
            and document.capital(last)
            and not flags[last] & (CLOSED | ALLOWED | TITLE | RELATION)
            and last not in skip
        ):
            last += 1
        if last - index < 2 or document.words[last - 1] in _STEPS:
            return None
        return Tag(index, last, "GEO", "ORGANIZATION")

    def _saint(self, document: Document, flags: list[int], index: int) -> Tag | None:
        """`saint vincent`, `St. Mary's`, `santa rosa`: a hospital, a school, a town."""
        words = document.words
        following = index + 1
        if following >= len(words) or document.seps[following] not in (" ", ". ", "."):
            return None
        if flags[following] & CLOSED or words[following] in LETTERS:
            return None
        if not flags[following] & NAMELIKE and flags[following] & WORD:
            return None
        if document.cased and not document.capital(following):
            return None
        if (
            words[index] in ("san", "santa")
            and not document.capital(index)
            and (document.word(index - 1) in ("the", "a"))
        ):
            return None
        last = following + 1
        if document.word(last) == "s" and document.seps[last] in ("'", "\u2019"):
            last += 1
        if last < len(flags) and flags[last] & FACILITY and document.joined(last):
            last = self._facility_end(document, flags, last)
        return Tag(index, last, "GEO", "ORGANIZATION")

    def _facility_end(self, document: Document, flags: list[int], index: int) -> int:
        last = index
        while (
            last < len(flags)
            and last < index + 3
            and (last == index or document.joined(last))
            and (
                flags[last] & FACILITY
                or document.words[last] in ("center", "centre", "school", "hall", "health")
            )
        ):
            last += 1
        return last

    def _facilities(self, document: Document, flags: list[int], skip: set[int]) -> Iterable[Tag]:
        """Named schools, clinics, streets: a name before the word for the thing."""
        words = document.words
        policy = self._policy
        for index, flag in enumerate(flags):
            if not flag & (FACILITY | STREET) or index == 0 or not document.joined(index):
                continue
            word = words[index]
            street = bool(flag & STREET)
            if street and word == "dr" and document.seps[index + 1 : index + 2] == [". "]:
                continue
            first = index
            distinct = False
            while first > max(0, index - 3) and (first == index or document.joined(first)):
                previous = first - 1
                before = flags[previous]
                if (
                    before & CLOSED
                    or words[previous] in policy.generic
                    or words[previous] in LETTERS
                ):
                    break
                if document.cased and not document.capital(previous):
                    break
                if (
                    not document.cased
                    and before & WORD
                    and not before & (NAMELIKE | PLACE)
                    and (first < index or word not in _STRONG_FACILITIES)
                    and not street
                ):
                    break
                if before & (RELATION | TITLE) and not document.capital(previous):
                    break
                if not street and not document.joined(first):
                    break
                distinct = distinct or before & (NAMELIKE | PLACE) != 0 or not before & WORD
                first = previous
                if street and first == index - 2:
                    break
            if first == index:
                continue
            if (
                street
                and first > 1
                and words[first - 1] in LETTERS
                and (words[first - 2] in _NUMBERISH or words[first - 2].isdecimal())
            ):
                first -= 1  # "Eighty two b sycamore street".
            before_word = document.word(first - 1)
            numbered = words[first - 1].isdecimal() or before_word in _NUMBERISH if first else False
            if street:
                tag = self._street(document, flags, index, first, numbered, before_word)
                if tag is not None:
                    yield tag
                continue
            capital = document.capital(index - 1)
            strong = (
                word in _STRONG_FACILITIES
                or (
                    word == "high"
                    and (
                        document.word(index + 1) == "school"
                        or document.broken(index + 1)
                        or before_word in ("at", "to", "from")
                    )
                )
                or (word in ("middle", "junior") and document.word(index + 1) in ("school", "high"))
            )
            if not strong and not capital:
                continue
            if not distinct and not capital and before_word not in ("at", "to", "from"):
                continue
            if (
                not capital
                and all(flags[step] & WORD for step in range(first, index))
                and (before_word not in ("at", "to", "from", "in"))
            ):
                continue
            yield Tag(
                first,
                self._facility_end(document, flags, index),
                "GEO",
                "ORGANIZATION",
                sure=distinct,
            )

    def _street(
        self,
        document: Document,
        flags: list[int],
        index: int,
        first: int,
        numbered: bool,
        before: str,
    ) -> Tag | None:
        words = document.words
        word = words[index]
        capital = document.capital(index - 1) and document.capital(index)
        if word in self._policy.streets_with_number and not numbered and not capital:
            return None
        if not numbered and not capital and before not in _BEFORE_STREET:
            return None
        if (
            not numbered
            and not capital
            and all(
                flags[step] & WORD and not flags[step] & (NAMELIKE | PLACE)
                for step in range(first, index)
            )
            and words[index - 1] not in _STREET_TREES
        ):
            return None
        begin = first
        if numbered:
            while (
                begin
                and (words[begin - 1] in _NUMBERISH or words[begin - 1].isdecimal())
                and (not document.broken(begin))
            ):
                begin -= 1
        return Tag(begin, index + 1, "GEO", "PLACE")


_STREET_TREES: Final = frozenset(
    """main oak maple elm pine cedar dogwood magnolia sycamore willow birch poplar walnut chestnut
    hickory spruce aspen juniper laurel cherry peach church mill bridge spring prairie meadow
    sunset highland ridge""".split()
)
_BEFORE_STREET: Final = frozenset(
    "on at off down and near not onto past over to from is its across along up by".split()
)
_NUMBERISH: Final = frozenset(
    """zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
    ninety hundred north south east west""".split()
)
