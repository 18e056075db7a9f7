from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks import pairs
from benchmarks.pairs import Pairs, PairsError


def write_photos(folder: Path, counts: dict[str, int]) -> None:
    for person, count in counts.items():
        (folder / person).mkdir(parents=True)
        for number in range(1, count + 1):
            (folder / person / f"{person}_{number:04d}.jpg").touch()


def names(data: Pairs) -> list[tuple[bool, str, str]]:
    return [
        (bool(same), data.files[a], data.files[b])
        for same, a, b in zip(data.same, data.first, data.second, strict=True)
    ]


def test_reads_a_csv_with_its_photos_next_to_it(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("a1.jpg", "a2.jpg", "b.jpg"):
        (tmp_path / "images" / name).touch()
    rows = ["1,a1.jpg,a2.jpg", "0,a1.jpg,b.jpg"] * 20
    csv = tmp_path / "pairs.csv"
    csv.write_text("\n".join(["same,a,b", *rows]), encoding="utf-8")

    data = pairs.read(csv)

    assert data.folder == tmp_path / "images"
    assert data.files == ("a1.jpg", "a2.jpg", "b.jpg")
    assert names(data) == [(True, "a1.jpg", "a2.jpg"), (False, "a1.jpg", "b.jpg")] * 20


def test_every_fold_has_its_share_of_both_kinds(tmp_path: Path) -> None:
    write_photos(tmp_path, {"Ada": 6, "Bob": 4, "Cid": 1})

    data = pairs.read(tmp_path)

    shares = Counter(zip(data.folds.tolist(), data.same.tolist(), strict=True))
    assert set(shares) == {(fold, same) for fold in range(10) for same in (True, False)}
    assert set(shares.values()) == {2, 3}


def test_reads_the_official_pairs_in_their_folds(tmp_path: Path) -> None:
    write_photos(tmp_path, {"Ada_L": 3, "Bob": 2})
    lines = ["2\t1", "Ada_L\t1\t3", "Ada_L\t2\tBob\t1", "Bob\t1\t2", "Bob\t2\tAda_L\t3"]
    (tmp_path / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    data = pairs.read(tmp_path)

    assert names(data) == [
        (True, "Ada_L/Ada_L_0001.jpg", "Ada_L/Ada_L_0003.jpg"),
        (False, "Ada_L/Ada_L_0002.jpg", "Bob/Bob_0001.jpg"),
        (True, "Bob/Bob_0001.jpg", "Bob/Bob_0002.jpg"),
        (False, "Bob/Bob_0002.jpg", "Ada_L/Ada_L_0003.jpg"),
    ]
    assert data.folds.tolist() == [0, 0, 1, 1]


def test_without_a_list_takes_all_same_pairs_and_the_same_number_of_different_ones(
    tmp_path: Path,
) -> None:
    write_photos(tmp_path, {"Ada": 5, "Bob": 3, "Cid": 1})

    data = pairs.read(tmp_path)

    people = [(same, a.split("/")[0], b.split("/")[0]) for same, a, b in names(data)]
    assert Counter(row for row in people if row[0]) == {
        (True, "Ada", "Ada"): 10,
        (True, "Bob", "Bob"): 3,
    }
    assert sum(one != other for same, one, other in people if not same) == 13
    assert len(people) == 26


def test_takes_the_same_pairs_every_time(tmp_path: Path) -> None:
    write_photos(tmp_path, {"Ada": 5, "Bob": 5, "Cid": 5})

    one, other = pairs.read(tmp_path), pairs.read(tmp_path)

    assert names(one) == names(other)
    np.testing.assert_array_equal(one.folds, other.folds)


def test_refuses_a_csv_with_other_columns(tmp_path: Path) -> None:
    csv = tmp_path / "pairs.csv"
    csv.write_text("x,y\n1,2\n", encoding="utf-8")

    with pytest.raises(PairsError, match="same, a and b"):
        pairs.read(csv)


def test_refuses_pairs_whose_photos_are_missing(tmp_path: Path) -> None:
    write_photos(tmp_path, {"Ada": 1})
    (tmp_path / "pairs.txt").write_text("1\t1\nAda\t1\t2\n", encoding="utf-8")

    with pytest.raises(PairsError, match=r"Ada_0002\.jpg is missing"):
        pairs.read(tmp_path)


def test_refuses_a_broken_list(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("1\t1\nAda\t1\n", encoding="utf-8")

    with pytest.raises(PairsError, match="Ada"):
        pairs.read(tmp_path)


@pytest.mark.parametrize("counts", [{"Ada": 9}, {"Ada": 1, "Bob": 1}, {"Ada": 2, "Bob": 2}])
def test_refuses_a_folder_of_too_few_people_or_photos(
    tmp_path: Path, counts: dict[str, int]
) -> None:
    write_photos(tmp_path, counts)

    with pytest.raises(PairsError):
        pairs.read(tmp_path)
