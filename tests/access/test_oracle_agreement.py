"""Our reading of query metadata and the oracle's are the same, for whatever can be written."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.access.oracle import oracle_allows, oracle_reads
from tests.access.situations import effective_of
from tests.access.strategies import World, facts_of, random_query_metadata, random_situation, randoms, worlds

from frontdesk.access.model import Layer, permits
from frontdesk.access.parse import parse_query_metadata


@given(randoms, worlds, st.sampled_from(Layer), st.booleans())
def test_one_layer_is_read_as_the_oracle_reads_it(rng: Random, world: World, layer: Layer, vendor_faq_reading: bool):
    """Every document is open or closed as the tables of the product say, and absent is absent."""
    raw = random_query_metadata(rng, world)
    scope = parse_query_metadata(raw, layer=layer, vendor_faq_reading=vendor_faq_reading).scope
    for document in world.documents:
        expected = oracle_allows(raw, document, layer.name.lower(), vendor_faq_reading=vendor_faq_reading)
        assert (None if scope is None else permits(scope, facts_of(document))) == expected


@given(randoms, worlds)
def test_all_layers_together_are_read_as_the_oracle_reads_them(rng: Random, world: World):
    """Every document is open or closed to a message as the formula says, in every mix of layers."""
    situation = random_situation(rng, world)
    scope = effective_of(situation).scope
    for document in world.documents:
        assert permits(scope, facts_of(document)) == oracle_reads(situation, document)
