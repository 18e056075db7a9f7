"""DynamoDB beyond the contract: faults, tokens, and the limits of its requests."""

import json
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from shared.core.errors import GroupExistsError, GroupNotFoundError, StoreUnavailableError
from shared.core.recognition.models import Group
from shared.storage.aws.dynamodb import ConditionError
from shared.storage.aws.retry import Retry
from tests.shared.storage.aws.dynamo import GROUPS, Dynamo, Fault, running
from tests.shared.storage.stores import PLENTY, Store, assert_exact, new_face, new_group

ATTEMPTS = 4
WRITE = "TransactWriteItems"

CONFLICT = Fault(
    WRITE, code="TransactionCanceledException", reasons=("None", "TransactionConflict")
)
THROTTLED_INSIDE = Fault(
    WRITE, code="TransactionCanceledException", reasons=("ThrottlingError", "None")
)
IN_PROGRESS = Fault(WRITE, code="TransactionInProgressException")
THROTTLED = Fault(WRITE)
BROKEN = Fault(WRITE, status=500, code="InternalServerError")
UNREADABLE = Fault(WRITE, status=503, code="ServiceUnavailable")
FAULTS = [CONFLICT, THROTTLED_INSIDE, IN_PROGRESS, THROTTLED, BROKEN, UNREADABLE]


@pytest.fixture(scope="module")
def started() -> Iterator[Dynamo]:
    with running(retry=Retry(attempts=ATTEMPTS, first_pause_s=0.001, max_pause_s=0.004)) as dynamo:
        yield dynamo


@pytest.fixture
def dynamo(started: Dynamo) -> Dynamo:
    started.clear()
    return started


def writes(store: Store, group: Group, face_id: str) -> list[Callable[[], object]]:
    return [
        lambda: store.create("other"),
        lambda: store.add(group, 2),
        lambda: store.faces.remove(group, face_id),
        lambda: store.groups.delete(group),
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code + "-".join(fault.reasons))
def test_a_write_is_retried_after_a_transient_fault(dynamo: Dynamo, fault: Fault) -> None:
    store = dynamo.store
    group = store.create()
    (face,) = store.add(group, 1)
    create, add, remove, delete = writes(store, group, face.face_id)
    for write in (create, add, remove):
        dynamo.transport.fail(fault, times=ATTEMPTS - 1)
        write()
        assert_exact(store, group)
    assert store.groups.get("t", "other").face_count == 0
    assert store.groups.get("t", "g").face_count == 2
    dynamo.transport.fail(fault, times=ATTEMPTS - 1)
    delete()
    assert store.faces.purge(99) == 3  # two faces and a tombstone


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code + "-".join(fault.reasons))
def test_a_lasting_fault_is_raised_and_nothing_is_written(dynamo: Dynamo, fault: Fault) -> None:
    store = dynamo.store
    group = store.create()
    (face,) = store.add(group, 1)
    before = store.groups.get("t", "g")
    for write in writes(store, group, face.face_id):
        dynamo.transport.fail(fault, times=1000)
        with pytest.raises(StoreUnavailableError):
            write()
    dynamo.transport.faults.clear()
    assert store.groups.list_page("t", after=None, limit=9) == (before,)
    assert store.faces.purge(99) == 0
    assert_exact(store, group)


@pytest.mark.parametrize("operation", ["GetItem", "Query", "BatchGetItem"])
def test_a_read_is_retried_and_then_fails(dynamo: Dynamo, operation: str) -> None:
    store = dynamo.store
    group = store.create()
    (face,) = store.add(group, 1)

    def read() -> list[object]:
        return [
            store.groups.get("t", "g"),
            store.groups.list_page("t", after=None, limit=9),
            store.faces.get_many(group, [face.face_id]),
            store.faces.list_page(group, before=None, limit=9),
            store.changes(group),
        ]

    calm = read()
    dynamo.transport.fail(Fault(operation, status=500, code="InternalServerError"), times=3)
    assert read() == calm
    dynamo.transport.fail(Fault(operation, code="ProvisionedThroughputExceededException"), times=99)
    with pytest.raises(StoreUnavailableError):
        read()


def test_a_permanent_error_is_not_retried(dynamo: Dynamo) -> None:
    group = dynamo.store.create()
    dynamo.transport.requests.clear()
    dynamo.transport.fail(Fault(WRITE, code="AccessDeniedException"), times=99)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        dynamo.store.add(group, 1)
    assert len(dynamo.transport.of(WRITE)) == 1


def test_a_broken_connection_is_opened_again(dynamo: Dynamo) -> None:
    def break_off() -> None:
        raise ConnectionClosedError(endpoint_url="https://dynamodb")

    store = dynamo.store
    group = store.create()
    for operation in ("GetItem", WRITE):
        dynamo.transport.before(operation, break_off)
    store.add(group, 1)
    assert_exact(store, group)


