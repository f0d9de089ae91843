"""Pages and XML read by their labels, never by position: tables, lists, paragraphs, cards, paging, forms.

A feed says which labels it knows (`Labels`); `read` finds them wherever they stand, and tells what it expected and did
not find, and what it found and did not expect. `Walk` says what else a page leads to. Nothing is executed or fetched:
no script, no DTD, no entities, no network.
"""

from crawlers.reader.labels import MARGIN, THRESHOLD, Kind, Labels, Match, normal, period_in, unit_of
from crawlers.reader.pages import decoded, page, repaired, text, xml
from crawlers.reader.pairs import Fields, fields
from crawlers.reader.reading import read, read_first
from crawlers.reader.records import Reading, Record, Value
from crawlers.reader.tables import MAX_SPAN, Row, Table, tables
from crawlers.reader.walk import (
    LIMIT,
    POST_BACK,
    Ask,
    Call,
    Choice,
    Form,
    Option,
    Walk,
    asked_of,
    calls,
    canonical,
    forms,
    paging,
)

__all__ = [
    "LIMIT",
    "MARGIN",
    "MAX_SPAN",
    "POST_BACK",
    "THRESHOLD",
    "Ask",
    "Call",
    "Choice",
    "Fields",
    "Form",
    "Kind",
    "Labels",
    "Match",
    "Option",
    "Reading",
    "Record",
    "Row",
    "Table",
    "Value",
    "Walk",
    "asked_of",
    "calls",
    "canonical",
    "decoded",
    "fields",
    "forms",
    "normal",
    "page",
    "paging",
    "period_in",
    "read",
    "read_first",
    "repaired",
    "tables",
    "text",
    "unit_of",
    "xml",
]
