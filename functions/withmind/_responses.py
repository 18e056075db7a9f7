"""From core values to the JSON of an answer."""

from collections.abc import Iterable

from shared.http import Payload


def enrolled() -> Payload:
    """Return the answer to an enrolment."""
    return {"result": "Success"}


def analysis(matches: Iterable[bool]) -> Payload:
    """Return for each face, from left to right, whether it matches the person."""
    return {
        "result": {
            f"person_{number}": "match" if is_match else "dismatch"
            for number, is_match in enumerate(matches, start=1)
        }
    }
