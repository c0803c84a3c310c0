"""What an assistant is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from frontdesk.core.ids import AssistantId, KnowledgeBaseId


class ModelProvider(StrEnum):
    """Whose interface a model speaks."""

    OPENAI = "openai"  # and everything compatible
    ANTHROPIC = "anthropic"
    GOOGLE = "google"


@dataclass(frozen=True, slots=True)
class Assistant:
    """Instructions and a model. Without a model it answers with passages as they stand."""

    id: AssistantId
    name: str
    instructions: str
    model_provider: ModelProvider | None  # None: no model; the other model fields are then empty, too
    model_name: str | None
    model_base_url: str | None  # None: the vendor's own address
    has_model_key: bool
    webhook_url: str | None
    remembers: bool  # makes memory of what contacts write to it, and is told what is remembered
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model shall answer.

    `key` None keeps the stored key, but only as long as provider and address stay: a key goes nowhere it was not given
    for. An empty one removes it.
    """

    provider: ModelProvider
    name: str
    base_url: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BaseName:
    """A knowledge base of an assistant."""

    id: KnowledgeBaseId
    name: str


class AssistantChanges(TypedDict, total=False):
    """What is written; a key that is absent stays as it is."""

    name: str
    instructions: str
    model: ModelChoice | None  # None: answer without a model
    webhook_url: str | None
    remembers: bool
    base_ids: Sequence[KnowledgeBaseId]
