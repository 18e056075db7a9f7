"""Calls the NHN handlers as the local gateway does: by method and path, through the template."""

import base64
import json
from typing import Any

from werkzeug.test import Client

from local_runner import gateway, template
from shared.app import App

BASE = "/nhn-face-reco/v1.0/appkeys"


class NhnClient:
    """One caller of the API."""

    def __init__(self, app: App, app_key: str) -> None:
        self._client = Client(gateway.create(app, template.read()))
        self._base = f"{BASE}/{app_key}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the whole reply."""
        data = json.dumps(body) if body is not None else None
        headers = {"Content-Type": "application/json;charset=UTF-8"}
        return self._client.open(self._base + path, method=method, data=data, headers=headers)

    def answer(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the JSON of a reply that must have HTTP status 200."""
        reply = self.call(method, path, body)
        assert reply.status_code == 200
        answer: dict[str, Any] = json.loads(reply.data)
        return answer

    def data(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the data of a successful call."""
        answer = self.answer(method, path, body)
        assert answer["header"]["isSuccessful"], answer
        data: dict[str, Any] = answer.get("data", {})
        return data

    def code(self, method: str, path: str, body: object = None) -> int:
        """Return the result code."""
        answer = self.answer(method, path, body)
        code: int = answer["header"]["resultCode"]
        assert answer["header"]["isSuccessful"] is (code >= 0)
        assert ("data" in answer) <= (code >= 0)
        return code

    def create_group(self, name: str = "people") -> str:
        """Create a group; return its path."""
        self.data("POST", "/groups", {"groupId": name})
        return f"/groups/{name}"

    def add(self, group: str, photo: bytes, **more: object) -> dict[str, Any]:
        """Add the faces of a photo to a group."""
        return self.data("POST", group, {"image": image(photo), "limit": 20, **more})


def image(photo: bytes) -> dict[str, str]:
    """Return an image of a request's body."""
    return {"bytes": base64.b64encode(photo).decode()}
