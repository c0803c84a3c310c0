"""Choosing the embedding model of a knowledge base in the console."""

from dataclasses import replace

import pytest
from tests.console.conftest import open_browser
from tests.console.test_knowledge import make_base

from frontdesk.knowledge.reembedding import on_vectors_wanted
from frontdesk.knowledge.scoring import USE_MODEL
from frontdesk.web import create_app
from knowledge.mirror import MIRROR, Two


@pytest.fixture
async def olga_with_two(services, hire, organization):
    """Olga, where two models are installed."""
    email = await hire(organization, "owner", name="Olga Owner")
    async with open_browser(create_app(replace(services, embedder=Two(services.embedder)))) as browser:
        await browser.sign_in(email)
        yield browser


async def test_another_model_is_chosen_and_stopped(olga_with_two, services, organization):
    """The form offers both; the screen says who reads and how far it is; choosing the present one again stops it."""
    olga, base = olga_with_two, await make_base(services, organization)
    path = f"/console/knowledge/{base}"
    form = (await olga.get(f"{path}/edit")).text
    assert f'value="{USE_MODEL}" selected' in form
    assert f'value="{MIRROR}"' in form
    assert "is reading this knowledge base" not in (await olga.get(path)).text
    await olga.post(f"{path}/edit", {"name": "Shop", "embedding_model": MIRROR})
    assert f"The embedding model {MIRROR} is reading this knowledge base: 0 %" in (await olga.get(path)).text
    assert "Read by another model: 0 %" in (await olga.get("/console/knowledge")).text
    assert f'value="{MIRROR}" selected' in (await olga.get(f"{path}/edit")).text
    await olga.post(f"{path}/edit", {"name": "Shop", "embedding_model": USE_MODEL})
    assert "is reading this knowledge base" not in (await olga.get(path)).text
    await olga.post(f"{path}/edit", {"name": "Shop", "embedding_model": MIRROR})
    await on_vectors_wanted(replace(services, embedder=Two(services.embedder)), organization, base)
    assert f'value="{MIRROR}" selected' in (await olga.get(f"{path}/edit")).text
    assert "Embedding model" in (await olga.get("/console/settings/audit")).text


async def test_a_model_that_is_not_installed_is_refused(olga_with_two):
    """Also when a form is sent that nobody was shown."""
    answer = await olga_with_two.post("/console/knowledge/new", {"name": "B", "embedding_model": "unheard-of"})
    assert answer.status_code == 400
    assert "There is no such model here." in answer.text


async def test_one_model_is_no_choice(olga, services, organization):
    """Where only one is installed, nobody is asked."""
    base = await make_base(services, organization)
    assert "Embedding model" not in (await olga.get(f"/console/knowledge/{base}/edit")).text
