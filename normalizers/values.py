"""Numbers, amounts of money, periods and dates as people write them, as SQL macros for the programs of the feeds.

`1.240` is 1,240 where a comma marks decimals and 1.24 where a point does, so a number is never read without its mark.
A text that is not wholly of the form that is asked for is null: what was written stands in `value_text`.

`quantity` reads what stands in cells and sentences of observatories: Indian and western groups of digits, number words,
lakh and crore, currencies, `about` and `more than`, ranges, and two readings of one figure that may contradict each
other. Money is returned as a plain amount of its ISO 4217 currency.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_SIGNS = {"INR": "[₹`]", "EUR": "€", "GBP": "£", "PLN": "zł(?:otych)?"}
_CODES = {
    "INR": r"rs|inr|rupees?|roupies?|rupien",
    "USD": r"us ?\$|u\.s\. ?\$|usd|us dollars?",
    "COP": r"cop|col ?\$",
    "CAD": r"ca? ?\$|c[ad]n ?\$|cad|canadian dollars?|\$ ?ca(?:d|n)?",
    "EUR": r"eur|euros?",
    "GBP": r"gbp|pounds?",
    "BRL": r"r ?\$|brl|rea(?:l|is)",
    "PLN": r"pln",
    "MXN": r"mx ?\$|mxn|\$ ?mxn?",
    "MYR": r"rm|myr|ringgits?",
    "ZAR": r"zar|rands?",
}
"""ISO 4217 code → how it is written; a bare dollar is what the program says that it is."""

_INITIAL = {"ZAR": "r"}
"""ISO 4217 code → a letter that names it before a figure and in a unit, and nowhere else."""

_SCALES = {
    100: {"en": "hundreds?"},
    1_000: {
        "en": "thousands?|k",
        "de": "tsd|tausend",
        "fr": "milliers?|mille",
        "it": "mila|migliaia",
        "es": "mil|miles",
        "pt": "mil|milhares",
        "pl": "tys|tysi(?:ące|ęcy|ąc)",
        "nl": "duizend",
        "sv": "tusen",
        "ms": "ribu",
    },
    100_000: {"en": "lakhs?|lacs?|laks?"},
    1_000_000: {
        "en": "millions?|mn|m",
        "de": "millionen|mio",
        "fr": "millions?",
        "it": "milion[ei]",
        "es": "millones|millón",
        "pt": "milhões|milhão|mi",
        "pl": "mln|milion(?:y|ów)?",
        "nl": "miljoen",
        "sv": "miljon(?:er)?",
        "ms": "juta",
    },
    10_000_000: {"en": "crores?|crs?"},
    1_000_000_000: {
        "en": "billions?|bn|b",
        "de": "milliarden|mrd",
        "fr": "milliards?|mds?",
        "it": "miliard[oi]",
        "pt": "bilhões|bilhão|bi",
        "pl": "mld|miliard(?:y|ów)?",
        "nl": "miljard",
        "sv": "miljard(?:er)?",
        "ms": "bilion",
    },
    1_000_000_000_000: {"en": "trillions?|tn"},
}
"""Multiplier → language (ISO 639) → how it is written; Hindi is in `_HINDI`. A lakh is 100,000, a crore 10,000,000; several, one after the other, multiply: the `mil
millones` of Spanish are 1e9. What means one thing here and another there (`billones`) is left out."""

_ABOUT_IN = {  # by language, ISO 639
    "en": r"about|around|approx(?:imately)?\.?|appx\.?|nearly|almost|roughly|some|circa|ca?\.|~|≈|±|close to|estimated(?: at)?|est\.|appr\.?",
    "fr": r"environ|env\.|près de|presque|autour de",
    "de": r"rund|rd\.|etwa|zirka|ungefähr|fast",
    "es, pt": r"unos|unas|cerca de|aprox(?:imada(?:mente)?)?\.?|alrededor de|por volta de|quase|casi",
    "it": r"quasi",
    "pl": r"ok\.|około|prawie",
    "nl": r"ongeveer|bijna",
    "sv": r"ungefär|omkring",
    "ms": r"kira-kira|hampir",
}
_ABOUT = "|".join(_ABOUT_IN.values())
_ABOUT_BEHIND = r"approx(?:imate(?:ly)?)?|appx|appr|circa|ca|roughly|estimated?|estimates|est|or so|environ|env|aprox(?:imada(?:mente)?)?|ungefähr"
"""What says `about` where it stands behind a figure; single letters do not: they are flags of a table as well."""
_OVER_IN = {
    "en": r"(?:well |just )?(?:more than|over|above|at least|exceed(?:s|ing)|upwards? of|greater than|in excess of|not less than"
    r"|minimum(?: of)?|min\.?)|>=?|≥",
    "fr": r"plus de|au moins",
    "de": r"mehr als|über|mindestens",
    "it": r"oltre|più di|almeno",
    "es": r"m[aá]s de|al menos",
    "pt": r"mais de|pelo menos",
    "pl": r"ponad|powyżej|co najmniej",
    "nl": r"meer dan|minstens",
    "sv": r"mer än|över|minst",
    "ms": r"lebih dari(?:pada)?",
}
_OVER = "|".join(_OVER_IN.values())
_UNDER_IN = {
    "en": r"(?:just )?(?:less than|under|below|up ?to|fewer than|at most|not more than|maximum(?: of)?|max\.?)|<=?|≤",
    "fr": r"moins de|jusqu'à",
    "de": r"weniger als|unter|bis zu|höchstens",
    "it": r"meno di|fino a",
    "es, pt": r"menos de|hasta|até",
    "pl": r"poniżej|mniej niż|do",
    "nl": r"minder dan|hoogstens",
    "sv": r"mindre än|högst",
    "ms": r"kurang dari(?:pada)?",
}
_UNDER = "|".join(_UNDER_IN.values())
_AND_OVER = r"\+|plus|(?:and|or|&) (?:above|more|over)"
_AND_UNDER = r"(?:and|or|&) (?:below|less|fewer|under)"

_WORDS = {
    word: str(number)
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    word: str(number * 10)
    for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}

_COUNTED = (
    r"(?:(?:ssi|msme|sme|small|micro|medium|large|foundry|industrial|skilled|direct|registered) )?"
    r"(?:units?|firms?|enterprises?|industr(?:y|ies)|msmes?|smes?|ssis?|persons?|people|workers?|employees?|workforce"
    r"|artisans?|craftsmen|weavers?|looms?|handlooms?|power ?looms?|jobs?|nos?\.?|numbers?|members?|compan(?:y|ies)"
    r"|establishments?|famil(?:y|ies)|households?|factor(?:y|ies)|workshops?|beneficiar(?:y|ies)|clusters?"
    r"|entreprises|employés|emplois|personnes|salariés|beschäftigte|betriebe|unternehmen|mitarbeiter|personen"
    r"|imprese|addetti|membres|adhérents|etp|fte|vzä|mitglieder|miembros|socios|proveedores|associados|membros|soci|empresas|trabajadores|trabalhadores|pessoas|personas|firm|osób|bedrijven|företag)"
)
_OF_WHICH = r"(?:out )?of (?:which|whom|these)|including|incl\.|dont|davon|darunter|di cui|de (?:l[oa]s|ell[oa]s) cuales|d[oa]s quais"
_ASIDE = (
    r"per annum|p\.? ?a\.?|per year|annually|a year|/ ?year|/ ?yr|yearly|only|/-|in total|total|in all|par an|pro jahr|"
    r"directly|indirectly|employed"
)
"""What may stand after a number without making it another one."""

_YEARS = r"(?:(?:fy ?)?(?:19|20)[0-9]{2}(?:[-/](?:(?:19|20)[0-9]{2}|[0-9]{2}))?|fy ?[0-9]{2}(?:[-/][0-9]{2})?)"
_EXPONENTS = r"\p{L}|[kcdmhµ]m|ft|yd|mi|in|sq\.? ?m"
"""After which a raised 2 or 3 is an exponent, and no mark of a footnote: `5 m²`."""
_LETTER = r"[mb]i?\.?"
"""A letter, or `mi` and `bi` of Portuguese, that is a multiplier of money, and of nothing else: `5 m` are metres, `140 b` has the flag of a break."""
_PERCENT = r"%|per ?cent[oi]?\b|pct\b\.?|prozent\b|pour ?cent\b|v\. ?h\.|vom hundert\b|por ?c[ie]e?nto\b|procent\b"
_NAMES = "|".join(_CODES.values())
_DOLLARS = r"us ?\$|u\.s\. ?\$|ca? ?\$|c[ad]n ?\$|\$ ?ca(?:d|n)?|r ?\$|mx ?\$"
_SIGN = "|".join((*_SIGNS.values(), "[$]"))
_CURRENCY_BEFORE = rf"\b(?:{_NAMES}|dollars?|d[oó]lares|{'|'.join(_INITIAL.values())})\.?|{_SIGN}"
_CURRENCY_AFTER = rf"(?:{_DOLLARS})|(?:{_NAMES}|dollars?|d[oó]lares|pesos?)\b\.?|{_SIGN}"
_OF = r"(?:d'|de |di |da |of )"
"""What may stand between a multiplier and its currency: `millions d'euros`, `migliaia di euro`."""
_SCALE = "|".join(words for of in _SCALES.values() for words in of.values())
_NUMBERS = {
    ".": (
        r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,3}(?:'[0-9]{3})+|[0-9]+)"
        r"(?:\.[0-9]+)?"
    ),
    ",": r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]{1,3}(?:'[0-9]{3})+|[0-9]+)(?:,[0-9]+)?",
}


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"


def _amount(mark: str) -> str:
    """Return the pattern of one amount. Groups: currency, number, multipliers, per cent, currency, multiplier."""
    return _quoted(
        rf"(?:({_CURRENCY_BEFORE}) ?)?({_NUMBERS[mark]})(?: ?/-)?(?:[ -]?((?:{_SCALE})\b\.?(?:[ -](?:{_SCALE})\b\.?)*))?"
        rf"(?: ?({_PERCENT}))?(?: ?{_OF}?({_CURRENCY_AFTER})(?: ((?:{_SCALE})\b\.?))?)?(?: ?/-)?"
    )


def _currency_case(text: str, dollar: str) -> str:
    """Return SQL: the ISO 4217 code of the first currency that a text names."""
    patterns = {
        code: rf"(^|[^\p{{L}}])(?:{names}{'|' + _INITIAL[code] if code in _INITIAL else ''})($|[^\p{{L}}])"
        + (f"|{_SIGNS[code]}" if code in _SIGNS else "")
        for code, names in _CODES.items()
    }
    whens = " ".join(
        f"WHEN regexp_matches({text}, {_quoted(pattern)}) THEN '{code}'" for code, pattern in patterns.items()
    )
    return f"CASE {whens} WHEN regexp_matches({text}, '[$]|dollars?|d[oó]lares|pesos?') THEN {dollar} END"


def _scale_product(text: str) -> str:
    """Return SQL: the product of the multipliers that a text names; 1 where it names none.

    Null where it names two that do not stand beside each other: `lakh crore` is one, `Rs. lakh / US$ million` is not.
    """
    patterns = {
        factor: _quoted(rf"(^|[^\p{{L}}])(?:{'|'.join(words.values())})($|[^\p{{L}}])")
        for factor, words in _SCALES.items()
    }
    product = " * ".join(
        f"CASE WHEN regexp_matches({text}, {pattern}) THEN {float(factor)!r}::DOUBLE ELSE 1 END"
        for factor, pattern in patterns.items()
    )
    named = " + ".join(f"regexp_matches({text}, {pattern})::INTEGER" for pattern in patterns.values())
    any_scale = "|".join(word for words in _SCALES.values() for word in words.values())
    beside = _quoted(rf"(^|[^\p{{L}}])(?:{any_scale})\s+(?:de )?(?:{any_scale})($|[^\p{{L}}])")
    return f"CASE WHEN {named} < 2 OR regexp_matches({text}, {beside}) THEN {product} END"


def _between(words: str) -> str:
    return _quoted(words)


_HINDI = {
    "\u0915\u0930\u094b\u0921\u093c": "crore",
    "लाख": "lakh",
    "\u0939\u091c\u093c\u093e\u0930": "thousand",
    "हजार": "thousand",
    "लगभग": "about",
    "करीब": "about",
    "से अधिक": "or more",
    "से कम": "or less",
    "रुपये": "rupees",
    "रुपए": "rupees",
    "रु.": "rs.",
    "रु": "rs",
    "प्रतिशत": "%",
    "व्यक्ति": "persons",
    "इकाइयाँ": "units",
    "इकाइयां": "units",
    "इकाई": "units",
    "लोग": "people",
    "श्रमिक": "workers",
    "कारीगर": "artisans",
}


def _replaced(text: str) -> str:
    """Return SQL: a text with the words of Hindi in English."""
    for hindi, english in _HINDI.items():
        text = f"replace({text}, '{hindi}', '{english}')"
    return text


def _bound(steps: Sequence[tuple[str, str]], result: str, *parameters: str) -> str:
    """Return SQL that names one expression after the other and gives the last, as a scalar macro has no `WITH`.

    A parameter is bound first, as `given_<parameter>`, so that a column of the caller is never taken for a step.
    """
    table = "(SELECT " + ", ".join(f"{parameter} AS given_{parameter}" for parameter in parameters) + ")"
    for name, expression in steps:
        table = f"(SELECT *, {expression} AS {name} FROM {table})"
    return f"(SELECT {result} FROM {table})"


_WORDS_AS_DIGITS = (
    "array_to_string(list_transform(string_split(replace(regexp_replace(w2, '\\bhalf a\\b', '0.5'), '-', ' '), ' '), "
    "lambda word: coalesce(map_extract(MAP {"
    + ", ".join(f"'{word}': '{digits}'" for word, digits in _WORDS.items())
    + "}, word)[1], word)), ' ')"
)
_WORD_STEPS = [
    ("w0", "plain_text(translate(lower(nfc_normalize(given_text)), '—‒―०१२३४५६७८९', '---0123456789'))"),
    (
        "w1",
        rf"CASE WHEN regexp_matches(w0, '(^|[^\p{{L}}])(?:{_EXPONENTS})[²³]$') THEN w0 "
        r"ELSE regexp_replace(w0, '([*†‡§#^¹²³⁴⁵⁶⁷⁸⁹⁰]|\[[a-z0-9]{1,2}\])+$', '') END",
    ),
    ("w2", _replaced("w1")),
    (
        "w3",
        "CASE WHEN regexp_matches(w2, '[0-9]') THEN w2 ELSE regexp_replace(regexp_replace(regexp_replace("
        + _WORDS_AS_DIGITS
        + rf", '\b([2-9])0 ([1-9])\b', '\1\2'), '\ban? ({_SCALE})\b', '1 \1'), '\b([0-9]+) and a half\b', '\1.5') END",
    ),
    (
        "w4",
        "regexp_replace(w3, "
        + _quoted(rf"\((?:in |during |as (?:of|on) |for |at )?(?:the year |constant )?{_YEARS}(?: prices?)?\)")
        + ", ' ', 'g')",
    ),
    (
        "w5",
        "regexp_replace(w4, "
        + _quoted(rf"(\S.*)\b(?:in|during|as (?:of|on)|for)(?: the year| fy)? ?{_YEARS}$")
        + r", '\1')",
    ),
    (
        "w6",
        "regexp_replace(regexp_replace(w5, "
        + _quoted(rf"^\((?:{_ABOUT})\) ?")
        + ", 'about '), "
        + _quoted(rf"^({_CURRENCY_BEFORE}) ?({_ABOUT}|{_OVER}|{_UNDER}) ")
        + r", '\2 \1 ')",
    ),
    (
        "w7",
        "regexp_replace(regexp_replace(w6, "
        + _quoted(rf" *\((?:{_ABOUT}|e)\)")
        + ", ' or so'), "
        + _quoted(rf"^(.*[0-9].*[^ ,;]|[0-9])[ ,;]+(?:{_ABOUT_BEHIND})\.?$")
        + r", '\1 or so')",
    ),
    # a share in brackets behind a figure that is none says something else: `1 230 (dont 84 % de PME)`
    (
        "w8",
        "regexp_replace(w7, "
        + _quoted(rf"^([^%(]*[0-9][^%(]*)\([^()0-9]*[0-9.,]+ ?(?:{_PERCENT})[^()]*\)$")
        + r", '\1')",
    ),
    # so does a list in brackets: `4000 (large: 4, small: rest)`
    ("w8b", r"regexp_replace(replace(w8, '+/-', '±'), '^([^(]*[0-9][^(]*)\([^()0-9:]+:[^()]*\)$', '\1')"),
    # what follows `of which` is a part of the figure, or says another thing of it
    ("w9", "regexp_replace(w8b, " + _quoted(rf"^(.*?[0-9].*?)[,;(]? +(?:{_OF_WHICH})\b.*$") + r", '\1')"),
    ("words", "trim(regexp_replace(regexp_replace(w9, '\\([^0-9()]*\\)', ' ', 'g'), ' +', ' ', 'g'), ' ;,:')"),
]


def _tokens(mark: str, group: int) -> str:
    return f"regexp_extract_all(words, {_amount(mark)}, {group})"


def _by_mark(sql: Callable[[str], str]) -> str:
    return f"CASE given_mark WHEN ',' THEN {sql(',')} ELSE {sql('.')} END"


_SHAPE_STEPS = [
    ("r0", _by_mark(lambda mark: f"regexp_replace(words, {_amount(mark)}, '¤', 'g')")),
    (
        "r1",
        "regexp_replace(r0, " + _quoted(rf"¤ ?(?:{_COUNTED})(?: (?:and )?{_COUNTED})*($|[^a-zà-ÿ])") + r", '¤\1', 'g')",
    ),
    ("r2", "regexp_replace(r1, " + _quoted(rf" ?(?:{_ASIDE})\.?( |$)") + ", ' ', 'g')"),
    ("r3", r"regexp_replace(r2, '^(?:a )?(?:total|worth|sum) (?:of )?', '')"),
    ("shape", "trim(regexp_replace(r3, ' +', ' ', 'g'), ' .;,:')"),
]
_QUALIFIERS = (
    "CASE WHEN regexp_matches(shape, " + _quoted(rf"^(?:{_ABOUT}) ?¤|¤ ?or so") + ") THEN 'about' "
    "WHEN regexp_matches(shape, " + _quoted(rf"^(?:{_OVER}) ?¤|¤ ?(?:{_AND_OVER})$") + ") THEN 'over' "
    "WHEN regexp_matches(shape, " + _quoted(rf"^(?:{_UNDER}) ?¤|¤ ?(?:{_AND_UNDER})$") + ") THEN 'under' END"
)
_BARE = (
    "trim(regexp_replace(regexp_replace(shape, "
    + _quoted(rf"^(?:{_ABOUT}|{_OVER}|{_UNDER}) ?")
    + ", ''), "
    + _quoted(rf" ?(?:{_AND_OVER}|{_AND_UNDER}|or so)$")
    + ", ''))"
)
_NUMBER = _by_mark(
    lambda mark: (
        "list_transform("
        + _tokens(mark, 2)
        + ", lambda n: "
        + (
            "replace(regexp_replace(n, '[ .'']', '', 'g'), ',', '.')"
            if mark == ","
            else "regexp_replace(n, '[ ,'']', '', 'g')"
        )
        + "::DOUBLE)"
    )
)
_QUANTITY = _bound(
    [
        *_WORD_STEPS,
        *_SHAPE_STEPS,
        ("bare", _BARE),
        ("numbers", _NUMBER),
        ("written", _by_mark(lambda mark: _tokens(mark, 2))),
        ("scales", _by_mark(lambda mark: _tokens(mark, 3))),
        ("later", _by_mark(lambda mark: _tokens(mark, 6))),
        ("shares", _by_mark(lambda mark: _tokens(mark, 4))),
        ("before", _by_mark(lambda mark: _tokens(mark, 1))),
        ("after", _by_mark(lambda mark: _tokens(mark, 5))),
        (
            "head",
            "{'factor': unit_factor(given_unit), 'currency': unit_currency(given_unit, given_dollar), 'share': regexp_matches(lower(coalesce(given_unit, '')), "
            + _quoted(_PERCENT)
            + "), 'money': unit_currency(given_unit, '$') IS NOT NULL, 'letter': regexp_matches(lower(coalesce(given_unit, '')), "
            + _quoted(rf"(^|[^\p{{L}}]){_LETTER}($|[^\p{{L}}])")
            + ")}",
        ),
        (
            "said",
            "list_transform(range(1, len(numbers) + 1), lambda i: {"
            "'number': numbers[i], 'scale': coalesce(nullif(scales[i], ''), nullif(later[i], '')), 'share': coalesce(shares[i], '') <> '', "
            "'currency': coalesce(unit_currency(nullif(after[i], '$'), given_dollar), unit_currency(nullif(before[i], '$'), given_dollar), "
            "CASE WHEN '$' IN (before[i], after[i]) THEN coalesce(CASE WHEN head.currency IN ('USD', 'CAD') THEN head.currency END, given_dollar, '$') END)})",
        ),
        (
            "form",
            "CASE "
            r"WHEN bare IN ('¤', '-¤', '+¤', '(¤)') AND len(said) = 1 THEN 'one' "
            r"WHEN len(said) = 2 AND (regexp_full_match(bare, '(?:between |from |de |von |da |od |från )?¤ ?(?:-|to|bis|à|al?|do|tot|till|hingga|से) ?¤') "
            r"OR regexp_full_match(bare, '(?:between|entre|zwischen|tra|między|tussen|mellan|antara) ¤ (?:and|et|und|y|e|i|en|och|dan) ¤') "
            r"OR (bare = '¤/¤' AND least(numbers[1], numbers[2]) >= 100)) THEN 'range' "
            r"WHEN len(said) = 2 AND regexp_full_match(bare, '¤ ?(?:\(|or|i\.?e\.?,?|=|equals|equivalent to|\((?:i\.?e\.?,?|or|=|about|approx\.?|nearly|equivalent to)) ?¤ ?\)?') THEN 'two' "
            r"WHEN len(said) > 2 AND regexp_full_match(bare, '¤ ?\(¤(?: ?\+ ?¤)+\)') THEN 'sum' END",
        ),
        ("codes", "list_distinct(list_filter(list_transform(said, lambda s: s.currency), lambda c: c IS NOT NULL))"),
        ("money", "head.money OR len(codes) > 0"),
        ("head_factor", "CASE WHEN money OR NOT head.letter THEN head.factor END"),
        # `10-12,000` are 10 to 12,000 or 10,000 to 12,000
        (
            "elided",
            "coalesce(form = 'range' AND NOT regexp_matches(bare, '[[:alpha:]] ¤ [[:alpha:]]') AND said[1].scale IS NULL AND numbers[1] < 1000 "
            "AND numbers[1] = floor(numbers[1]) AND numbers[2] >= 1000 AND regexp_matches(written[2], '[., ''][0-9]{3}$') AND numbers[1] * 1000 < numbers[2], false)",
        ),
        (
            "amounts",
            "list_transform(range(1, len(said) + 1), lambda i: said[i].number * CASE "
            "WHEN NOT money AND regexp_full_match(coalesce(said[i].scale, CASE WHEN form = 'range' THEN said[2].scale END, ''), "
            + _quoted(_LETTER)
            + ") THEN NULL "
            "WHEN said[i].scale IS NOT NULL THEN unit_factor(said[i].scale) "
            "WHEN form = 'range' AND i = 1 AND said[2].scale IS NOT NULL THEN unit_factor(said[2].scale) "
            "WHEN said[i].share THEN 1 "
            "WHEN head.share AND said[i].currency IS NULL THEN CASE WHEN head.currency IS NULL THEN 1 END "
            "WHEN said[i].currency <> head.currency THEN NULL "
            "WHEN form IN ('two', 'sum') AND i > 1 AND said[1].scale IS NOT NULL THEN NULL "
            "ELSE head_factor END)",
        ),
        (
            "clash",
            "form = 'two' AND len(codes) < 2 AND said[1].share = said[2].share AND NOT is_same(amounts[1], amounts[2]) "
            "OR form = 'sum' AND NOT is_same(numbers[1], list_sum(numbers[2:])) OR form = 'one' AND amounts[1] IS NULL "
            "OR form = 'range' AND (amounts[1] IS NULL OR amounts[2] IS NULL) OR elided OR bare = '(¤)'",
        ),
        (
            "sign",
            "CASE WHEN bare = '-¤' THEN -1 ELSE 1 END",
        ),
        # an amount that is not known may be the number as it stands, or what the multiplier makes of it
        (
            "readings",
            "CASE WHEN form = 'sum' THEN [numbers[1], list_sum(numbers[2:])] "
            "WHEN elided THEN [amounts[1], amounts[1] * 1000, amounts[2]] "
            "WHEN bare = '(¤)' THEN [amounts[1], -amounts[1]] "
            "ELSE list_filter(flatten(list_transform(range(1, len(said) + 1), lambda i: CASE WHEN amounts[i] IS NOT NULL THEN [amounts[i]] "
            "WHEN form NOT IN ('one', 'range') THEN [] "
            "ELSE [numbers[i], numbers[i] * coalesce(CASE WHEN coalesce(said[i].scale, said[-1].scale) IS NOT NULL THEN unit_factor(coalesce(said[i].scale, said[-1].scale)) END, head.factor)] END)), lambda r: r IS NOT NULL) END",
        ),
    ],
    """CASE WHEN form IS NOT NULL AND NOT (form = 'range' AND (is_years(words) OR coalesce(amounts[1] > amounts[2], false))) THEN {
        'value': CASE WHEN form <> 'range' AND NOT clash THEN sign * amounts[1] END,
        'low': CASE WHEN form = 'range' AND NOT clash THEN amounts[1] END,
        'high': CASE WHEN form = 'range' AND NOT clash THEN amounts[2] END,
        'qualifier': CASE WHEN form = 'range' THEN CASE WHEN NOT clash THEN 'range' END ELSE """
    + _QUALIFIERS
    + """ END,
        'unit_measure': CASE WHEN said[1].share THEN 'percent'
            WHEN clash AND said[1].currency <> head.currency AND amounts[1] IS NULL THEN NULL ELSE coalesce(
            nullif(CASE WHEN form IN ('range', 'two') THEN coalesce(said[1].currency, said[2].currency) ELSE said[1].currency END, '$'),
            head.currency, CASE WHEN head.share THEN 'percent' END) END,
        'multiplier': CASE WHEN said[1].number <> 0 THEN round(amounts[1] / said[1].number) ELSE 1 END,
        'contradiction': coalesce(clash, false),
        'readings': readings
    }::STRUCT(value DOUBLE, low DOUBLE, high DOUBLE, qualifier VARCHAR, unit_measure VARCHAR, multiplier DOUBLE,
        contradiction BOOLEAN, readings DOUBLE[]) END""",
    "text",
    "mark",
    "unit",
    "dollar",
)
_UNIT = _replaced("lower(nfc_normalize(coalesce(unit, '')))")
_FACTOR = (
    _scale_product(_UNIT)
    + " * CASE WHEN regexp_matches(coalesce(unit, ''), '(^|[^0-9.,])(1[ .,]?|''|,)?000s?($|[^0-9])') THEN 1000.0::DOUBLE ELSE 1 END"
)
_UNIT_CURRENCY = _currency_case(_UNIT, "dollar")
_SETTLED = _bound(
    [
        ("given", "list_filter(given_quantities, lambda q: q IS NOT NULL)"),
        ("sure", "list_filter(given, lambda q: NOT q.contradiction)"),
        ("values", "list_filter(list_transform(sure, lambda q: q.value), lambda v: v IS NOT NULL)"),
        ("apart", "list_filter(values, lambda v: NOT is_same(v, values[1]))"),
        (
            "foreign_",
            "list_filter(given, lambda q: q.contradiction AND len(values) > 0 AND len(list_filter(q.readings, lambda r: is_same(r, values[1]))) = 0)",
        ),
    ],
    """CASE
    WHEN len(given) < 2 THEN given[1]
    WHEN len(sure) > 0 AND len(apart) = 0 AND len(foreign_) = 0 THEN sure[1]
    ELSE struct_pack(value := NULL::DOUBLE, low := NULL::DOUBLE, high := NULL::DOUBLE, qualifier := NULL::VARCHAR,
        unit_measure := given[1].unit_measure, multiplier := NULL::DOUBLE, contradiction := true,
        readings := flatten(list_transform(given, lambda q: q.readings)))
