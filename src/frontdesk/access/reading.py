"""Stored query metadata as an organization reads it; what is broken opens nothing."""

from dataclasses import dataclass

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.explaining import Written
from frontdesk.access.layers import ProfileAccess
from frontdesk.access.model import Layer, Nothing, Scope
from frontdesk.access.parse import parse_query_metadata
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

    def written(self, raw: object, layer: Layer) -> Written:
        """Return stored query metadata with all that was understood of it."""
        try:
            parsed = parse_query_metadata(raw, layer=layer, vendor_faq_reading=self.vendor_faq_reading)
        except InvalidQueryMetadata:
            return Written(None, Nothing(), is_broken=True)
        return Written(parsed.query, parsed.scope)

    def profile(self, profile: AccessProfile) -> ProfileAccess:
        """Return what a stored profile opens in somebody's hands."""
        return ProfileAccess(self(profile.query_metadata, Layer.PROFILE), profile.minimum_assurance)


async def load_reader(tx: Tx) -> ScopeReader:
    """Return the reader of the organization."""
    organization = await organizations.find_organization(tx)
    return ScopeReader(vendor_faq_reading=organization is not None and organization.vendor_faq_reading)
