"""Clients that enrol faces through NHN's API while processes are killed, and a check of the result.

A call without an answer may or may not have been carried out. It is repeated with another label, so
that the check can tell the two apart.
"""

import base64
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import requests

from harness.portraits import portrait

_TIMEOUT_S = 240.0  # of a call
_PATIENCE_S = 240.0  # until a server answers again
_PAUSE_S = 0.05
_NEAREST = 5


class Enrolment:
    """A group that clients fill and search.

    Attributes:
        url: of the server; changes when the server is started again.
        acknowledged: the number of the portrait of each acknowledged face, by its id.
        unanswered: the labels of the calls without an answer.
        refused: the number of refusals by their code.
        missed: what a search should have found and did not.
        searches: the number of searches that were answered.
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
        """Add portraits one after the other; search for each as soon as it is added."""
        for number in numbers:
            self.find(self._add(number), number)

    def find(self, face_id: str, number: int) -> None:
        """Search for a face by its photo, which no other resembles as much, and by its id."""
        path = f"{self._group}/search?limit={_NEAREST}&threshold=90"
        found = self._ask("POST", path, {"image": _image(number)})
        if face_id not in [match["face"]["faceId"] for match in found["matchFaces"]]:
            self.missed.append(f"{face_id} by image")
        path = f"{self._group}/faces/{face_id}?limit={_NEAREST}&threshold=1"
        if "matchFaces" not in self._ask("GET", path):
            self.missed.append(f"{face_id} by id")
        self.searches += 2

    def search(self, end: Event, seed: int) -> None:
        """Search for acknowledged faces without a pause until `end` is set."""
        chance = random.Random(seed)  # noqa: S311 - repeatable
        while not end.is_set():
            if acknowledged := list(self.acknowledged.items()):
                self.find(*chance.choice(acknowledged))
            else:
                end.wait(_PAUSE_S)

    def listed(self) -> dict[str, str | None]:
        """Return the label of each face of the group, by its id."""
        labels: dict[str, str | None] = {}
        query = "limit=200"
        while query:
            page = self._ask("GET", f"{self._group}/faces?{query}")
            labels |= {face["faceId"]: face.get("externalImageId") for face in page["faces"]}
            query = page["nextToken"] and f"limit=200&next-token={page['nextToken']}"
        return labels

    def unacknowledged(self) -> list[str]:
        """Return the ids of the faces that were stored by calls without an answer."""
        labels = self.listed().items()
        return [f for f, label in labels if f not in self.acknowledged and label in self.unanswered]

    def faults(self, others: Iterable[str] = ()) -> list[str]:
        """Return everything that is wrong with the group; an empty list where nothing is.

        The group must have every acknowledged face under its label, `others`, and beyond these only
        faces of calls without an answer. Each must be found, and the count must be right.
        """
        listed = self.listed()
        (group,) = self._ask("GET", self._group)["groups"]
        counted, expected = group["faceCount"], {*self.acknowledged, *others}
        faults = [f"lost: {face_id}" for face_id in expected - listed.keys()]
        faults += [
            f"never added: {face_id}"
            for face_id in listed.keys() - expected
            if listed[face_id] not in self.unanswered
        ]
        if counted != len(listed):
            faults.append(f"{counted} faces are counted and {len(listed)} listed")
        for face_id, number in self.acknowledged.items():
            if str(listed.get(face_id)).partition(".")[0] != str(number):
                faults.append(f"wrong label: {face_id}")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda face: self.find(*face), self.acknowledged.items()))
        return faults + [f"not found: {missed}" for missed in self.missed]

    def _add(self, number: int) -> str:
        """Add a portrait, and try again until it is acknowledged; return the id of the face."""
        end = time.monotonic() + _PATIENCE_S
        for attempt in itertools.count(1):
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
            if time.monotonic() > end:
                break
            time.sleep(_PAUSE_S)
        raise TimeoutError("no call is acknowledged")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the data of a call; a call without an answer is repeated."""
        end = time.monotonic() + _PATIENCE_S
        while (answer := self._call(method, path, body)) is None:
            if time.monotonic() > end:
                raise TimeoutError("no call is answered")
            time.sleep(_PAUSE_S)
        if answer["header"]["resultCode"]:
            self.refused[answer["header"]["resultCode"]] += 1
        return answer.get("data", {})

    def _call(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer, or None; each call opens its own connection."""
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
