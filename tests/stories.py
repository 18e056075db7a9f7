"""What callers do with each API, from the first call to the last, on real photos.

Each story calls every function of its dialect and looks at what it answers.
"""

import base64
import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness import builders, photos
from harness.face_vectors import Population
from harness.stored_faces import enrol
from local_runner.triggers.dynamodb_stream import StreamPoller, TableStream
from local_runner.triggers.sqs import SqsPoller
from shared.app import App
from tests import examples
from tests.api_gateway import ApiGateway, Invoke, Reply
from tests.functions.withmind.client import form, parts
from tests.functions.withmind.uploads import portrait, row_of

TENANT = "t"
"""The owner of the keys, groups and uploads of the stories."""

_NHN_OPERATIONS = examples.operations()["nhn"]
_JSON = {"Content-Type": "application/json;charset=UTF-8"}


def face_deid(api: ApiGateway, key: str) -> None:
    """Hide a face; refuse unknown paths and a caller without a key."""
    sent = {**_JSON, "Authorization": key}
    body = json.dumps(builders.deid_body(photos.astronaut_jpeg())).encode()
    reply = api.call("POST", "/FaceDeID", headers=sent, body=body)
    assert reply.status == 200
    found = reply.json["return_object"]
    assert {**reply.json, "return_object": {}} == examples.read("etri/face_deid.json")
    assert len(found["results"]) == 1
    hidden = base64.b64decode(found["file"])
    assert hidden.startswith(b"\xff\xd8\xff")
    assert hidden != photos.astronaut_jpeg()

    refused = api.call("POST", "/FaceDeID", headers=_JSON, body=body)
    assert refused.json == examples.read("errors/etri.json")["MissingKeyError"]["payload"]
    for path in ("/FaceDeID/more", "/elsewhere", "/"):
        reply = api.call("GET", path, headers=sent)
        assert reply.json["result"] == -1
        assert reply.status != 200


def withmind(api: ApiGateway, key: str) -> None:
    """Enrol a person, and recognise them among two."""
    enrolled = _post_form(api, "/enrollment_img/", key, portrait("obama.jpg"))
    assert enrolled.json == examples.read("withmind/enrollment_img.json")["answers"]["succeeded"]
    analysed = _post_form(api, "/analy_img", key, row_of("biden.jpg", "obama2.jpg"))
    assert analysed.json == {"result": {"person_1": "dismatch", "person_2": "match"}}
    unknown = _post_form(api, "/analy_img/", key, portrait("biden.jpg"), id="nobody")
    assert unknown.json in examples.read("withmind/analy_img.json")["answers"].values()
    assert api.call("GET", "/enrollment_img", headers={"Authorization": key}).status != 500


def nhn(api: ApiGateway, key: str) -> None:
    """Keep a group of two people, from its creation to its deletion."""
    caller = _Nhn(api, key)
    caller("create_group", "POST", "/groups", {"groupId": "story"})
    faces = {}
    for name in ("obama.jpg", "biden.jpg"):
        body = {"image": _image(name), "limit": 1, "externalImageId": name}
        added = caller("add_faces", "POST", "/groups/story", body)
        faces[name] = added["addedFaces"][0]["faceId"]
    obama, biden = faces.values()
    (group,) = caller("get_group", "GET", "/groups/story")["groups"]
    assert group["faceCount"] == 2
    listed = caller("list_groups", "GET", "/groups?limit=200")
    assert "story" in [group["groupId"] for group in listed["groups"]]
    listed = caller("list_faces", "GET", "/groups/story/faces?limit=200")
    assert [face["faceId"] for face in listed["faces"]] == [biden, obama]

    found = caller(
        "search_by_image",
        "POST",
        "/groups/story/search?limit=5&threshold=80",
        {"image": _image("obama2.jpg")},
    )
    assert [match["face"]["faceId"] for match in found["matchFaces"]] == [obama]
    path = f"/groups/story/faces/{obama}"
    found = caller("search_by_face_id", "GET", f"{path}?limit=5&threshold=1")
    assert [match["face"]["faceId"] for match in found["matchFaces"]] == [biden]
    detected = caller("detect", "POST", "/detect", {"image": _image("obama.jpg")})
    assert detected["faceDetailCount"] == 1
    pair = {"sourceImage": _image("obama.jpg"), "targetImage": _image("obama3.jpg")}
    compared = caller("compare", "POST", "/compare?threshold=80", pair)
    assert compared["matchedFaceDetailCount"] == 1

    caller("delete_face", "DELETE", path)
    assert caller.refusal("DELETE", path) == -40050
    caller("delete_group", "DELETE", "/groups/story")
    assert caller.refusal("GET", "/groups/story") == -40030
    assert caller.refusal("GET", "/nothing") == -40000
    assert _Nhn(api, "a-key-of-nobody").refusal("GET", "/groups?limit=1") == -41000
    elsewhere = api.call("GET", "/nhn-face-reco/v2.0/groups")
    assert (elsewhere.status, elsewhere.json["header"]["resultCode"]) == (404, -40000)


