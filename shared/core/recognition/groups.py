"""Groups of faces."""

import re
import uuid
from datetime import UTC, datetime

from shared.core.errors import InvalidGroupIdError
from shared.core.recognition.models import GROUP_ID, Group
from shared.core.recognition.paging import Page, PageRequest, read_page
from shared.core.recognition.ports import Faces, Groups, Sealer

_PURGED_AT_ONCE = 500  # rows; the rest of a larger group is purged later


def create(
    groups: Groups, sealer: Sealer, *, tenant: str, group_id: str, model_version: str
) -> Group:
    """Create an empty group and return it.

    Raises:
        InvalidGroupIdError: a group cannot have this name.
        GroupExistsError: the tenant already has a group of this name.
    """
    if not re.fullmatch(GROUP_ID, group_id):
        raise InvalidGroupIdError
    generation = uuid.uuid4().hex
    group = Group(
        tenant=tenant,
        group_id=group_id,
        generation=generation,
        model_version=model_version,
        created_at=datetime.now(UTC),
        wrapped_key=sealer.new_group_key(generation),
    )
    groups.create(group)
    return group


def list_page(groups: Groups, *, tenant: str, page: PageRequest) -> Page[Group]:
    """Return a page of the tenant's groups, in the order of their names.

    Raises:
        InvalidTokenError: the token was not made for this listing, or has expired.
    """
    return read_page(
        page,
        lambda after, limit: groups.list_page(tenant, after=after or None, limit=limit),
        lambda group: group.group_id,
    )


def delete(groups: Groups, faces: Faces, *, tenant: str, group_id: str) -> None:
    """Delete a group and all its faces irreversibly: on return its data key no longer exists.

    From then on nobody can decrypt the rows of its faces. Some are removed here, the rest by the
    next purge.

    Raises:
        GroupNotFoundError: the tenant has no such group.
    """
    groups.delete(groups.get(tenant, group_id))
    faces.purge(_PURGED_AT_ONCE)
