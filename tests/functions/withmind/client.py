"""Calls the WithMind handlers as the local gateway does: by method and path, as a form."""

from typing import Any

import requests
from werkzeug.test import Client

from local_runner import gateway, template
from shared.app import App

ENROL = "/enrollment_img/"
ANALYSE = "/analy_img/"
Image = bytes | None
Part = tuple[str, tuple[str | None, bytes | str]]


class WithmindClient:
    """One caller of the API."""

    def __init__(self, app: App, key: str | None = None) -> None:
        self._client = Client(gateway.create(app, template.read()))
        self._headers = {} if key is None else {"Authorization": key}

    def call(self, path: str, image: Image, **fields: str | None) -> Any:
        """Return the reply to a form; fields and an image that are None are left out."""
        return self.post(path, *form(parts(image, **fields)))

    def post(self, path: str, body: bytes, content_type: str, method: str = "POST") -> Any:
        """Return the reply to a body."""
        headers = {**self._headers, "Content-Type": content_type}
        return self._client.open(path, method=method, data=body, headers=headers)

    def answer(self, path: str, image: Image, **fields: str | None) -> bytes:
        """Return the body of the reply to a form."""
        return body_of(self.call(path, image, **fields))

    def enrol(self, image: bytes, **fields: str | None) -> None:
        """Enrol a person."""
        assert self.answer(ENROL, image, **fields) == b'{"result":"Success"}'

    def analyse(self, image: bytes, **fields: str | None) -> str:
        """Return a sign for each face, from left to right: + is the person, - is not."""
        result = self.call(ANALYSE, image, **fields).json["result"]
        assert list(result) == [f"person_{number}" for number in range(1, len(result) + 1)]
        return "".join({"match": "+", "dismatch": "-"}[value] for value in result.values())


def parts(image: Image, **fields: str | None) -> list[Part]:
    """Return the parts of a form: name, file name and content."""
    texts = {"company": "withmind", "id": "tamy", **fields}
    given: list[Part] = [(name, (None, text)) for name, text in texts.items() if text is not None]
    return given if image is None else [*given, ("image", ("test_img.jpg", image))]


def form(given: list[Part]) -> tuple[bytes, str]:
    """Return the body and the content type that a real client sends."""
    request = requests.Request("POST", "http://localhost/", files=given).prepare()
    assert isinstance(request.body, bytes)
    return request.body, str(request.headers["Content-Type"])


def body_of(reply: Any) -> bytes:
    """Return the body of a reply, which is JSON with HTTP status 200, whatever happened."""
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    return bytes(reply.data)