END""",
    "quantities",
)
_FISCAL = r"f\.?y\.? ?|financial year ?|fiscal(?: year)? ?"
_PERIOD = _bound(
    [
        (
            "p",
            "regexp_replace(plain_text(translate(lower(given_text), '—‒', '--')), '^(?:data )?(?:pertains? to |as (?:on|of|at) |in |during |for |the |year |period )*:? *', '')",
        ),
        (
            "span",
            rf"regexp_extract(p, '^(?:{_FISCAL})?((?:19|20)[0-9]{{2}}) ?[-/] ?((?:19|20)?[0-9]{{2}})$', ['from', 'to'])",
        ),
        ("short", rf"regexp_extract(p, '^(?:{_FISCAL})''?([0-9]{{2}}) ?[-/] ?''?([0-9]{{2}})$', ['from', 'to'])"),
        ("fy", rf"regexp_extract(p, '^(?:{_FISCAL})''?((?:19|20)?[0-9]{{2}})$', 1)"),
        # a day: one that would be another with day and month exchanged is none
        ("dmy", "date_of(p, 'dmy')"),
        ("mdy", "date_of(p, 'mdy')"),
    ],
    r"""CASE
    WHEN regexp_full_match(p, '(?:19|20)[0-9]{2}') THEN p
    WHEN regexp_full_match(p, '(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])') AND given_fiscal IS NULL
        AND TRY_CAST(right(p, 2) AS INTEGER) <> (TRY_CAST(substr(p, 3, 2) AS INTEGER) + 1) % 100 THEN p
    WHEN span['from'] <> '' AND TRY_CAST(right(span['to'], 2) AS INTEGER) = (TRY_CAST(span['from'] AS INTEGER) + 1) % 100 THEN span['from'] || '-' || given_fiscal || '/P1Y'
    WHEN short['from'] <> '' THEN CASE WHEN TRY_CAST(short['to'] AS INTEGER) = (TRY_CAST(short['from'] AS INTEGER) + 1) % 100
        THEN whole_year(short['from']) || '-' || given_fiscal || '/P1Y' END
    WHEN fy <> '' THEN (whole_year(fy) - CASE WHEN given_fiscal = '01-01' THEN 0 ELSE 1 END)::VARCHAR || '-' || given_fiscal || '/P1Y'
    WHEN coalesce(dmy, mdy) IS NOT NULL THEN CASE WHEN coalesce(dmy = mdy, true) THEN strftime(coalesce(dmy, mdy), '%Y-%m-%d') END
    WHEN regexp_matches(p, '[0-9]{4}$') THEN strftime(coalesce(try_strptime(p, '%B %Y'), try_strptime(p, '%b %Y'), try_strptime(p, '%b-%Y'), try_strptime(p, '%B, %Y')), '%Y-%m')
