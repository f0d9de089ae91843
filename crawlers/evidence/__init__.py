"""WARC writing, reading and replay: every answer that a harvest got, kept as it came.

``archive/<feed>/<harvest_id>/00000.warc.gz``, ``00001.warc.gz`` …: one part per attempt, WARC 1.1 (ISO 28500:2017), one
gzip member per record. A process may be killed at any byte: whoever writes next first cuts the torn tail at the last
whole record. A body that was captured before at the same address is not stored again; a revisit record names it.

A body that is large is streamed: written from where it lies, read back piece by piece, never whole in memory. Beside
its record a plain copy of it is kept for the parser, ``staging/<feed>/bodies/<sha256>``.

``staging/<feed>/captures.ndjson`` says what stands in closed parts, so that they are never scanned again. It and the
copies are disposable: the archive alone makes them anew.
"""

from crawlers.evidence.addresses import REDACTED, redact_url
from crawlers.evidence.archive import Evidence
from crawlers.evidence.codings import MAX_BODY, MAX_STREAMED, EvidenceError, decode_body
from crawlers.evidence.documents import SYNTHETIC_HEADER, Capture, Document, Stored, document_id
from crawlers.evidence.writer import IN_MEMORY, PartWriter, Source

__all__ = [
    "IN_MEMORY",
    "MAX_BODY",
    "MAX_STREAMED",
    "REDACTED",
    "SYNTHETIC_HEADER",
    "Capture",
    "Document",
    "Evidence",
    "EvidenceError",
    "PartWriter",
    "Source",
    "Stored",
    "decode_body",
    "document_id",
    "redact_url",
]