def keep_and_only(api: ApiGateway, key: str) -> None:
    """Show only the people of a group, then hide only them."""
    caller = _Nhn(api, key)
    with _group_of(caller, "obama.jpg"):
        for people in ({"group": "people"}, {"group": "people", "externalImageIds": ["obama.jpg"]}):
            for mode, action in (("keep", "kept"), ("only", "hidden")):
                options = {mode: people}
                body = json.dumps(builders.deid_body(photos.load("obama2.jpg"), options=options))
                sent = {**_JSON, "Authorization": key}
                reply = api.call("POST", "/FaceDeID", headers=sent, body=body.encode())
                (face,) = reply.json["return_object"]["results"]
                assert face["action"] == action


OF_CALLERS = (face_deid, withmind, nhn, keep_and_only)
"""What callers do with nothing but a key."""


def uploads(
    api: ApiGateway, key: str, files: Any, variables: Mapping[str, str], invoke: Invoke
) -> None:
    """Put files into the inbox, one broken and one already removed; find the results in the outbox.

    `files` is a client of S3. Uploads belong to the tenant of the key.
    """
    inbox, outbox = variables["INBOX_BUCKET"], variables["OUTBOX_BUCKET"]
    queue = SqsPoller(
        variables["UPLOAD_QUEUE_URL"],
        lambda event: invoke("DeidentifyUploadFunction", event),
        batch_size=4,
    )
    people = json.dumps({"keep": {"group": "people", "externalImageIds": ["obama.jpg"]}})
    everyone = json.dumps({"keep": {"group": "people"}})
    with _group_of(_Nhn(api, key), "obama.jpg"):
        files.put_object(Bucket=inbox, Key="시험/a b.jpg", Body=photos.astronaut_jpeg())
        files.put_object(Bucket=inbox, Key="broken.jpg", Body=b"\xff\xd8\xff, and no more")
        for name, options in (("kept.jpg", people), ("one.jpg", everyone)):
            photo = photos.load("obama2.jpg")
            files.put_object(Bucket=inbox, Key=name, Body=photo, Metadata={"options": options})
        files.put_object(Bucket=inbox, Key="gone.jpg", Body=photo)
        files.delete_object(Bucket=inbox, Key="gone.jpg")
        while queue.poll():
            pass
    actions = {}
    for name in ("시험/a b.jpg", "kept.jpg", "one.jpg"):
        receipt = json.loads(files.get_object(Bucket=outbox, Key=f"{name}.json")["Body"].read())
        hidden = files.get_object(Bucket=outbox, Key=name)["Body"].read()
        assert hashlib.sha256(hidden).hexdigest() == receipt["output"]["sha256"]
        actions[name] = [box["action"] for box in receipt["boxes"]]
    assert actions == {"시험/a b.jpg": ["hidden"], "kept.jpg": ["kept"], "one.jpg": ["kept"]}
    reason = files.get_object(Bucket=outbox, Key="quarantine/reasons/broken.jpg.json")
    assert json.loads(reason["Body"].read())["error"] == "CorruptImageError"
    assert "Contents" not in files.list_objects_v2(Bucket=inbox)


