"""Decides how a person's note is made wrong in one known place, to measure whether that is found.

Its word lists and frames are its own: none is read from, or written from, the guards' lexicons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from countersign.transcript import Role, Transcript


@dataclass(frozen=True, slots=True)
class Planted:
    """A note with one error; `[start, end)` are the wrong words, in characters of `note`."""

    kind: str
    how: str
    note: str
    start: int
    end: int


_DRUGS = """
    sertraline Zoloft fluoxetine Prozac escitalopram Lexapro citalopram Celexa paroxetine Paxil
    venlafaxine Effexor duloxetine Cymbalta bupropion Wellbutrin mirtazapine Remeron trazodone
    lithium lamotrigine Lamictal valproate Depakote quetiapine Seroquel aripiprazole Abilify
    olanzapine Zyprexa risperidone Risperdal ziprasidone lurasidone Latuda cariprazine Vraylar
    lumateperone brexpiprazole Rexulti haloperidol clozapine lorazepam Ativan clonazepam
    Klonopin alprazolam Xanax diazepam Valium buspirone hydroxyzine Vistaril prazosin
    propranolol methylphenidate Concerta Ritalin Adderall Vyvanse atomoxetine Strattera
    guanfacine clonidine zolpidem Ambien eszopiclone Lunesta suvorexant ramelteon melatonin
    naltrexone Vivitrol buprenorphine Suboxone methadone disulfiram acamprosate gabapentin
    Neurontin pregabalin Lyrica topiramate Topamax carbamazepine Tegretol oxcarbazepine
    Trileptal donepezil Aricept memantine metformin Glucophage insulin lisinopril amlodipine
    Norvasc losartan metoprolol atenolol carvedilol hydrochlorothiazide furosemide Lasix
    atorvastatin Lipitor rosuvastatin Crestor simvastatin warfarin Coumadin apixaban Eliquis
    clopidogrel Plavix aspirin ibuprofen Motrin naproxen Aleve acetaminophen Tylenol tramadol
    Ultram oxycodone Percocet hydrocodone morphine meloxicam celecoxib prednisone albuterol
    fluticasone montelukast Singulair cetirizine Zyrtec loratadine Claritin omeprazole Prilosec
    pantoprazole famotidine Pepcid levothyroxine Synthroid amoxicillin azithromycin doxycycline
    ciprofloxacin cephalexin digoxin spironolactone allopurinol colchicine methotrexate
    sumatriptan Imitrex ondansetron Zofran tamsulosin Flomax finasteride tizanidine
    cyclobenzaprine Flexeril baclofen semaglutide Ozempic empagliflozin Jardiance glipizide
    sitagliptin Januvia zuranolone esketamine Spravato desvenlafaxine Pristiq vortioxetine
    Trintellix vilazodone amitriptyline nortriptyline doxepin imipramine phenelzine selegiline
    dextroamphetamine modafinil Provigil armodafinil
""".split()
_DIAGNOSES = """
    bipolar disorder|schizophrenia|borderline personality disorder|obsessive-compulsive
    disorder|PTSD |panic disorder|generalized anxiety disorder|social anxiety disorder|major
    depressive disorder|ADHD |autism spectrum disorder|anorexia nervosa|bulimia nervosa|binge
    eating disorder|alcohol use disorder |opioid use disorder|cannabis use
    disorder|schizoaffective disorder|dysthymia|cyclothymia|agoraphobia |adjustment
    disorder|dissociative identity disorder|narcissistic personality disorder|dementia
    |Alzheimer's disease|Tourette syndrome|trichotillomania|delusional disorder|postpartum
    depression |attention deficit hyperactivity disorder|post-traumatic stress disorder|bipolar
    II disorder |premenstrual dysphoric disorder|hoarding disorder|intermittent explosive
    disorder|antisocial personality disorder |asthma|COPD|hypertension|type 2
    diabetes|hypothyroidism|epilepsy|multiple sclerosis|Parkinson's disease |rheumatoid
    arthritis|osteoarthritis|lupus|fibromyalgia|migraine|stroke|atrial fibrillation |congestive
    heart failure|coronary artery disease|chronic kidney disease|hepatitis C|HIV|cirrhosis
    |Crohn's disease|ulcerative colitis|irritable bowel syndrome|celiac
    disease|gout|osteoporosis |breast cancer|prostate cancer|lung
    cancer|leukemia|lymphoma|anemia|pneumonia|tuberculosis |sleep
    apnea|glaucoma|psoriasis|eczema|GERD|pancreatitis|diverticulitis|hyperlipidemia
