"""Who is shown and who is hidden, on vectors whose similarities are known."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.core.deadline import Deadline
from shared.core.errors import AnalysisTimeoutError, FaceNotFoundError, InvalidParameterError
from shared.core.hiding.gallery import HIDDEN, Gallery, Verdict, judge, kept_from
from shared.core.hiding.selection import Mode, Selection
from shared.core.photos.models import Box, Face, ImageFormat, Photo, Pose
from shared.core.recognition.models import Group, StoredFace
from shared.core.recognition.ports import FaceIndex, Recognizer
from shared.core.recognition.similarity import Calibration
from shared.index.groups import GroupIndex
from shared.index.snapshot import SnapshotStore
from shared.metrics.noop import NoopMetrics
from shared.storage.cipher import AesGcmSealer
from shared.storage.local.master_key import FileKeyWrapper
from tests.fakes import InMemoryBlobs, InMemoryFaces, InMemoryGroups

# The similarity of two vectors is 100 less 10 for each degree between them.
_DEGREES = np.linspace(10, 0, 101)
CALIBRATION = Calibration(
    ((-1.0, -1.0), *((math.cos(math.radians(d)), 100 - 10 * d) for d in _DEGREES))
)
_PIXELS = np.zeros((400, 400, 3), np.uint8)
PHOTO = Photo(_PIXELS, _PIXELS, 1, False, ImageFormat.PNG, None)
KEEP, ONLY = Selection(Mode.KEEP, "g"), Selection(Mode.ONLY, "g")
KEPT = Verdict(is_hidden=False)


def at(degrees: float) -> NDArray[np.float32]:
    """Return the unit vector in a direction of the plane."""
    vector = np.zeros(128, np.float32)
    vector[:2] = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return vector


def face(degrees: float, *, side: float = 60, confidence: float = 0.9) -> Face:
    """Return a face whose first landmark encodes its vector."""
    landmarks = ((degrees, 0.0), *((0.0, 0.0),) * 4)
    return Face(Box(0, 0, side, side + 20), confidence, landmarks)


class PlaneEmbedder:
    """Implements `Embedder`: a face's vector is where its first landmark says."""

    model_version = "m"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def embed(self, photo: Photo, faces: Sequence[Face]) -> NDArray[np.float32]:
        self.batches.append(len(faces))
        return np.array([at(face.landmarks[0][0]) for face in faces], np.float32).reshape(-1, 128)


@dataclass
class Poses:
    """Implements `PoseEstimator`: every head points there."""

    pose: Pose = field(default_factory=lambda: Pose(0, 0, 0))

    def estimate(self, photo: Photo, faces: Sequence[Face]) -> tuple[Pose, ...]:
        return (self.pose,) * len(faces)


class RemovingIndex:
    """Implements `FaceIndex`: every face is removed as soon as it is found."""

    def __init__(self, story: "Story") -> None:
        self._story = story
        self._index = story.index

    def search(
        self,
        group: Group,
        vector: NDArray[np.float32],
        *,
        limit: int,
        min_score: float,
        must_be_exact: bool = False,
    ) -> tuple[list[str], NDArray[np.float32]]:
        assert must_be_exact, "a face that is missed might be shown"
        found = self._index.search(group, vector, limit=limit, min_score=min_score)
        for face_id in found[0]:
            self._story.faces.remove(group, face_id)
        return found