def large_group(api: ApiGateway, key: str, operator: App, invoke: Invoke) -> None:
    """Fill a group; once its changes are delivered, it has a snapshot and can be searched.

    The tenant is that of the key. The vectors are random: the tests have too few photos.
    """
    caller = _Nhn(api, key)
    stream = StreamPoller(
        TableStream(operator.settings.faces_table),
        lambda event: invoke("UpdateIndexFunction", event),
        batch_size=1000,
    )
    caller("create_group", "POST", "/groups", {"groupId": "large"})
    group = operator.groups.get(TENANT, "large")
    population = Population(people=40)
    for _ in range(2):
        face_ids = enrol(operator, group, population.anyone(60))
    while stream.poll():
        pass
    manifest = operator.snapshot_store.manifest(group)
    assert manifest is not None
    assert (manifest.faces, manifest.last_change) == (120, 120)
    path = f"/groups/large/faces/{face_ids[0]}?limit=5&threshold=1"
    found = caller("search_by_face_id", "GET", path)
    assert found["matchFaceCount"] == 5
    clean_up(invoke)
    operator.groups.delete(group)  # as a process does that ends before it has purged
    assert clean_up(invoke)["face_rows"] >= 120


def clean_up(invoke: Invoke) -> dict[str, int]:
    """Run the hourly clean-up; return what it removed."""
    report: dict[str, int] = invoke("CleanUpFunction", examples.read("events/schedule.json"))
    assert (report["failed"], report["unfinished"]) == (0, 0)
    return report


class _Nhn:
    """A caller of NHN's API."""

    def __init__(self, api: ApiGateway, key: str) -> None:
        self._api = api
        self._base = f"/nhn-face-reco/v1.0/appkeys/{key}"

    def __call__(self, operation: str, method: str, path: str, body: object = None) -> Any:
        """Return the data of a successful call, which has the fields of the vendor's example."""
        answer = self._send(method, path, body).json
        assert answer["header"]["isSuccessful"]
        data = answer.get("data", {})
        if operation in _NHN_OPERATIONS:
            example = examples.read(f"nhn/{operation}.json")
            assert answer["header"] == example["header"]
            assert set(data) >= set(example.get("data", {}))
        return data

    def refusal(self, method: str, path: str) -> int:
        """Return the code of a call that is refused."""
        answer = self._send(method, path).json
        assert not answer["header"]["isSuccessful"]
        return int(answer["header"]["resultCode"])

    def _send(self, method: str, path: str, body: object = None) -> Reply:
        sent = b"" if body is None else json.dumps(body).encode()
        return self._api.call(method, self._base + path, headers=_JSON, body=sent)


@contextlib.contextmanager
def _group_of(caller: _Nhn, photo: str) -> Iterator[None]:
    """Keep a group of one person, labelled with the photo's name, for the block."""
    caller("create_group", "POST", "/groups", {"groupId": "people"})
    body = {"image": _image(photo), "limit": 1, "externalImageId": photo}
    caller("add_faces", "POST", "/groups/people", body)
    yield
    caller("delete_group", "DELETE", "/groups/people")


def _post_form(api: ApiGateway, path: str, key: str, image: bytes, **fields: str) -> Reply:
    body, content_type = form(parts(image, **fields))
    headers = {"Content-Type": content_type, "Authorization": key}
    reply = api.call("POST", path, headers=headers, body=body)
    assert reply.status == 200
    return reply


def _image(name: str) -> dict[str, str]:
    return {"bytes": base64.b64encode(photos.load(name)).decode()}
