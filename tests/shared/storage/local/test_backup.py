"""A backup of the database while it is in use, made as docs/operations.md describes."""

import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness import builders
from harness.face_vectors import Population
from harness.stored_faces import enrol
from shared.app import App
from shared.core.errors import GroupNotFoundError, SealError
from shared.core.recognition import groups
from shared.storage.local.database import Database

TENANT, GROUP = "t", "g"


def opened(folder: Path) -> App:
    return App(builders.settings(folder))


def back_up(folder: Path, copy: Path) -> None:
    copy.mkdir()
    connection = sqlite3.connect(folder / "face.db")
    connection.execute("VACUUM INTO ?", (str(copy / "face.db"),))
    connection.close()


def nearest(app: App, vector: NDArray[np.float32]) -> list[str]:
    group = app.groups.get(TENANT, GROUP)
    return app.index.search(group, vector, limit=3, min_score=-1)[0]


def test_a_backup_made_while_faces_are_added_is_whole_and_answers_as_before(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    app = opened(data)
    group = groups.create(app.groups, app.sealer, tenant=TENANT, group_id=GROUP, model_version="m")
    vectors = Population(60).views(np.arange(60))
    first = enrol(app, group, vectors[:20])
    before = nearest(app, vectors[3])
    stop = threading.Event()

    def keep_adding() -> None:
        while not stop.is_set():
            enrol(app, group, vectors[20:])

    writer = threading.Thread(target=keep_adding)
    writer.start()
    try:
        back_up(data, copy)
    finally:
        stop.set()
        writer.join()
    shutil.copy2(data / "master_key", copy)
    restored = opened(copy)
    (check,) = Database(restored.settings.data_dir).read("PRAGMA integrity_check")
    found = restored.groups.get(TENANT, GROUP)
    assert check == ("ok",)
    assert (
        found.face_count == found.last_change == len(list(restored.faces.changes(found, after=0)))
    )
    assert set(restored.faces.get_many(found, first)) == set(first)
    assert nearest(restored, vectors[3])[0] == before[0]


def test_a_backup_opens_a_group_that_was_deleted_since_until_the_master_key_is_gone(
    tmp_path: Path,
) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    app = opened(data)
    group = groups.create(app.groups, app.sealer, tenant=TENANT, group_id=GROUP, model_version="m")
    vectors = Population(3).views(np.arange(3))
    faces = enrol(app, group, vectors)
    back_up(data, copy)
    app.groups.delete(group)
    with pytest.raises(GroupNotFoundError):
        app.groups.get(TENANT, GROUP)
    shutil.copy2(data / "master_key", copy)
    assert nearest(opened(copy), vectors[1])[0] == faces[1]
    (copy / "master_key").unlink()  # another one is made
    with pytest.raises(SealError):
        nearest(opened(copy), vectors[1])