class Story:
    """A group in a store, what is enrolled in it, and photos judged by it."""

    def __init__(self, folder: Path) -> None:
        self.groups = InMemoryGroups()
        self.faces = InMemoryFaces(self.groups)
        self.sealer = AesGcmSealer(FileKeyWrapper(folder))
        self.embedder = PlaneEmbedder()
        self.poses = Poses()
        self.index: FaceIndex = GroupIndex(
            self.faces,
            self.sealer,
            SnapshotStore(InMemoryBlobs(), self.sealer),
            max_bytes=1 << 30,
            min_faces=1 << 30,
            graph_min_faces=1 << 30,
            metrics=NoopMetrics(),
        )
        wrapped_key = self.sealer.new_group_key("g")
        self.groups.create(Group("t", "g", "g", "m", datetime.now(UTC), wrapped_key))

    def enrol(self, face_id: str, degrees: float, label: str | None = None) -> None:
        group = self.groups.get("t", "g")
        sealed = self.sealer.seal(group, face_id, at(degrees))
        new = StoredFace(face_id, "i", label, Box(0, 0, 1, 1), 1.0, sealed)
        assert self.faces.add(group, [new], capacity=100_000) == 1

    def judge(
        self, selection: Selection, *faces: Face, timeout_s: float = 60
    ) -> tuple[Verdict, ...]:
        group = self.groups.get("t", "g")
        recognizer = Recognizer(self.embedder, CALIBRATION)
        gallery = Gallery(group, self.faces, self.sealer, self.index, recognizer, self.poses)
        deadline = Deadline(time.monotonic() + timeout_s)
        return judge(gallery, selection, photo=PHOTO, faces=faces, deadline=deadline)

    def is_hidden(self, selection: Selection, face: Face) -> bool:
        (verdict,) = self.judge(selection, face)
        return verdict.is_hidden


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Kim at 0 degrees, Lee at 90."""
    story = Story(tmp_path)
    story.enrol("kim", 0, "kim.jpg")
    story.enrol("lee", 90, "lee.jpg")
    return story


def test_keep_shows_the_enrolled_and_says_who(story: Story) -> None:
    verdicts = story.judge(KEEP, face(0.5), face(45), face(89.5))
    assert verdicts == (Verdict(False, "kim"), HIDDEN, Verdict(False, "lee"))


def test_only_hides_the_enrolled_and_says_who(story: Story) -> None:
    verdicts = story.judge(ONLY, face(0.5), face(45), face(89.5))
    assert verdicts == (Verdict(True, "kim"), KEPT, Verdict(True, "lee"))


def test_between_sure_and_impossible_both_hide(story: Story) -> None:
    hidden = [
        [story.is_hidden(selection, face(degrees)) for degrees in (0.9, 1.1, 3.9, 4.1)]
        for selection in (KEEP, ONLY)
    ]
    assert hidden == [[False, True, True, True], [True, True, True, False]]


def test_a_given_similarity_replaces_the_default(story: Story) -> None:
    keep, only = replace(KEEP, similarity=60.0), replace(ONLY, similarity=60.0)
    for degrees, is_like in [(3.9, True), (4.1, False)]:
        assert story.is_hidden(keep, face(degrees)) is not is_like
        assert story.is_hidden(only, face(degrees)) is is_like


@pytest.mark.parametrize("degrees", [0, 45])
@pytest.mark.parametrize(
    "uncertain",
    [
        {"side": 39.9},
        {"confidence": 0.49},
    ],
)
@pytest.mark.parametrize("selection", [KEEP, ONLY])
def test_hides_any_small_or_doubtful_face(
    story: Story, selection: Selection, uncertain: dict[str, float], degrees: float
) -> None:
    assert story.judge(selection, face(degrees, **uncertain)) == (HIDDEN,)


@pytest.mark.parametrize("pose", [Pose(46, 0, 0), Pose(-46, 0, 0), Pose(0, 46, 0), Pose(0, -46, 0)])
@pytest.mark.parametrize("selection", [KEEP, ONLY])
def test_hides_any_face_that_looks_away(story: Story, selection: Selection, pose: Pose) -> None:
    story.poses.pose = pose
    assert story.judge(selection, face(0), face(45)) == (HIDDEN, HIDDEN)


@pytest.mark.parametrize("pose", [Pose(math.nan, 0, 0), Pose(0, math.nan, 0)])
def test_hides_a_face_whose_pose_is_not_finite(story: Story, pose: Pose) -> None:
    story.poses.pose = pose
    assert story.judge(ONLY, face(45)) == (HIDDEN,)


@pytest.mark.parametrize("selection", [KEEP, ONLY])
def test_hides_a_face_whose_vector_is_not_finite(story: Story, selection: Selection) -> None:
    assert story.judge(selection, face(math.nan)) == (HIDDEN,)


def test_judges_a_head_that_lies_on_its_side(story: Story) -> None:
    story.poses.pose = Pose(0, 0, 90)
    assert story.judge(KEEP, face(0)) == (Verdict(False, "kim"),)


def test_with_an_empty_group_keep_shows_nobody_and_only_hides_just_the_uncertain(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    faces = face(0), face(0, side=20)
    assert story.judge(KEEP, *faces) == (HIDDEN, HIDDEN)
    assert story.judge(ONLY, *faces) == (KEPT, HIDDEN)


@pytest.mark.parametrize(
    "kim", [{"face_ids": ("kim",)}, {"external_image_ids": ("kim.jpg",)}], ids=["id", "label"]
)
def test_people_are_selected_by_face_or_by_label(story: Story, kim: dict[str, Any]) -> None:
    keep, only = replace(KEEP, **kim), replace(ONLY, **kim)
    assert story.judge(keep, face(0), face(90)) == (Verdict(False, "kim"), HIDDEN)
    assert story.judge(only, face(0), face(90)) == (Verdict(True, "kim"), KEPT)


def test_a_label_means_all_faces_that_have_it(story: Story) -> None:
    story.enrol("kim-2", 20, "kim.jpg")
    kim = replace(KEEP, external_image_ids=("kim.jpg",))
    assert story.judge(kim, face(20)) == (Verdict(False, "kim-2"),)


def test_keep_hides_a_face_closer_to_somebody_not_selected(story: Story) -> None:
    story.enrol("twin", 1, "twin.jpg")
    kim = replace(KEEP, face_ids=("kim",))
    assert story.is_hidden(kim, face(0.4)) is False
    assert story.is_hidden(kim, face(0.6)) is True


def test_keep_hides_a_face_equally_close_to_somebody_not_selected(story: Story) -> None:
    story.enrol("same photo", 0, "alias.jpg")
    assert story.is_hidden(replace(KEEP, face_ids=("kim",)), face(0)) is True
    assert story.is_hidden(replace(KEEP, face_ids=("same photo",)), face(0)) is True
    assert story.is_hidden(replace(KEEP, face_ids=("kim", "same photo")), face(0)) is False


def test_only_hides_the_selected_even_if_somebody_else_is_closer(story: Story) -> None:
    story.enrol("twin", 2, "twin.jpg")
    kim = replace(ONLY, face_ids=("kim",))
    assert story.judge(kim, face(2)) == (Verdict(True, "kim"),)


def test_only_finds_the_selected_in_any_crowd(story: Story) -> None:
    for number in range(300):
        story.enrol(f"like-{number}", 2 + number / 1000)
    kim = replace(ONLY, face_ids=("kim",))
    assert story.judge(kim, face(2.5)) == (Verdict(True, "kim"),)
    assert story.judge(kim, face(4.5)) == (KEPT,)


@pytest.mark.parametrize("selection", [KEEP, ONLY])
@pytest.mark.parametrize(
    "nobody",
    [
        {"face_ids": ("park",)},
        {"face_ids": ("kim", "park")},
        {"external_image_ids": ("park.jpg",)},
        {"external_image_ids": ("kim.jpg", "park.jpg")},
        {"face_ids": ("kim",), "external_image_ids": ("kim",)},
    ],
)
def test_refuses_to_select_a_face_outside_the_group(
    story: Story, selection: Selection, nobody: dict[str, Any]
) -> None:
    with pytest.raises(FaceNotFoundError):
        story.judge(replace(selection, **nobody), face(0))


@pytest.mark.parametrize("kim", [{"face_ids": ("kim",)}, {"external_image_ids": ("kim.jpg",)}])
def test_refuses_to_select_a_removed_face(story: Story, kim: dict[str, Any]) -> None:
    story.faces.remove(story.groups.get("t", "g"), "kim")
    with pytest.raises(FaceNotFoundError):
        story.judge(replace(ONLY, **kim), face(0))


def test_keep_no_longer_shows_a_removed_face(story: Story) -> None:
    assert story.is_hidden(KEEP, face(0)) is False
    story.faces.remove(story.groups.get("t", "g"), "kim")
    assert story.is_hidden(KEEP, face(0)) is True


@pytest.mark.parametrize("selection", [KEEP, ONLY])
def test_a_face_that_is_removed_while_it_is_searched_for_decides_nothing(
    story: Story, selection: Selection
) -> None:
    story.index = RemovingIndex(story)
    assert story.judge(selection, face(0)) == (HIDDEN,)


def test_refuses_a_label_of_too_many_faces(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.core.hiding.gallery.MAX_SELECTED", 2)
    story.enrol("kim-2", 1, "kim.jpg")
    kim = replace(KEEP, external_image_ids=("kim.jpg",))
    assert story.is_hidden(kim, face(0)) is False
    story.enrol("kim-3", 2, "kim.jpg")
    with pytest.raises(InvalidParameterError, match=r"^keep\.externalImageIds "):
        story.judge(kim, face(0))


def test_the_default_similarity_rises_with_the_number_selected(story: Story) -> None:
    counts = (1, 10, 11, 100, 101, 1000, 1001, 100_000)
    assert [kept_from(count) for count in counts] == [90, 90, 95, 95, 97, 97, 99, 99]
    for number in range(9):
        story.enrol(f"other-{number}", 180 + 10 * number)
    assert story.is_hidden(KEEP, face(0.9)) is True  # eleven faces
    assert story.is_hidden(KEEP, face(0.4)) is False
    assert story.is_hidden(replace(KEEP, face_ids=("kim",)), face(0.9)) is False  # one


def test_all_faces_are_embedded_in_one_batch_and_the_uncertain_not_at_all(story: Story) -> None:
    story.judge(KEEP, face(0), face(45), face(90), face(0, side=20), face(0, confidence=0.3))
    assert story.embedder.batches == [3]


def test_gives_up_when_the_deadline_has_passed(story: Story) -> None:
    with pytest.raises(AnalysisTimeoutError):
        story.judge(KEEP, face(0), timeout_s=-1)
