"""Clients that enrol faces through NHN's API while processes die, and the account of them all.

A call without an answer may or may not have been carried out, as always over a network. It is made
again under another label, so that the account can tell the two apart.
"""

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import requests

from tests.portraits import portrait

_TIMEOUT_S = 60.0  # of a call
_PATIENCE_S = 180.0  # until a server answers again
_PAUSE_S = 0.05
_NEAREST = 5


class Enrolment:
    """A group that clients fill and search.

    Attributes:
        url: of the server; another one once it was started anew.
        acknowledged: the number of the portrait of each face that was acknowledged, by id.
        unanswered: the labels of the calls that had no answer.
        refused: how often each code was answered instead of success.
        missed: what a search ought to have found.
        searches: how many were answered.
    """

    def __init__(self, url: str, key: str, group: str = "people") -> None:
        self.url = url
        self.acknowledged: dict[str, int] = {}
        self.unanswered: set[str] = set()
        self.refused: Counter[int] = Counter()
        self.missed: list[str] = []
        self.searches = 0
        self._root = f"/nhn-face-reco/v1.0/appkeys/{key}/groups"
        self._group = f"/{group}"
        self._name = group

    def create(self) -> None:
        """Create the group."""
        self._ask("POST", "", {"groupId": self._name})

    def enrol(self, numbers: Iterable[int]) -> None:
        """Add one portrait after the other, as one client; look for each as soon as it is added."""
        for number in numbers:
            self.find(self._add(number), number)

    def find(self, face_id: str, number: int) -> None:
        """Look for a face by its photo, which no other is as much like, and by its id."""
        path = f"{self._group}/search?limit={_NEAREST}&threshold=90"
        found = self._ask("POST", path, {"image": _image(number)})
        if face_id not in [match["face"]["faceId"] for match in found["matchFaces"]]:
            self.missed.append(f"{face_id} by image")
        path = f"{self._group}/faces/{face_id}?limit={_NEAREST}&threshold=1"
        if "matchFaces" not in self._ask("GET", path):
            self.missed.append(f"{face_id} by id")
        self.searches += 2

    def search(self, end: Event, seed: int) -> None:
        """Look for faces that were acknowledged until the end, as one client without a pause."""
        chance = random.Random(seed)  # noqa: S311 - a story that can be told again
        while not end.is_set():
            if acknowledged := list(self.acknowledged.items()):
                self.find(*chance.choice(acknowledged))
            else:
                end.wait(_PAUSE_S)

    def listed(self) -> dict[str, str | None]:
        """Return the label of each face that the group has, by id."""
        labels: dict[str, str | None] = {}
        query = "limit=200"
        while query:
            page = self._ask("GET", f"{self._group}/faces?{query}")
            labels |= {face["faceId"]: face.get("externalImageId") for face in page["faces"]}
            query = page["nextToken"] and f"limit=200&next-token={page['nextToken']}"
        return labels

    def unacknowledged(self) -> list[str]:
        """Return the faces that were stored although nobody was told so."""
        labels = self.listed().items()
        return [f for f, label in labels if f not in self.acknowledged and label in self.unanswered]

    def faults(self, others: Iterable[str] = ()) -> list[str]:
        """Return all that is wrong; nothing where the account is exact.

        What the group has is every face that was acknowledged, under its label, and `others`;
        besides only faces of calls without an answer. Each can be found, and the count is right.
        """
        listed = self.listed()
        (group,) = self._ask("GET", self._group)["groups"]
        counted, expected = group["faceCount"], {*self.acknowledged, *others}
        faults = [f"it was lost: {face_id}" for face_id in expected - listed.keys()]
        faults += [
            f"nobody added it: {face_id}"
            for face_id in listed.keys() - expected
            if listed[face_id] not in self.unanswered
        ]
        if counted != len(listed):
            faults.append(f"{counted} are counted and {len(listed)} listed")
        for face_id, number in self.acknowledged.items():
            if str(listed.get(face_id)).partition(".")[0] != str(number):
                faults.append(f"it has another's label: {face_id}")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda face: self.find(*face), self.acknowledged.items()))
        return faults + [f"it was not found: {missed}" for missed in self.missed]

    def _add(self, number: int) -> str:
        """Add a portrait, again and again until that is acknowledged; return the id of the face."""
        end = time.monotonic() + _PATIENCE_S
        attempt = 0
        while True:
            attempt += 1
            label = f"{number}.{attempt}"
            body = {"image": _image(number), "limit": 1, "externalImageId": label}
            answer = self._call("POST", self._group, body)
            if answer is None:
                self.unanswered.add(label)
            elif answer["header"]["resultCode"] == 0:
                (face,) = answer["data"]["addedFaces"]
                self.acknowledged[face["faceId"]] = number
                return str(face["faceId"])
            else:
                self.refused[answer["header"]["resultCode"]] += 1
            assert time.monotonic() < end, "no call is acknowledged"
            time.sleep(_PAUSE_S)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the data of a call, which is made again where it has no answer."""
        end = time.monotonic() + _PATIENCE_S
        while (answer := self._call(method, path, body)) is None:
            assert time.monotonic() < end, "no call is answered"
            time.sleep(_PAUSE_S)
        if answer["header"]["resultCode"]:
            self.refused[answer["header"]["resultCode"]] += 1
        return answer.get("data", {})

    def _call(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer; None where there was none. Each call has a connection of its own."""
        try:
            return requests.request(
                method,
                f"{self.url}{self._root}{path}",
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json;charset=UTF-8"},
                timeout=_TIMEOUT_S,
            ).json()
        except requests.RequestException:
            return None


def _image(number: int) -> dict[str, str]:
    return {"bytes": base64.b64encode(portrait(number)).decode()}
