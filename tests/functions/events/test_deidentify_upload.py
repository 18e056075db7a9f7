"""Uploads through S3 events, with real photos and models, in folders and in S3."""

import copy
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import cv2
import numpy as np
import pytest
from moto import mock_aws

from functions.events.deidentify_upload import handler
from functions.nhn.add_faces import handler as add_faces
from functions.nhn.create_group import handler as create_group
from harness import builders, photos
from local_runner.triggers.inbox import InboxPoller
from shared import VERSION
from shared.app import App
from shared.config import ROOT
from shared.core.blobs import Blobs
from shared.core.errors import StoreUnavailableError
from shared.core.hiding.ports import FaceRedactor, HideMethod
from shared.core.metering.models import Limits
from shared.core.photos.models import Face, Photo
from shared.core.recognition import groups
from shared.core.uploads import processing
from shared.log import JsonFormatter
from shared.storage.aws.blobs import S3Blobs
from shared.storage.local.blobs import FileBlobs
from tests import image_files
from tests.local_runner.triggers.recorder import Clock

GOLDEN = ROOT / "tests/golden/events"
PUT: dict[str, Any] = json.loads((GOLDEN / "sqs_s3_put.json").read_bytes())
TEST: dict[str, Any] = json.loads((GOLDEN / "sqs_s3_test.json").read_bytes())
KEY = "a b/cé.jpg"
ASTRONAUT = photos.astronaut_jpeg()
FACE = (170, 65, 275, 215)  # of the astronaut: x1, y1, x2, y2, by eye
COMMENT = b"taken at home"
MAX_BYTES = 1_000_000
MODELS = ("codec", "detector_session", "detector", "redactor", "poses", "recognizers")


@dataclass
class Place:
    app: App
    put: Callable[[str, bytes, dict[str, str]], None]

    @property
    def outbox(self) -> Blobs:
        return self.app.outbox

    def upload(self, key: str, data: bytes, **metadata: str) -> None:
        self.put(key, data, metadata)

    def out(self) -> dict[str, bytes]:
        return {info.key: self.outbox.get(info.key).data for info in self.outbox.list()}

    def read_json(self, key: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.outbox.get(key).data)
        return content

    def reason(self, key: str) -> str:
        return str(self.read_json(f"quarantine/reasons/{key}.json")["reason"])

    def waiting(self) -> list[str]:
        return [info.key for info in self.app.inbox.list()]

    def account(self) -> dict[str, object]:
        """Return all files, without versions and times."""
        files: dict[str, object] = {f"inbox {key}": None for key in self.waiting()}
        for key, data in self.out().items():
            files[key] = timeless(json.loads(data)) if key.endswith(".json") else data
        return files


def timeless(value: object) -> object:
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in ("version", "at")}
    return value


def folders(root: Path, app: App, **environ: str) -> Place:
    environ = {"UPLOAD_MAX_BYTES": str(MAX_BYTES), **environ}
    models = {name: getattr(app, name) for name in MODELS}
    place_app = builders.app_with(builders.settings(root, **environ), **models)

    def put(key: str, data: bytes, metadata: dict[str, str]) -> None:
        if metadata:
            sidecar = root / "inbox" / f"{key}.metadata.json"
            sidecar.parent.mkdir(parents=True, exist_ok=True)
            sidecar.write_text(json.dumps(metadata))
        place_app.inbox.put(key, data)

    return Place(place_app, put)


def buckets(root: Path, app: App, **environ: str) -> Place:
    s3 = boto3.client("s3")
    for bucket in ("inbox", "outbox"):
        s3.create_bucket(Bucket=bucket)
    place = folders(root, app, **environ)
    place.app.__dict__.update(inbox=S3Blobs("inbox"), outbox=S3Blobs("outbox"))

    def put(key: str, data: bytes, metadata: dict[str, str]) -> None:
        s3.put_object(Bucket="inbox", Key=key, Body=data, Metadata=metadata)

    return Place(place.app, put)


