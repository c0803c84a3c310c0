"""Ids: one type per kind of row, and `new_id`, which makes them.

Ids are UUIDs of version 7, made here and not in the database: a row can be named before it is stored, and rows made one
after the other lie side by side in an index.
"""

import threading
import time
from collections.abc import Callable
from secrets import randbits
from typing import NewType
from uuid import UUID

OrganizationId = NewType("OrganizationId", UUID)
UserId = NewType("UserId", UUID)
MembershipId = NewType("MembershipId", UUID)
RoleId = NewType("RoleId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
InvitationId = NewType("InvitationId", UUID)
RealmId = NewType("RealmId", UUID)
InboxId = NewType("InboxId", UUID)
ConflictId = NewType("ConflictId", UUID)
ContactId = NewType("ContactId", UUID)
IdentityId = NewType("IdentityId", UUID)
SessionId = NewType("SessionId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
AssistantId = NewType("AssistantId", UUID)
KnowledgeBaseId = NewType("KnowledgeBaseId", UUID)
DocumentId = NewType("DocumentId", UUID)
LabelId = NewType("LabelId", UUID)
ChunkId = NewType("ChunkId", UUID)
ContactLabelId = NewType("ContactLabelId", UUID)
AttributeId = NewType("AttributeId", UUID)
NoteId = NewType("NoteId", UUID)
SegmentId = NewType("SegmentId", UUID)
BulkEditId = NewType("BulkEditId", UUID)
ProfileId = NewType("ProfileId", UUID)
RuleId = NewType("RuleId", UUID)
AnswerId = NewType("AnswerId", UUID)
AttachmentId = NewType("AttachmentId", UUID)
UploadId = NewType("UploadId", UUID)
JobId = NewType("JobId", UUID)

_RANDOM_BITS = 74  # what RFC 9562 leaves beside the time, the version and the variant
_LOW_BITS = 62  # of these, the ones after the variant
_LARGEST_STEP_BITS = 32


class IdSequence:
    """Makes UUIDs of version 7, each greater than the one before. Safe to share between threads.

    `now_ms` tells milliseconds since 1970. When it stands still or goes back, ids go on from the last one by a random
    step, and borrow from the next millisecond if they must. Source: RFC 9562, sections 5.7 and 6.2 (method 2).
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._last = 0
        self._lock = threading.Lock()

    def make(self) -> UUID:
        """Return the next id."""
        with self._lock:
            # The topmost random bit starts at zero: room for the ids that follow within the same millisecond.
            fresh = (self._now_ms() << _RANDOM_BITS) | randbits(_RANDOM_BITS - 1)
            self._last = fresh if fresh > self._last else self._last + 1 + randbits(_LARGEST_STEP_BITS)
            return _to_uuid(self._last)


def _to_uuid(value: int) -> UUID:
    high, low = value >> _LOW_BITS, value & ((1 << _LOW_BITS) - 1)
    time_ms, middle = high >> 12, high & 0xFFF
    return UUID(int=time_ms << 80 | 0x7 << 76 | middle << 64 | 0b10 << 62 | low)


_sequence = IdSequence(lambda: time.time_ns() // 1_000_000)


def new_id() -> UUID:
    """Return a new UUID of version 7, greater than any this process made before."""
    return _sequence.make()