END""",
    "text",
    "fiscal",
)
_DATE = _bound(
    [
        ("said", r"regexp_replace(translate(plain_text(given_text), '.', '/'), '([0-9])(?:st|nd|rd|th)\b', '\1')"),
        (
            "d",
            "CASE WHEN regexp_full_match(said, '[0-9]{1,2}[^0-9].*[^0-9][0-9]{2}|[^0-9]+ [0-9]{1,2}, [0-9]{2}') "
            "THEN left(said, -2) || CASE WHEN right(said, 2) >= '69' THEN '19' ELSE '20' END || right(said, 2) ELSE said END",
        ),
    ],
    """CASE WHEN regexp_full_match(d, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN try_strptime(d, '%Y-%m-%d')
WHEN regexp_full_match(d, '.*[^0-9][0-9]{4}') THEN coalesce(
    CASE given_day_order WHEN 'mdy' THEN try_strptime(replace(d, '-', '/'), '%m/%d/%Y')
        WHEN 'dmy' THEN try_strptime(replace(d, '-', '/'), '%d/%m/%Y') END,
    try_strptime(d, '%d %B %Y'), try_strptime(d, '%d %b %Y'), try_strptime(d, '%d-%b-%Y'), try_strptime(d, '%B %d, %Y'), try_strptime(d, '%d %B, %Y')
) END::DATE""",
    "text",
    "day_order",
)
QUANTITIES = f"""
-- The product of the multipliers in a unit, such as 1e7 for `Rs. in Crore` and 1000 for `('000)`; 1 where it has none.
CREATE MACRO unit_factor(unit) AS {_FACTOR};

-- The ISO 4217 code of the currency in a unit; `dollar` says what a bare dollar is.
CREATE MACRO unit_currency(unit, dollar) AS {_UNIT_CURRENCY};

-- Whether two figures are one but for rounding, within one per cent.
CREATE MACRO is_same(one, other) AS coalesce(abs(one - other) <= 0.01 * greatest(abs(one), abs(other)), false);

-- Whether a text is a span of years, such as 2018-19, and no range of figures.
CREATE MACRO is_years(words) AS regexp_full_match(words, {_quoted(_YEARS)});

-- A quantity: `about Rs. 10 crore` is 100,000,000 INR, about. `unit` is what stands over the column or in the label;
-- a multiplier or currency in the text itself goes before it. A range has no value, but `low` and `high`. A text that
-- gives two readings of one figure has no value where they contradict each other (by more than one per cent): the
-- observation has status O and both readings go to quarantine. So it is with what may be read in two ways: `(1,200)`,
-- `10-12,000`, a letter for a million (`5 m`) without a currency, a currency that is not that of the unit.
-- Null where the text is no quantity.
CREATE MACRO quantity(text, mark, unit := '', dollar := NULL) AS {_QUANTITY};

-- One of several statements of one figure, each a `quantity`: another one settles a statement that contradicts itself
-- by one of its readings; statements that say different things contradict each other.
CREATE MACRO settled(quantities) AS {_SETTLED};

-- A date, written with day, month and year in the stated order ('dmy' or 'mdy'), with the month in words, or as ISO 8601.
-- A year of two digits at its end is of the century that POSIX says (strptime, %y): 69 to 99 are 1969 to 1999, 00 to 68
-- are 2000 to 2068. ISO 8601 has four digits of the year: `05-04-16` is none of it.
CREATE MACRO date_of(text, day_order) AS {_DATE};

-- A year of two digits: 70 to 99 are of the last century.
CREATE MACRO whole_year(digits) AS CASE WHEN len(digits) > 2 THEN 0 WHEN digits >= '70' THEN 1900 ELSE 2000 END
    + TRY_CAST(digits AS INTEGER);

-- A period as SDMX writes it: `2016`, `2016-03`, `2016-03-31`, `2018-04-01/P1Y` for a fiscal year that begins on `fiscal`
-- (month-day; '04-01' in India; without it such years are null); null where the text names none or several, or a day that
-- may be two. FY19 ends in 2019.
CREATE MACRO period_of(text, fiscal := NULL) AS {_PERIOD};
"""
"""Macros for quantities with words and units, for periods and for dates; they call those of `SIMPLE`."""


SIMPLE = r"""
-- The text with one kind of blank, and with the minus sign of keyboards.
CREATE MACRO plain_text(text) AS trim(regexp_replace(
    translate(text, '−–’', '--'''), '[\s\x{00A0}\x{2009}\x{202F}]+', ' ', 'g'
));

-- A number whose decimals are marked by `mark` (',' or '.'); thousands may be set off by the other mark, by blanks or
-- by apostrophes, in whole groups of three and all alike.
CREATE MACRO number_of(text, mark) AS CASE
    WHEN mark = ',' AND regexp_full_match(
        plain_text(text),
        '[+-]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+|[0-9]{1,3}( [0-9]{3})+|[0-9]{1,3}(''[0-9]{3})+)(,[0-9]+)?'
    ) THEN TRY_CAST(replace(regexp_replace(plain_text(text), '[ .'']', '', 'g'), ',', '.') AS DOUBLE)
    WHEN mark = '.' AND regexp_full_match(
        plain_text(text),
        '[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+|[0-9]{1,3}( [0-9]{3})+|[0-9]{1,3}(''[0-9]{3})+)(\.[0-9]+)?'
    ) THEN TRY_CAST(regexp_replace(plain_text(text), '[ ,'']', '', 'g') AS DOUBLE)
END;

-- A count: it has no decimals, so each mark sets off thousands.
CREATE MACRO count_of(text) AS CASE
    WHEN regexp_full_match(
        plain_text(text),
        '[0-9]+|[0-9]{1,3}(\.[0-9]{3})+|[0-9]{1,3}(,[0-9]{3})+|[0-9]{1,3}( [0-9]{3})+|[0-9]{1,3}(''[0-9]{3})+'
    ) THEN TRY_CAST(regexp_replace(plain_text(text), '[ .,'']', '', 'g') AS BIGINT)
END;

-- The mark of decimals that one text proves: ',' or '.', or null where it may be read either way.
CREATE MACRO mark_in(text) AS CASE
    WHEN regexp_full_match(plain_text(text), '[+-]?[0-9 .'']*[0-9],[0-9]+')
        AND NOT regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2},[0-9]{3}') THEN ','
    WHEN regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2}(\.[0-9]{3}){2,}') THEN ','
    WHEN regexp_full_match(plain_text(text), '[+-]?[0-9 ,'']*[0-9]\.[0-9]+')
        AND NOT regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2}\.[0-9]{3}') THEN '.'
    WHEN regexp_full_match(plain_text(text), '[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){2,}') THEN '.'