def test_a_write_whose_answer_is_lost_is_applied_once(dynamo: Dynamo) -> None:
    store = dynamo.store
    group = store.create()
    (face,) = store.add(group, 1)
    for write in writes(store, group, face.face_id)[:3]:
        dynamo.transport.fail(
            Fault(WRITE, status=500, code="InternalServerError", lost_answer=True), times=1
        )
        write()
        assert_exact(store, group)
    now = store.groups.get("t", "g")
    assert (now.face_count, now.last_change) == (2, 4)
    with pytest.raises(GroupExistsError):
        store.create("other")


def test_the_same_request_keeps_its_token_and_a_new_one_gets_another(dynamo: Dynamo) -> None:
    group = dynamo.store.create()
    dynamo.transport.requests.clear()
    dynamo.transport.fail(BROKEN, times=1)
    dynamo.transport.fail(CONFLICT, times=1)
    dynamo.store.add(group, 1)
    first, again, after_the_conflict = dynamo.transport.of(WRITE)
    assert first == again
    assert first["ClientRequestToken"] != after_the_conflict["ClientRequestToken"]


def test_the_second_of_two_writers_reads_again(dynamo: Dynamo) -> None:
    """Between its read and its write another process adds a face."""
    store = dynamo.store
    group = store.create()
    dynamo.transport.before(WRITE, lambda: store.add(group, 2))
    assert len(store.add(group, 2, capacity=3)) == 1
    assert_exact(store, group)


def test_a_group_that_is_deleted_during_an_addition_gets_no_face(dynamo: Dynamo) -> None:
    store = dynamo.store
    group = store.create()
    dynamo.transport.before(WRITE, lambda: store.groups.delete(group))
    with pytest.raises(GroupNotFoundError):
        store.add(group, 2)
    assert store.faces.purge(99) == 0


def test_a_group_that_is_recreated_during_an_addition_gets_no_face(dynamo: Dynamo) -> None:
    store = dynamo.store
    group, new = store.create(), new_group()

    def recreate() -> None:
        store.groups.delete(group)
        store.groups.create(new)

    dynamo.transport.before(WRITE, recreate)
    with pytest.raises(GroupNotFoundError):
        store.add(group, 2)
    assert store.groups.get("t", "g") == new


def test_a_face_id_that_was_used_before_is_refused(dynamo: Dynamo) -> None:
    store = dynamo.store
    group = store.create()
    face = new_face()
    store.faces.add(group, [face], capacity=PLENTY)
    with pytest.raises(ConditionError):
        store.faces.add(group, [new_face(), face], capacity=PLENTY)
    assert_exact(store, group)


def test_unprocessed_keys_are_requested_again(dynamo: Dynamo) -> None:
    store = dynamo.store
    group = store.create()
    faces = store.add(group, 3)
    dynamo.transport.leave_out_keys(2)
    assert len(store.faces.get_many(group, [face.face_id for face in faces])) == 3
    requests = dynamo.transport.of("BatchGetItem")
    assert [len(request["RequestItems"]["FacesTable"]["Keys"]) for request in requests] == [3, 2]


def test_the_largest_addition_stays_within_the_limits_of_a_transaction(dynamo: Dynamo) -> None:
    group = dynamo.store.create()
    dynamo.transport.requests.clear()
    faces = [new_face("x" * 255) for _ in range(20)]
    assert dynamo.store.faces.add(group, faces, capacity=PLENTY) == 20
    (request,) = dynamo.transport.of(WRITE)
    assert len(request["TransactItems"]) <= 100
    assert len(json.dumps(request)) < 4 * 1024 * 1024


def test_reads_are_strongly_consistent(dynamo: Dynamo) -> None:
    store = dynamo.store
    group = store.create()
    (face,) = store.add(group, 1)
    store.groups.list_page("t", after=None, limit=9)
    store.listed(group)
    store.changes(group)
    store.faces.get_many(group, [face.face_id])
    store.faces.purge(9)
    for operation, body in dynamo.transport.requests:
        if operation in ("GetItem", "Query"):
            assert body["ConsistentRead"] is True
        if operation == "BatchGetItem":
            assert body["RequestItems"]["FacesTable"]["ConsistentRead"] is True


def test_a_note_outlives_a_purge_that_fails(dynamo: Dynamo) -> None:
    store = dynamo.store
    group = store.create()
    store.add(group, 3)
    store.groups.delete(group)
    dynamo.transport.fail(Fault("BatchWriteItem"), times=ATTEMPTS)
    with pytest.raises(StoreUnavailableError):
        store.faces.purge(99)
    assert store.faces.purge(99) == 3
    assert store.faces.purge(99) == 0


def test_a_deleted_groups_key_is_in_no_table(dynamo: Dynamo) -> None:
    group = new_group()
    dynamo.store.groups.create(group)
    assert group.wrapped_key in dynamo.contents()
    dynamo.store.groups.delete(group)
    assert group.wrapped_key not in dynamo.contents()


def test_reads_a_group_to_which_a_newer_version_added_an_attribute(dynamo: Dynamo) -> None:
    group = dynamo.store.create()
    dynamo.client.update_item(
        TableName=GROUPS,
        Key={"tenant": {"S": "t"}, "group_id": {"S": "g"}},
        UpdateExpression="SET colour = :colour",
        ExpressionAttributeValues={":colour": {"S": "blue"}},
    )
    assert dynamo.store.groups.get("t", "g") == group
