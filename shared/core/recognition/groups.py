"""Groups of faces."""

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.core.errors import InvalidGroupIdError
from shared.core.recognition import paging
from shared.core.recognition.models import Group
from shared.core.recognition.paging import Page, Scope
from shared.core.recognition.ports import Faces, Groups, Sealer

_GROUP_ID = re.compile(r"[a-z0-9-]{1,255}")
_PURGED_AT_ONCE = 500  # rows; what is left of a larger group goes later


@dataclass(frozen=True, slots=True)
class GroupPage:
    """A page of groups, and the token of the next one, None at the end."""

    groups: tuple[Group, ...]
    next_token: str | None


def is_group_id(text: str) -> bool:
    """Tell whether a group may have this name."""
    return _GROUP_ID.fullmatch(text) is not None


def create(
    groups: Groups, sealer: Sealer, *, tenant: str, group_id: str, model_version: str
) -> Group:
    """Make a group.

    Raises:
        InvalidGroupIdError: it cannot have this name.
        GroupExistsError: there is one of this name.
    """
    if not is_group_id(group_id):
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


def list_page(
    groups: Groups, *, tenant: str, limit: int, token: str | None, scope: Scope, secret: str
) -> GroupPage:
    """Return a page of the tenant's groups, in the order of their names.

    Raises:
        InvalidTokenError: the token was not made for this listing.
    """
    page = Page("", limit) if token is None else paging.verify(token, scope, secret=secret)
    found = groups.list_page(tenant, after=page.position or None, limit=page.limit + 1)
    shown = found[: page.limit]
    if len(found) == len(shown):
        return GroupPage(shown, None)
    following = Page(shown[-1].group_id, page.limit)
    return GroupPage(shown, paging.sign(following, scope, secret=secret))


def delete(groups: Groups, faces: Faces, *, tenant: str, group_id: str) -> None:
    """Delete a group with all its faces, for ever: its data key is gone when this returns.

    The rows that the key opened are noise from then on; some are removed here, the rest by the next
    purge.

    Raises:
        GroupNotFoundError: there is none.
    """
    groups.delete(groups.get(tenant, group_id))
    faces.purge(_PURGED_AT_ONCE)