END;

-- The mark of decimals that the texts of one column prove together; null where none does or they contradict each other.
CREATE MACRO mark_of(texts) AS CASE
    list_sort(list_distinct(list_filter(
        list_transform(texts, lambda text: mark_in(text)), lambda mark: mark IS NOT NULL
    )))
    WHEN [','] THEN ','
    WHEN ['.'] THEN '.'
END;

-- Stars: a digit, asterisks, star signs, words such as `2 stars`, one image `stars_2.gif`, or one image for each star.
-- Empty is no star only where the page says so (`-`, `none`, `no star`); else it is null.
CREATE MACRO stars_of(text) AS CASE
    WHEN regexp_full_match(lower(plain_text(text)), '-|none|no stars?|0( stars?)?') THEN 0
    WHEN regexp_full_match(lower(plain_text(text)), '[1-9]( ?(stars?|★|\*))?') THEN left(plain_text(text), 1)::BIGINT
    WHEN regexp_full_match(replace(plain_text(text), ' ', ''), '\*{1,9}|★{1,9}[☆]*')
        THEN length(regexp_replace(text, '[^*★]', '', 'g'))
    WHEN regexp_full_match(replace(plain_text(text), ' ', ''), '☆+') THEN 0
    WHEN regexp_full_match(lower(plain_text(text)), '[a-z_-]*stars?[_-]?[0-9]\.(gif|png|jpg|svg)')
        THEN regexp_extract(text, '([0-9])\.', 1)::BIGINT
    WHEN regexp_full_match(lower(plain_text(text)), '[0-9][_-]?stars?\.(gif|png|jpg|svg)')
        THEN left(plain_text(text), 1)::BIGINT
    WHEN regexp_full_match(lower(plain_text(text)), '(star(\.(gif|png|jpg|svg))?( |$))+')
        THEN len(string_split(plain_text(text), ' '))
END;
"""

MACROS = SIMPLE + QUANTITIES
"""Macros that every SQL program may use; each is null for a text that it cannot read."""
