"""Content codings (RFC 9110, 8.4.1) undone: of a body in memory, and of one that is read piece by piece."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_BODY = 2**30
"""Bytes that a body may have once it is decoded, where it is held in memory as a whole."""

MAX_STREAMED = 2**36
"""Bytes that a streamed body may have once it is decoded: what grows over it is a bomb."""

MIB = 2**20
"""Bytes of a piece, at most; far more than the headers of a record and of its HTTP message."""

GZIP = 16 + zlib.MAX_WBITS
"""Window bits by which zlib reads and writes gzip."""

GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"


class EvidenceError(Exception):
    """Something in or for the archive cannot be read; the message names the address or the record."""


def decode_body(body: bytes, content_encoding: str | None, address: str, limit: int = MAX_BODY) -> bytes:
    """Undo the content encodings of a body.

    Args:
        body: as received.
        content_encoding: the header's value; several are undone from the last to the first.
        address: for the message.
        limit: bytes that the decoded body may have.

    Raises:
        EvidenceError: an encoding is unknown, the body does not fit it, or it grows over the limit.
    """
    for encoding in reversed([part.strip().lower() for part in (content_encoding or "").split(",")]):
        try:
            body = _decode(body, encoding, limit)
        except (zlib.error, zstd.ZstdError, brotli.error, ValueError) as error:
            raise EvidenceError(
                f"{address}: cannot decode the body by its Content-Encoding {encoding!r}: {error}"
            ) from error
    return body


def _decode(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding in {"", "identity"} or not body:
        return _whole(body, limit, ended=True)
    if encoding in {"gzip", "x-gzip"}:
        return _expand(body, partial(zlib.decompressobj, GZIP), GZIP_MAGIC, limit)
    if encoding == "deflate":
        try:
            return _expand(body, zlib.decompressobj, None, limit)
        except zlib.error:  # some servers leave out the zlib wrapper
            return _expand(body, partial(zlib.decompressobj, -zlib.MAX_WBITS), None, limit)
    if encoding == "zstd":
        return _expand(body, zstd.ZstdDecompressor, _ZSTD_MAGIC, limit)
    if encoding == "br":
        decompressor = brotli.Decompressor()
        return _whole(decompressor.process(body, output_buffer_limit=limit + 1), limit, decompressor.is_finished())
    raise ValueError("no such encoding is known; gzip, deflate, br and zstd are")


def _expand(body: bytes, decompressor_of: Callable[[], Any], magic: bytes | None, limit: int) -> bytes:
    """Decompress a body; where a magic number is given, all the members that begin with it."""
    members, left = [], limit
    while True:
        decompressor = decompressor_of()
        members.append(_whole(decompressor.decompress(body, left + 1), left, decompressor.eof))
        left -= len(members[-1])
        body = decompressor.unused_data
        if magic is None or not body.startswith(magic):
            return members[0] if len(members) == 1 else b"".join(members)


def _whole(decoded: bytes, limit: int, ended: bool) -> bytes:
    if len(decoded) > limit:
        raise ValueError(f"it grows over the limit of {limit} bytes")
    if not ended:
        raise ValueError("the compressed data ends too early")
    return decoded


def packing(head: bytes) -> str | None:
    """Return the coding of a saved file, by its first bytes."""
    return "gzip" if head.startswith(GZIP_MAGIC) else None


def decoded_pieces(pieces: Iterator[bytes], encoding: str | None, address: str, limit: int) -> Iterator[bytes]:
    """Undo the content encoding of a body that is streamed: gzip or none.

    Raises:
        EvidenceError: it is another encoding, the body does not fit it, or it grows over the limit (bytes).
    """
    if encoding in {None, "", "identity"}:
        decoded = pieces
    elif encoding in {"gzip", "x-gzip"}:
        decoded = _gunzipped(pieces, address)
    else:
        raise EvidenceError(f"{address}: a large body cannot be read with Content-Encoding {encoding!r}; gzip can")
    for piece in decoded:
        limit -= len(piece)
        if limit < 0:
            raise EvidenceError(f"{address}: it grows over its limit of bytes by its Content-Encoding {encoding!r}")
        yield piece


def _gunzipped(pieces: Iterator[bytes], address: str) -> Iterator[bytes]:
    """Inflate all gzip members of a body, in pieces of at most a MiB; what follows the last one is left out."""
    inflater, fresh, data = zlib.decompressobj(GZIP), True, b""
    try:
        while data or (data := next(pieces, b"")):
            if fresh and not GZIP_MAGIC.startswith(data[: len(GZIP_MAGIC)]) and not data.startswith(GZIP_MAGIC):
                return
            if piece := inflater.decompress(data, MIB):
                yield piece
            fresh, data = False, inflater.unconsumed_tail
            if inflater.eof:
                data, inflater, fresh = inflater.unused_data, zlib.decompressobj(GZIP), True
    except zlib.error as error:
        raise EvidenceError(f"{address}: cannot decode the body by its Content-Encoding 'gzip': {error}") from error
    if not fresh:
        raise EvidenceError(
            f"{address}: cannot decode the body by its Content-Encoding 'gzip': the compressed data ends too early"
        )