@pytest.fixture(params=["folders", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, app: App, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    if request.param == "folders":
        yield folders(tmp_path, app)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield buckets(tmp_path, app)


def event(*keys: str, bucket: str = "inbox", deliveries: int = 1) -> dict[str, Any]:
    """Return the event of a batch with one message for each key."""
    records = []
    for number, key in enumerate(keys):
        record = copy.deepcopy(PUT["Records"][0])
        body = json.loads(record["body"])
        body["Records"][0]["s3"]["bucket"]["name"] = bucket
        body["Records"][0]["s3"]["object"]["key"] = quote_plus(key)
        record["attributes"]["ApproximateReceiveCount"] = str(deliveries)
        records.append({**record, "messageId": f"message {number}", "body": json.dumps(body)})
    return {"Records": records}


def call(place: Place, *keys: str, deliveries: int = 1) -> list[str]:
    """Deliver keys in one batch; return the messages to deliver again."""
    reply = handler(event(*keys, deliveries=deliveries), None, place.app)
    return [failure["itemIdentifier"] for failure in reply["batchItemFailures"]]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def change_at(data: bytes, box: Sequence[int]) -> float:
    """Return by how much the pixels of the astronaut differ within a box, on average."""
    before, after = image_files.pillow(ASTRONAUT, "RGB"), image_files.pillow(data, "RGB")
    x1, y1, x2, y2 = box
    return float(np.abs(before.astype(int) - after.astype(int))[y1:y2, x1:x2].mean())


def test_an_upload_is_de_identified_and_gets_a_receipt(place: Place) -> None:
    place.upload(KEY, ASTRONAUT)
    assert handler(PUT, None, place.app) == {"batchItemFailures": []}
    out = place.out()
    assert set(out) == {KEY, f"{KEY}.json"}
    assert change_at(out[KEY], FACE) > 20
    assert change_at(out[KEY], (400, 400, 512, 512)) < 5
    receipt = place.read_json(f"{KEY}.json")
    (face,) = receipt["boxes"]
    centre = [(face["bbox"][0] + face["bbox"][2]) / 2, (face["bbox"][1] + face["bbox"][3]) / 2]
    assert FACE[0] < centre[0] < FACE[2]
    assert FACE[1] < centre[1] < FACE[3]
    assert face["action"] == "hidden"
    assert 0.5 < face["conf"] <= 1
    assert receipt["faces"] == 1
    assert receipt["options"]["method"] == "veil"
    assert receipt["models"] == {"detector": "yunet-2023mar"}
    assert receipt["source"]["sha256"] == sha256(ASTRONAUT)
    assert receipt["output"]["sha256"] == sha256(out[KEY])
    assert receipt["output"]["type"] == "jpg"
    assert receipt["by"] == f"face-functions {VERSION}"
    assert place.waiting() == []


def test_the_test_message_of_s3_is_ignored(place: Place) -> None:
    assert handler(TEST, None, place.app) == {"batchItemFailures": []}
    assert place.out() == {}


def test_a_photo_without_a_face_reaches_the_outbox(place: Place) -> None:
    faceless = image_files.save(image_files.photo().crop((0, 0, 20, 15)), "JPEG")
    place.upload("x.jpg", faceless)
    assert call(place, "x.jpg") == []
    assert image_files.open_again(place.out()["x.jpg"]).size == (20, 15)
    assert (place.read_json("x.jpg.json")["faces"], place.read_json("x.jpg.json")["boxes"]) == (
        0,
        [],
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("crop", [None, (0, 0, 20, 15)])
def test_camera_metadata_is_removed(
    place: Place, kind: str, crop: tuple[int, int, int, int] | None
) -> None:
    image = image_files.open_again(ASTRONAUT)
    exif = b"Exif\0\0" + image_files.exif_block(6, more=COMMENT)
    photo = image_files.save(image.crop(crop) if crop else image, kind, exif=exif)
    assert COMMENT in photo
    place.upload("x", photo)
    assert call(place, "x") == []
    assert all(COMMENT not in data for data in place.out().values())
    assert image_files.open_again(place.out()["x"]).getexif().get(0x0112) == 6


def test_a_cmyk_photo_is_processed(place: Place) -> None:
    photo = image_files.open_again(ASTRONAUT).convert("CMYK")
    place.upload("x.jpg", image_files.save(photo, "JPEG"))
    assert call(place, "x.jpg") == []
    assert place.read_json("x.jpg.json")["faces"] == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is not a JPEG, PNG or BMP file"),
        (b"no image", "it is not a JPEG, PNG or BMP file"),
        (image_files.save(image_files.photo(), "GIF"), "it is not a JPEG, PNG or BMP file"),
        (ASTRONAUT[: len(ASTRONAUT) // 2], "the JPEG ends before its end-of-image marker"),
        (image_files.png_header(60_000, 60_000), "it has more pixels than MAX_PIXELS"),
        (ASTRONAUT + bytes(MAX_BYTES), "it has more bytes than UPLOAD_MAX_BYTES"),
    ],
    ids=["empty", "text", "gif", "cut", "pixels", "bytes"],
)
def test_a_file_that_cannot_be_processed_is_quarantined(
    place: Place, data: bytes, reason: str
) -> None:
    place.upload("a/x.jpg", data, by="me")
    assert call(place, "a/x.jpg") == []
    assert place.reason("a/x.jpg") == reason
    quarantined = place.outbox.get("quarantine/files/a/x.jpg")
    assert (quarantined.data, quarantined.metadata) == (data, {"by": "me"})
    assert len(place.out()) == 2
    assert place.waiting() == []


def test_reads_the_options_of_an_upload_from_its_metadata(place: Place) -> None:
    place.upload("x.jpg", ASTRONAUT, options='{"method": "solid", "min_face": 200}')
    place.upload("y.jpg", ASTRONAUT, options='{"method": "invisible"}')
    assert call(place, "x.jpg", "y.jpg") == []
    receipt = place.read_json("x.jpg.json")
    assert receipt["options"] == {"method": "solid", "min_face": 200, "draw": False}
    assert receipt["faces"] == 0
    assert place.reason("y.jpg").startswith("method must be one of")


def test_an_upload_without_options_gets_those_of_the_deployment(tmp_path: Path, app: App) -> None:
    place = folders(tmp_path, app, UPLOAD_OPTIONS='{"method": "mosaic"}', UPLOAD_ORIGINALS="keep")
    place.upload("x.jpg", ASTRONAUT)
    place.upload("y.jpg", ASTRONAUT, options="{}")
    assert call(place, "x.jpg", "y.jpg") == []
    methods = [place.read_json(f"{name}.jpg.json")["options"]["method"] for name in "xy"]
    assert methods == ["mosaic", "veil"]
    assert place.waiting() == ["x.jpg", "y.jpg"]


def test_an_upload_with_unreadable_metadata_is_quarantined(tmp_path: Path, app: App) -> None:
    place = folders(tmp_path, app)
    place.upload("x.jpg", ASTRONAUT, by="me")
    (tmp_path / "inbox" / "x.jpg.metadata.json").write_text("{")
    assert call(place, "x.jpg") == []
    assert place.reason("x.jpg") == "metadata cannot be read"


def test_gives_up_an_analysis_that_takes_too_long(tmp_path: Path, app: App) -> None:
    place = folders(tmp_path, app, ANALYSIS_TIMEOUT_S="0.000001")
    place.upload("x.jpg", ASTRONAUT)
    assert call(place, "x.jpg") == []
    assert place.reason("x.jpg") == "it took longer than ANALYSIS_TIMEOUT_S"


def enrol(place: Place, image: bytes) -> str:
    """Make a group `crew` of tenant `t` with a face; return its id."""
    place.app.__dict__.update(builders.access_ports(Limits()))
    base = "/nhn-face-reco/v1.0/appkeys/{appKey}/groups"
    group = builders.event("POST", base, body={"groupId": "crew"})
    group["pathParameters"] = {"appKey": builders.KEY}
    create_group(group, None, place.app)
    argument = builders.deid_body(image)["argument"]
    faces = builders.event(
        "POST", base + "/{groupId}", body={"image": {"bytes": argument["file"]}, "limit": 1}
    )
    faces["pathParameters"] = {"appKey": builders.KEY, "groupId": "crew"}
    added = builders.answer(add_faces(faces, None, place.app))
    return str(added["data"]["addedFaces"][0]["faceId"])


def test_keeps_the_people_named_in_the_options(tmp_path: Path, app: App) -> None:
    place = folders(
        tmp_path, app, UPLOAD_TENANT="t", UPLOAD_OPTIONS='{"keep": {"group": "crew"}}',
        UPLOAD_ORIGINALS="keep",
    )  # fmt: skip
    face_id = enrol(place, ASTRONAUT)
    place.upload("x.jpg", ASTRONAUT)
    place.upload("y.jpg", ASTRONAUT, options='{"only": {"group": "nobody"}}')
    assert call(place, "x.jpg", "y.jpg") == []
    receipt = place.read_json("x.jpg.json")
    (face,) = receipt["boxes"]
    assert (face["action"], face["faceId"]) == ("kept", face_id)
    assert receipt["models"]["embedder"] == app.model_version
    assert receipt["options"]["keep"] == {"group": "crew"}
    assert change_at(place.out()["x.jpg"], FACE) < 5
    assert place.reason("y.jpg") == "the tenant has no group of this name: nobody"

    place.app.faces.remove(place.app.groups.get("t", "crew"), face_id)
    assert call(place, "x.jpg") == []
    assert place.read_json("x.jpg.json")["boxes"][0]["action"] == "hidden"
    assert change_at(place.out()["x.jpg"], FACE) > 20


def test_keep_needs_a_tenant(place: Place) -> None:
    place.upload("x.jpg", ASTRONAUT, options='{"keep": {"group": "crew"}}')
    assert call(place, "x.jpg") == []
    assert place.reason("x.jpg") == "keep needs UPLOAD_TENANT, which is not set"


def test_keep_refuses_a_group_of_a_missing_model(tmp_path: Path, app: App) -> None:
    place = folders(tmp_path, app, UPLOAD_TENANT="t")
    groups.create(
        place.app.groups, place.app.sealer, tenant="t", group_id="crew", model_version="of-old"
    )
    place.upload("x.jpg", ASTRONAUT, options='{"keep": {"group": "crew"}}')
    assert call(place, "x.jpg") == []
    assert "'of-old', which is not here: enrol anew" in place.reason("x.jpg")


class Fragile:
    """Hides faces, but fails for the first photos, as a library may."""

    def __init__(self, redactor: FaceRedactor, failures: int) -> None:
        self._masker = redactor
        self._failures = failures

    def hide(self, photo: Photo, faces: Sequence[Face], method: HideMethod) -> Photo:
        self._failures -= 1
        if self._failures >= 0:
            raise cv2.error("(-215:Assertion failed) in the photo of Ann")
        return self._masker.hide(photo, faces, method)

    def draw(self, photo: Photo, faces: Sequence[Face]) -> Photo:
        return self._masker.draw(photo, faces)


def test_a_transient_error_only_delays_a_file(place: Place, app: App) -> None:
    place.app.__dict__["redactor"] = Fragile(app.redactor, failures=4)
    place.upload("x.jpg", ASTRONAUT)
    for deliveries in range(1, 5):
        assert call(place, "x.jpg", deliveries=deliveries) == ["message 0"]
        assert place.waiting() == ["x.jpg"]
        assert place.out() == {}
    assert call(place, "x.jpg", deliveries=5) == []
    assert set(place.out()) == {"x.jpg", "x.jpg.json"}
    assert change_at(place.out()["x.jpg"], FACE) > 20


def test_a_file_that_always_fails_is_quarantined_and_the_others_are_processed(
    place: Place, app: App
) -> None:
    place.app.__dict__["redactor"] = Fragile(app.redactor, failures=5)
    place.upload("bad.jpg", ASTRONAUT)
    place.upload("faceless.jpg", image_files.save(image_files.photo().crop((0, 0, 9, 9)), "JPEG"))
    assert call(place, "bad.jpg", "faceless.jpg") == ["message 0"]
    for deliveries in (2, 3, 4):
        assert call(place, "bad.jpg", deliveries=deliveries) == ["message 0"]
    assert call(place, "bad.jpg", deliveries=5) == []
    assert place.reason("bad.jpg") == "it failed unexpectedly: error"
    assert set(place.out()) == {
        "faceless.jpg", "faceless.jpg.json",
        "quarantine/files/bad.jpg", "quarantine/reasons/bad.jpg.json",
    }  # fmt: skip
    assert place.waiting() == []


def test_a_file_of_the_inbox_folder_that_always_fails_is_quarantined(
    tmp_path: Path, app: App
) -> None:
    place = folders(tmp_path, app)
    place.app.__dict__["redactor"] = Fragile(app.redactor, failures=5)
    clock = Clock()

    def call_handler(event: Mapping[str, Any]) -> Mapping[str, Any]:
        return handler(dict(event), None, place.app)

    inbox = InboxPoller(place.app.inbox, "inbox", call_handler, batch_size=4, clock=clock)
    place.upload("x.jpg", ASTRONAUT)
    for pause_s in (0, 1, 2, 4, 8, 16):
        assert place.waiting() == ["x.jpg"]
        clock.now += pause_s
        inbox.poll()
    assert place.reason("x.jpg") == "it failed unexpectedly: error"
    assert place.waiting() == []


def test_a_failure_of_the_deployment_quarantines_no_file(tmp_path: Path, app: App) -> None:
    place = folders(tmp_path, app, MODELS_DIR=str(tmp_path / "none"))
    for name in ("detector", "detector_session"):
        del place.app.__dict__[name]
    place.upload("x.jpg", ASTRONAUT)
    assert call(place, "x.jpg", deliveries=5) == ["message 0"]
    assert place.out() == {}
    assert place.waiting() == ["x.jpg"]


ORDERS = [(0, 1, 2), (2, 1, 0), (1, 1, 0, 2, 2, 0), (2, 0, 1, 2, 0, 1)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_events_may_arrive_twice_and_in_any_order(place: Place, order: tuple[int, ...]) -> None:
    keys = ("x.jpg", "broken.jpg", "x.jpg")
    place.upload("x.jpg", ASTRONAUT[:1000])
    place.upload("broken.jpg", ASTRONAUT[:2000])
    place.upload("x.jpg", ASTRONAUT)
    for number in order:
        assert call(place, keys[number]) == []
    assert set(place.out()) == {
        "x.jpg", "x.jpg.json",
        "quarantine/files/broken.jpg", "quarantine/reasons/broken.jpg.json",
    }  # fmt: skip
    assert place.read_json("x.jpg.json")["source"]["sha256"] == sha256(ASTRONAUT)
    assert place.waiting() == []
    before = place.account()
    assert call(place, *keys) == []
    assert place.account() == before


def test_a_message_that_fails_is_reported_alone(place: Place) -> None:
    place.upload("x.jpg", ASTRONAUT)
    place.upload("y.jpg", ASTRONAUT[:1000])
    batch = event("x.jpg", "y.jpg")
    strange = event("x.jpg", bucket="another")["Records"][0]
    batch["Records"].insert(1, {**strange, "messageId": "strange"})
    reply = handler(batch, None, place.app)
    assert reply == {"batchItemFailures": [{"itemIdentifier": "strange"}]}
    assert set(place.out()) == {
        "x.jpg", "x.jpg.json", "quarantine/files/y.jpg", "quarantine/reasons/y.jpg.json",
    }  # fmt: skip


class FullDisk(FileBlobs):
    """A folder that refuses every write."""

    def replace(self, key: str, data: bytes, *, expected: str | None) -> str:
        raise StoreUnavailableError


def test_a_failed_write_is_retried(tmp_path: Path, app: App) -> None:
    place = folders(tmp_path, app)
    place.upload("x.jpg", ASTRONAUT)
    place.app.__dict__["outbox"] = FullDisk(tmp_path / "outbox")
    assert call(place, "x.jpg") == ["message 0"]
    assert place.waiting() == ["x.jpg"]
    del place.app.__dict__["outbox"]
    assert call(place, "x.jpg") == []
    assert set(place.out()) == {"x.jpg", "x.jpg.json"}


def test_file_names_that_collide_or_are_too_long_end_in_quarantine(
    tmp_path: Path, app: App
) -> None:
    place = folders(tmp_path, app)
    names = ["n" * 252, "n.metadata", "quarantine"]
    for name in names:
        place.upload(name, ASTRONAUT)
    place.upload("x", ASTRONAUT)
    assert call(place, "x", *names) == []
    place.app.inbox.put("x/y", ASTRONAUT)  # below the name of a file that came out
    place.app.inbox.put("x.json/y", ASTRONAUT)  # and of a receipt
    assert call(place, "x/y", "x.json/y") == []
    out = place.out()
    for name in [*names, "x/y", "x.json/y"]:
        file_key, reason_key = processing.quarantine_keys(name, place.outbox)
        assert out[file_key] == ASTRONAUT
        assert place.read_json(reason_key)["key"] == name
    assert len(out) == 2 + 2 * 5
    assert place.waiting() == []


@pytest.mark.parametrize("place", ["s3"], indirect=True)
@pytest.mark.parametrize("key", ["k" * 1024, "k" * 1020, "x.json", "quarantine/files/x.jpg"])
def test_keys_that_collide_or_are_too_long_end_in_quarantine(place: Place, key: str) -> None:
    place.upload(key, ASTRONAUT)
    place.upload("k" * 990, ASTRONAUT)
    assert call(place, key, "k" * 990) == []
    file_key, reason_key = processing.quarantine_keys(key, place.outbox)
    assert place.out()[file_key] == ASTRONAUT
    assert place.read_json(reason_key)["key"] == key
    assert place.read_json("k" * 990 + ".json")["faces"] == 1
    assert place.waiting() == []


def test_neither_logs_nor_receipts_reveal_the_image_or_its_name(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "functions")
    caplog.set_level(logging.DEBUG, "shared")
    broken = ASTRONAUT[: len(ASTRONAUT) // 2]
    place.upload("photo-of-ann.jpg", ASTRONAUT)
    place.upload("photo-of-bob.jpg", broken)
    assert call(place, "photo-of-ann.jpg", "photo-of-bob.jpg") == []
    assert handler(event("photo-of-eve.jpg", bucket="x"), None, place.app)["batchItemFailures"]
    lines = [JsonFormatter().format(record) for record in caplog.records]
    results = [json.loads(line).get("result") for line in lines]
    assert [result for result in results if result] == ["deidentified", "quarantined"]
    for name in ("of-ann", "of-bob", "of-eve"):
        assert not any(name in line for line in lines)
    receipts = [data for key, data in place.out().items() if key.endswith(".json")]
    for text in [*receipts, *(line.encode() for line in lines)]:
        assert len(text) < 2000
        assert text.isascii()
        assert b"\\x" not in text