""".replace("\n", " ").split("|")
_DIAGNOSES = [" ".join(name.split()) for name in _DIAGNOSES]
_DENIABLE = """
    suicidal ideation|homicidal ideation|self-harm|auditory hallucinations|visual
    hallucinations|paranoia |panic attacks|nightmares|flashbacks|racing thoughts|binge
    eating|purging|alcohol use|drug use |cannabis use|tobacco use|access to firearms|domestic
    violence|insomnia|appetite changes|weight loss |hopelessness|mania|side effects from
    medication|compulsive checking|gambling|legal problems |financial stress|marital
    conflict|chest pain|shortness of breath|palpitations|dizziness|nausea|vomiting
    |diarrhea|constipation|fever|chills|night sweats|headaches|blurry vision|hearing
    loss|rash|joint swelling |back pain|numbness|hematuria|dysuria|hemoptysis|seizures|recent
    travel|sick contacts|drug allergies |recent falls|memory loss|any history of head
    injury|prior hospitalizations|family history of suicide |loss of consciousness|abdominal
    pain|leg swelling|wheezing|cough|sore throat|bleeding
""".replace("\n", " ").split("|")
_DENIABLE = [" ".join(name.split()) for name in _DENIABLE]
_QUOTES = (
    "I just do not see the point of any of this anymore",
    "My brother has always been the favorite in our family",
    "I feel like I am finally turning a corner with this",
    "Honestly, nobody at work even notices whether I am there",
    "I have been drinking a lot more than I let on",
    "It feels like a heavy weight sitting on my shoulders",
    "I would never do anything to hurt my kids",
    "I threw all of my pills down the toilet last weekend",
)
_SCOPE = {
    "plan": (
        "Plan: weekly cognitive behavioral therapy for twelve weeks.",
        "Will begin EMDR to process childhood memories.",
        "Continue supportive psychotherapy every other week.",
        "The patient will be referred to a partial hospitalization program.",
        "Recommend dialectical behavior therapy skills group.",
        "Treatment goals include reducing avoidance and improving assertiveness.",
        "Next session will focus on exposure hierarchy.",
        "Follow up in six months with neuropsychological testing.",
        "The treatment plan was updated to include family sessions.",
        "Patient should start a structured exercise program and mindfulness course.",
        "We will work on cognitive restructuring over the coming months.",
        "Refer to psychiatry for evaluation of mood stabilizers.",
        "The patient would benefit from inpatient rehabilitation.",
    ),
    "prescription": (
        "A new antidepressant was prescribed.",
        "Increase the dose at the next visit.",
        "Start on a sleep aid at bedtime.",
        "Her mood stabilizer will be tapered over two weeks.",
        "Refill sent to the pharmacy for the anxiolytic.",
        "The stimulant was discontinued today.",
        "Switch to a different antipsychotic next month.",
    ),
    "risk": (
        "Risk for suicide is assessed as low.",
        "Overall risk level: moderate.",
        "Patient is not at imminent risk of harm to self or others.",
        "Acute suicide risk is judged to be minimal.",
        "The patient is safe to go home.",
        "Patient is at low risk for self-injury.",
        "No safety concerns at this time.",
        "Protective factors outweigh risk factors.",
        "Patient contracted for safety.",
        "Risk of violence is high.",
    ),
    "emotion": (
        "Patient appeared despondent and tearful.",
        "She seemed resentful throughout the visit.",
        "Affect was blunted and constricted.",
        "He looked terrified while speaking.",
        "Mood was dysphoric with labile affect.",
        "The patient came across as jealous and bitter.",
        "He was visibly ashamed.",
        "Her tone suggested deep loneliness.",
        "Patient presented as euphoric.",
        "The patient sounded heartbroken.",
    ),
    "diagnosis": (
        "Presentation is consistent with a personality disorder.",
        "Patient meets criteria for a psychotic disorder.",
        "Diagnostic impression: complex trauma.",
        "Symptoms are suggestive of a neurodevelopmental condition.",
        "Prognosis is guarded.",
    ),
}
_CONSENT = (
    "Patient gave verbal consent to be recorded.",
    "Informed consent was obtained for telehealth.",
    "The patient consented to the use of an AI scribe.",
    "Limits of confidentiality were reviewed and the patient agreed.",
    "The patient signed a release of information for her family.",
    "Consent for treatment was obtained and documented.",
    "Patient was informed that the session is being recorded and agreed.",
    "The risks and benefits were discussed and the patient agreed to proceed.",
    "The patient authorized disclosure of records to the school.",
    "HIPAA notice of privacy practices was provided.",
    "Patient expressed understanding of and agreement with audio recording.",
    "Permission to contact the spouse was granted by the patient.",
)
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
_TENS = dict(
    zip("thirty forty fifty sixty seventy eighty ninety".split(), range(30, 100, 10), strict=True)
)
_SENTENCE = re.compile(r"[^\n.!?]*[^\n.!?\s](?:[.!?]+(?=\s|$)|\.(?=\d)|(?=\n|$))")
_DOSE = re.compile(
    r"\b(\d+(?:\.\d+)?)(?= ?(?:mg|mcg|milligrams?|micrograms?|units|ml|grams?)\b)", re.I
)
_UNIT = re.compile(r"(?<=\d)( ?)(mg|mcg|milligrams?|micrograms?)\b", re.I)
_TIMES = re.compile(
    r"\b(once|twice|three times|four times)(?= (?:a|per|every) day\b| daily\b)", re.I
)
_NUMBER = re.compile(
    r"(?<![\w./-])(?:\d{1,3}(?:\.\d)?(?![\w/])|(?:"
    + "|".join([*_ONES[2:], *_TENS])
    + r"))\b(?![-/]\w| ?(?:mg|mcg|milli|unit|%))",
    re.I,
)
_ROLES = {
    "duration": r"\s?-?(?:days?|weeks?|months?|years?|hours?|minutes?|nights?)\b(?!-old| old)",
    "age": r"\s?-?(?:years?|yrs?|y)?[ -]?(?:old|/o)\b",
    "frequency": r"\s(?:times|drinks|beers|cigarettes|packs|cups|sessions|episodes|attacks)\b",
}


def plantings(note: str, transcript: Transcript, seed: str) -> Iterator[Planted]:
    """One copy of `note` for each way to make it wrong that fits it, always the same for a seed."""
    for kind, how, make in _WAYS:
        random = Random(f"{seed}/{kind}/{how}")  # noqa: S311
        made = make(note, transcript, random)
        if made is not None:
            text, start, end = made
            yield Planted(kind, how, text, start, end)


_Made = tuple[str, int, int] | None
_Way = Callable[[str, Transcript, Random], _Made]


def _said(transcript: Transcript) -> str:
    return " ".join(turn.text for turn in transcript.turns).lower()


def _swap(note: str, start: int, end: int, words: str, wider: tuple[int, int] = (0, 0)) -> _Made:
    """Replaces `note[start:end]`; the error reaches `wider` characters before and after it."""
    text = note[:start] + words + note[end:]
    return text, max(0, start - wider[0]), min(len(text), start + len(words) + wider[1])


def _insert(note: str, sentence: str, wrong: str, random: Random) -> _Made:
    """Puts a sentence of its own after one that ends with a full stop."""
    ends = [m.end() for m in re.finditer(r"\.(?=\s|$)", note)]
    at = random.choice(ends) if ends else len(note)
    lead = " " if ends else "\n"
    begin = at + len(lead) + sentence.index(wrong)
    return note[:at] + lead + sentence + note[at:], begin, begin + len(wrong)


def _fresh(names: Sequence[str], note: str, transcript: Transcript, random: Random) -> str:
    """A name of which no word of weight stands in the note or the session."""
    have = _said(transcript) + " " + note.lower()
    for name in random.sample(names, len(names)):
        words = [w for w in re.findall(r"[a-z]{4,}", name.lower()) if w not in _WEAK]
        if not any(word[:6] in have for word in words or [name.lower()]):
            return name
    return names[0]


_WEAK = frozenset("disorder disease syndrome type with history from recent medication".split())


def _drug_swapped(note: str, transcript: Transcript, random: Random) -> _Made:
    names = "|".join(map(re.escape, _DRUGS))
    hits = list(re.finditer(rf"\b(?:{names})\b", note, re.I))
    if not hits:
        return None
    hit = random.choice(hits)
    return _swap(note, hit.start(), hit.end(), _fresh(_DRUGS, note, transcript, random))


def _drug_added(note: str, transcript: Transcript, random: Random) -> _Made:
    drug = _fresh(_DRUGS, note, transcript, random)
    frame = random.choice(
        (
            "The patient takes {}.",
            "She was given {} last year.",
            "He tried {} without benefit.",
            "Current medications include {}.",
            "{} was helpful in the past.",
        )
    )
    return _insert(note, frame.format(drug), drug, random)


def _dose_changed(note: str, transcript: Transcript, random: Random) -> _Made:
    hits = list(_DOSE.finditer(note))
    if not hits:
        return None
    hit = random.choice(hits)
    value = float(hit[1])
    for factor in random.sample((2, 0.5, 1.5, 3, 10, 0.1, 4), 7):
        words = f"{value * factor:g}"
        if not re.search(rf"\b{re.escape(words)}\b", _said(transcript) + note):
            return _swap(note, *hit.span(1), words, (0, 12))
    return None


def _dose_unit(note: str, transcript: Transcript, random: Random) -> _Made:
    hits = list(_UNIT.finditer(note))
    if not hits:
        return None
    hit = random.choice(hits)
    other = {"mg": "mcg", "mcg": "mg"}.get(hit[2].lower())
    other = other or ("micrograms" if hit[2].lower().startswith("milli") else "milligrams")
    return _swap(note, *hit.span(2), other, (6, 0))


def _dose_added(note: str, transcript: Transcript, random: Random) -> _Made:
    names = "|".join(map(re.escape, _DRUGS))
    said = _said(transcript)
    hits = [
        m
        for m in re.finditer(rf"\b(?:{names})\b(?!\s*\d)", note, re.I)
        if m.group().lower() in said
    ]
    if not hits:
        return None
    hit = random.choice(hits)
    dose = next(
        d for d in random.sample((35, 175, 65, 85, 425, 625), 6) if str(d) not in said + note
    )
    text, _, _ = _swap(note, hit.end(), hit.end(), f" {dose} mg") or ("", 0, 0)
    return text, hit.end() + 1, hit.end() + 1 + len(f"{dose} mg")


def _often(note: str, transcript: Transcript, random: Random) -> _Made:
    hits = list(_TIMES.finditer(note))
    if not hits:
        return None
    hit = random.choice(hits)
    said = _said(transcript)
    others = [w for w in ("once", "twice", "three times", "four times") if w != hit[1].lower()]
    words = next((w for w in random.sample(others, 3) if w not in said), None)
    return _swap(note, *hit.span(1), words, (0, 10)) if words else None


def _diagnosis_added(note: str, transcript: Transcript, random: Random) -> _Made:
    name = _fresh(_DIAGNOSES, note, transcript, random)
    frame = random.choice(
        (
            "Past history is significant for {}.",
            "The patient has {}.",
            "Diagnosis: {}.",
            "She was told years ago that she has {}.",
            "He carries a diagnosis of {}.",
            "Assessment: {}, stable.",
        )
    )
    return _insert(note, frame.format(name), name, random)


def _diagnosis_swapped(note: str, transcript: Transcript, random: Random) -> _Made:
    names = "|".join(map(re.escape, _DIAGNOSES))
    hits = list(re.finditer(rf"\b(?:{names})\b", note, re.I))
    if not hits:
        return None
    hit = random.choice(hits)
    return _swap(note, hit.start(), hit.end(), _fresh(_DIAGNOSES, note, transcript, random))


def _value(words: str) -> float:
    low = words.lower()
    return float(low) if low[0].isdigit() else float(_TENS.get(low) or _ONES.index(low))


def _words(value: float) -> str:
    if value <= 20:
        return _ONES[int(value)]
    tens = {v: k for k, v in _TENS.items()} | {20: "twenty"}
    rest = int(value) % 10
    return tens.get(int(value) - rest, "ninety") + (f"-{_ONES[rest]}" if rest else "")


def _spoken(value: float, said: str) -> bool:
    forms = {f"{value:g}"}
    if value == int(value) and value < 100:
        forms |= {_words(value), _words(value).replace("-", " ")}
    forms |= {2: {"twice", "couple", "both"}, 1: {"a", "once"}}.get(int(value), set())
    return any(re.search(rf"\b{re.escape(form)}\b", said) for form in forms)


def _checkable(note: str) -> Iterator[re.Match[str]]:
    """Numbers that say something: no item of a list and no name such as "type 2"."""
    for m in _NUMBER.finditer(note):
        line = note[note.rfind("\n", 0, m.start()) + 1 : m.start()].strip(" -\u2022")
        numbered = note[m.end() : m.end() + 1] in {".", ")"} and (
            not line or re.search(r"[.:]\s*$", note[: m.start()])
        )
        if not numbered and not re.search(r"\b(?:type|stage|grade)\s*$", note[: m.start()], re.I):
            yield m


def _changed(role: str, *, borrowed: bool) -> _Way:
    def make(note: str, transcript: Transcript, random: Random) -> _Made:
        said = _said(transcript)
        hits = [m for m in _checkable(note) if _spoken(_value(m.group()), said)]
        kinds = {
            id(m): next(
                (r for r, p in _ROLES.items() if re.match(p, note[m.end() :], re.I)), "other"
            )
            for m in hits
        }
        hits = [m for m in hits if kinds[id(m)] == role]
        if not hits:
            return None
        hit = random.choice(hits)
        value = _value(hit.group())
        pool = [value + step for step in (-3, -2, -1, 1, 2, 3, 5, 7, 10, 20) if value + step >= 2]
        near = note[max(0, hit.start() - 20) : hit.end() + 20].lower()
        pool = [v for v in pool if v == int(v) and v < 100 and _spoken(v, said) == borrowed]
        pool = [v for v in pool if not _spoken(v, near)]
        if not pool:
            return None
        new = random.choice(pool)
        words = f"{new:g}" if hit.group()[0].isdigit() else _words(new)
        return _swap(note, hit.start(), hit.end(), words, (0, 10))

    return make


def _spelled(note: str, transcript: Transcript, random: Random) -> _Made:
    """A digit written as the word of another number."""
    said = _said(transcript)
    hits = [
        m
        for m in _checkable(note)
        if m.group()[0].isdigit()
        and "." not in m.group()
        and 2 <= _value(m.group()) <= 60
        and _spoken(_value(m.group()), said)
    ]
    if not hits:
        return None
    hit = random.choice(hits)
    pool = [_value(hit.group()) + step for step in (-2, 1, 2, 4, 6, 9)]
    pool = [v for v in pool if v >= 2 and not _spoken(v, said)]
    return _swap(note, *hit.span(), _words(random.choice(pool)), (0, 10)) if pool else None


def _number_added(note: str, transcript: Transcript, random: Random) -> _Made:
    said = _said(transcript)
    n = next(n for n in random.sample(range(11, 29), 18) if not _spoken(n, said))
    frame, wrong = random.choice(
        (
            ("The PHQ-9 score was {}.", "{}"),
            ("This has gone on for {} months.", "{} months"),
            ("She has been seen {} times before.", "{} times"),
            ("He sleeps {} hours a day.", "{} hours"),
            ("He has {} cousins.", "{}"),
            ("She moved here {} years ago.", "{} years"),
        )
    )
    return _insert(note, frame.format(n), wrong.format(n), random)


# pattern, what it becomes: each turns a clause round. The error reaches to the clause's end.
_TO_AFFIRMED = (
    (r"\bdenies (?:any |having )?", "reports "),
    (r"\bdenied (?:any |having )?", "reported "),
    (r"\bhas not had\b", "has had"),
    (r"\bhas not\b", "has"),
    (r"\bhave not\b", "have"),
    (r"\bdoes not (?=\w+)", "does "),
    (r"\bdid not (?=\w+)", "did "),
    (r"\bis not\b", "is"),
    (r"\bwas not\b", "was"),
    (r"\bwithout (?:any )?", "with "),
    (r"\bnegative for\b", "positive for"),
    (r"\b(?:has|had) no\b", "has"),
    (r"\b(?:reports|reported|endorses) no\b", "reports"),
    (r"\bnever\b", "often"),
    (r"\bno longer\b", "still"),
    (r"\bstopped\b", "continues"),
    (r"\b[Nn]o (?=(?:history|known|other|recent|current|significant)\b)", "Has "),
)
_TO_DENIED = (
    (r"\breports (?!no\b|that\b)", "denies "),
    (r"\breported (?!no\b|that\b)", "denied "),
    (r"\b(?:endorses|admits to) (?!no\b)", "denies "),
    (r"\bcomplains of\b", "denies"),
    (r"\bhas been (?!no|un)", "has not been "),
    (r"\bhas had\b", "has never had"),
    (r"(?<!has )(?<!have )\bhad (?:a )?(?!no\b|not\b|\w+ed\b|been\b|never\b)", "never had "),
    (
        r"\bhas (?:a |an |some )?(?!\w+(?:ed|en|ne|wn|no|not|been|had|to|also|since|now)\b"
        r"|a\b|an\b|\d)",
        "has no ",
    ),
    (r"\bis (?!no\b|not\b)", "is not "),
    (r"\bwas (?!no\b|not\b)", "was not "),
    (r"\bcontinues to (?:take|use|have|experience|smoke|drink)\b", "has stopped"),
    (r"\bis (?:currently )?taking\b", "is no longer taking"),
    (r"\btakes\b", "stopped taking"),
    (r"\bpositive for\b", "negative for"),
    (r"\bstates (?:that )?(?:he|she|they) (?:is|was)\b", "denies that she is"),
    (r"\bwith (?:some )?(?=pain|nausea|cough|fever|anxiety|sadness|panic|swelling)", "without "),
)
_CLAUSE = re.compile(r"[^.;:!?\n]{0,60}?(?=[,.;:!?\n]|\band\b|\bbut\b|$)")
_EXAM = re.compile(r"exam|physical|result|impression|review of|vital|assess|plan|lab", re.I)


def _flipped(frames: Sequence[tuple[str, str]], about: str) -> _Way:
    def make(note: str, transcript: Transcript, random: Random) -> _Made:
        said = set(re.findall(r"[a-z]{4,}", _said(transcript)))
        places = []
        for pattern, words in frames:
            for m in re.finditer(pattern, note):
                clause = _CLAUSE.match(note, m.end())
                rest = clause.group() if clause else ""
                spoken = [w for w in re.findall(r"[a-z]{4,}", rest.lower()) if w in said]
                whole = note[max(note.rfind(stop, 0, m.start()) for stop in ".\n") + 1 : m.start()]
                if re.search(r"\b(?:if|not|whether|unless|never|no)\b", whole, re.I):
                    continue
                if spoken and _section(note, m.start()) == about:
                    places.append((m, words, rest))
        if not places:
            return None
        m, words, rest = random.choice(places)
        return _swap(note, *m.span(), words, (0, len(rest)))

    return make


def _section(note: str, at: int) -> str:
    """`told` for what the patient said, `exam` for what the clinician found and decided."""
    heads = re.findall(r"^\s*([A-Z][A-Za-z ]{2,40}?):?\s*$", note[:at], re.M)
    return "exam" if heads and _EXAM.search(heads[-1]) else "told"


def _denial_added(note: str, transcript: Transcript, random: Random) -> _Made:
    what = _fresh(_DENIABLE, note, transcript, random)
    frame, wrong = random.choice(
        (
            ("Patient denies {}.", "denies {}"),
            ("She denied {}.", "denied {}"),
            ("No {}.", "No {}"),
            ("There is no {}.", "no {}"),
            ("He has never had {}.", "never had {}"),
            ("Negative for {}.", "Negative for {}"),
            ("The patient is without {}.", "without {}"),
            ("She reports no {}.", "no {}"),
            ("He has not experienced {}.", "not experienced {}"),
        )
    )
    return _insert(note, frame.format(what), wrong.format(what), random)


_PATIENT_SAYS = re.compile(
    r"\b(?:[Tt]he )?[Pp]atient(?= (?:reports?|reported|states?|stated|notes?|noted|says|said"
    r"|describes?|described"
    r"|denies|denied|endorses|complains|admits|mentions|mentioned|feels|believes|explains)\b)"
)
_CLINICIAN_SAYS = re.compile(
    r"\b(?:I|[Tt]he (?:doctor|provider|physician|therapist|clinician))"
    r"(?= (?:recommended|recommend|explained|suggested"
    r"|advised|discussed|asked|encouraged|told|instructed|noted|counseled)\b)"
)


def _speaker(pattern: re.Pattern[str], others: Sequence[str]) -> _Way:
    def make(note: str, transcript: Transcript, random: Random) -> _Made:
        hits = list(pattern.finditer(note))
        if not hits:
            return None
        hit = random.choice(hits)
        words = random.choice(others)
        if hit.group()[0].isupper():
            words = words[0].upper() + words[1:]
        return _swap(note, *hit.span(), words, (0, 60))

    return make


_QUOTABLE = re.compile(r"[^.?!]+[.?!]")


def _quotable(transcript: Transcript, role: Role, random: Random) -> str | None:
    found = [
        m.group().strip(" .?!")
        for turn in transcript.turns
        if turn.role is role
        for m in _QUOTABLE.finditer(turn.text)
        if 6 <= len(m.group().split()) <= 25
    ]
    return random.choice(found) if found else None


_TURNED = {
    "always": "never",
    "never": "always",
    "more": "less",
    "less": "more",
    "better": "worse",
    "worse": "better",
    "good": "bad",
    "bad": "good",
    "can": "can't",
    "can't": "can",
    "do": "don't",
    "was": "wasn't",
    "is": "isn't",
    "am": "am not",
    "have": "haven't",
    "not": "really",
    "i'm": "i'm not",
    "mother": "sister",
    "work": "church",
    "night": "morning",
    "week": "year",
    "pain": "joy",
    "my": "your",
}


def _quote_altered(note: str, transcript: Transcript, random: Random) -> _Made:
    said = _quotable(transcript, Role.PATIENT, random)
    if said is None:
        return None
    words = said.split()
    places = [i for i, w in enumerate(words) if w.lower() in _TURNED] or [len(words) // 2]
    at = random.choice(places)
    words[at] = _TURNED.get(words[at].lower(), "certainly not")
    quoted = " ".join(words)
    return _insert(note, f'The patient stated, "{quoted}."', quoted, random)


def _quote_invented(note: str, transcript: Transcript, random: Random) -> _Made:
    quoted = random.choice(_QUOTES)
    frame = random.choice(
        (
            'The patient stated, "{}."',
            "Patient said: \u201c{}.\u201d",
            "She put it as '{}.'",
            '"{}," he said.',
        )
    )
    return _insert(note, frame.format(quoted), quoted, random)


def _quote_second(note: str, transcript: Transcript, random: Random) -> _Made:
    """A true first sentence and an invented second one between the same marks."""
    said = _quotable(transcript, Role.PATIENT, random)
    if said is None:
        return None
    quoted = random.choice(_QUOTES)
    return _insert(note, f'Patient stated, "{said}. {quoted}."', quoted, random)


def _quote_stolen(note: str, transcript: Transcript, random: Random) -> _Made:
    said = _quotable(transcript, Role.THERAPIST, random)
    if said is None:
        return None
    return _insert(note, f'The patient stated, "{said}."', f'The patient stated, "{said}', random)


def _sentence(sentences: Sequence[str]) -> _Way:
    def make(note: str, transcript: Transcript, random: Random) -> _Made:
        sentence = random.choice(sentences)
        return _insert(note, sentence, sentence, random)

    return make


_WAYS: tuple[tuple[str, str, _Way], ...] = (
    ("medication", "swapped", _drug_swapped),
    ("medication", "added", _drug_added),
    ("dose", "changed", _dose_changed),
    ("dose", "unit", _dose_unit),
    ("dose", "added", _dose_added),
    ("dose", "how often", _often),
    ("diagnosis", "added", _diagnosis_added),
    ("diagnosis", "swapped", _diagnosis_swapped),
    *(
        (
            "number",
            f"{role}{', said elsewhere' if borrowed else ''}",
            _changed(role, borrowed=borrowed),
        )
        for role in (*_ROLES, "other")
        for borrowed in (False, True)
    ),
    ("number", "spelled out", _spelled),
    ("number", "added", _number_added),
    *(
        ("negation", f"{name}, {about}", _flipped(frames, about))
        for name, frames in (("affirmed", _TO_AFFIRMED), ("denied", _TO_DENIED))
        for about in ("told", "exam")
    ),
    ("negation", "denial added", _denial_added),
    (
        "speaker",
        "patient to clinician",
        _speaker(_PATIENT_SAYS, ("the doctor", "the therapist", "the clinician")),
    ),
    (
        "speaker",
        "patient to relative",
        _speaker(_PATIENT_SAYS, ("the patient's mother", "her husband", "his sister")),
    ),
    ("speaker", "clinician to patient", _speaker(_CLINICIAN_SAYS, ("the patient", "he", "she"))),
    ("quote", "altered", _quote_altered),
    ("quote", "invented", _quote_invented),
    ("quote", "second sentence invented", _quote_second),
    ("quote", "another's", _quote_stolen),
    *(("scope", name, _sentence(sentences)) for name, sentences in _SCOPE.items()),
    ("consent", "added", _sentence(_CONSENT)),
)
