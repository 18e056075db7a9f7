"""Parses `multipart/form-data` (RFC 7578) in memory; uploaded images are never written to disk."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from shared.core.errors import InvalidParameterError

_MAX_PARTS = 32
_MAX_HEADER_BYTES = 4096  # bytes of a line: a long file name, percent-encoded
_MAX_FIELD_BYTES = 4096
_MAX_BOUNDARY_LENGTH = 70  # characters (RFC 2046, 5.1.1)


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a form by name: `files` have a file name, `texts` do not.

    The file names are dropped, so that nothing can be named after them.
    """

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def parse(body: bytes, content_type: str) -> Form:
    """Return the parts of a body.

    Args:
        body: the whole body of the request.
        content_type: the request's own header; it names the boundary.

    Raises:
        InvalidParameterError: the body is not a complete form, has too many parts or too long
            ones, uses a name twice (which is ambiguous), or has a text that is not UTF-8.
    """
    form = Form()
    try:
        for part, content in _parts(body, _boundary(content_type)):
            name = str(part.name)
            if name in form.texts or name in form.files:
                raise InvalidParameterError("body", "has a name twice")
            if _is_file(part):
                form.files[name] = content
            elif len(content) > _MAX_FIELD_BYTES:
                raise InvalidParameterError("body", "has a text that is too long")
            else:
                form.texts[name] = content.decode("utf-8")
    except (MultipartError, UnicodeDecodeError):
        raise InvalidParameterError("body", "is not multipart/form-data") from None
    return form


def _boundary(content_type: str) -> str:
    media_type, options = parse_options_header(content_type)
    boundary: str = options.get("boundary", "")
    if media_type != "multipart/form-data" or not 0 < len(boundary) <= _MAX_BOUNDARY_LENGTH:
        raise InvalidParameterError("body", "is not multipart/form-data")
    return boundary


def _parts(body: bytes, boundary: str) -> Iterator[tuple[MultipartSegment, bytes]]:
    """Yield the headers and the content of each part."""
    parser = PushMultipartParser(
        boundary,
        max_header_size=_MAX_HEADER_BYTES,
        max_segment_count=_MAX_PARTS,
        strict=True,
    )
    with parser:  # on exit it detects a body that ends too early
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                part, content = event, b""
            elif event is not None:
                content += event
            else:
                yield part, content


def _is_file(part: MultipartSegment) -> bool:
    """Return whether a part has a file name; some clients encode it as in RFC 2231."""
    return bool(part.filename) or "filename*=" in part["Content-Disposition"].lower()
