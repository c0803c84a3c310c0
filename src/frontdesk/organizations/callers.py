"""How a route learns who calls: `ctx: Annotated[Ctx, needs(Right.X)]`."""

from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request

from frontdesk.core.db import Database
from frontdesk.core.errors import Forbidden, Unauthenticated
from frontdesk.core.idempotency import claim_key
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.organizations.keys import authenticate_key
from frontdesk.organizations.model import Caller, Right


@dataclass(frozen=True, slots=True)
class Ctx:
    """What a route is given: the services and a caller who holds the right that the route declares."""

    services: Services
    caller: Caller

    @property
    def db(self) -> Database:
        """The database."""
        return self.services.db

    @property
    def organization_id(self) -> OrganizationId:
        """The caller's organization."""
        return self.caller.organization_id


class Needs:
    """A dependency that authenticates the caller and requires `right`, which tests read off the routes; None: none.

    With `keeps_answer` a POST that carries an Idempotency-Key is done once: see `core.idempotency`.
    """

    def __init__(self, right: Right | None, *, keeps_answer: bool = True) -> None:
        self.right = right
        self.keeps_answer = keeps_answer

    async def __call__(self, request: Request) -> Ctx:
        """Return the context. Raises Unauthenticated and Forbidden, and what `claim_key` raises."""
        services: Services = request.app.state.services
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"api-key", "bearer"} or not secret:
            raise Unauthenticated("Send your key as `Authorization: Api-Key <key>`.")
        caller = await authenticate_key(services.db, secret.strip())
        if self.right is not None and not caller.may(self.right):
            raise Forbidden(facts={"right": self.right.value})
        if self.keeps_answer:
            await claim_key(
                request,
                db=services.db,
                cipher=services.cipher,
                organization_id=caller.organization_id,
                caller=caller.reference,
            )
        return Ctx(services, caller)


def needs(right: Right, *, keeps_answer: bool = True) -> Any:  # noqa: ANN401 -- FastAPI's marker
    """Require `right` of the caller of a route. `keeps_answer` False: for a POST that only reads, or that streams."""
    return Depends(Needs(right, keeps_answer=keeps_answer))


def any_caller(*, keeps_answer: bool = True) -> Any:  # noqa: ANN401 -- FastAPI's marker
    """Require a caller and no right: for what callers are told about themselves."""
    return Depends(Needs(None, keeps_answer=keeps_answer))
