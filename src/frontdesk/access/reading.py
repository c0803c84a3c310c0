"""Query metadata as an organization reads it: strictly when it is written, and closed when what is stored is broken."""

from dataclasses import dataclass

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.layers import ProfileAccess
from frontdesk.access.model import Layer, Nothing, Scope
from frontdesk.access.parse import Parsed, parse_query_metadata
from frontdesk.access.profiles import AccessProfile
from frontdesk.core.db import Tx
from frontdesk.organizations.queries import organizations


@dataclass(frozen=True, slots=True)
class ScopeReader:
    """Reads query metadata the way the organization chose."""

    vendor_faq_reading: bool

    def __call__(self, raw: object, layer: Layer) -> Scope | None:
        """Return the scope of stored query metadata; what cannot be read opens nothing. None: the layer is absent."""
        try:
            return parse_query_metadata(raw, layer=layer, vendor_faq_reading=self.vendor_faq_reading).scope
        except InvalidQueryMetadata:
            return Nothing()

    def parse(self, raw: object, layer: Layer, *, at: str) -> Parsed:
        """Read what is about to be written; `at` begins every pointer. Raises InvalidQueryMetadata."""
        try:
            return parse_query_metadata(raw, layer=layer, vendor_faq_reading=self.vendor_faq_reading)
        except InvalidQueryMetadata as error:
            raise InvalidQueryMetadata(error.detail, pointer=at + (error.pointer or ""), facts=error.facts) from error

    def profile(self, profile: AccessProfile) -> ProfileAccess:
        """Return what a stored profile opens in somebody's hands."""
        return ProfileAccess(self(profile.query_metadata, Layer.PROFILE), profile.minimum_assurance)


async def load_reader(tx: Tx) -> ScopeReader:
    """Return the reader of the organization."""
    organization = await organizations.find_organization(tx)
    return ScopeReader(vendor_faq_reading=organization is not None and organization.vendor_faq_reading)
