"""The shop and browsers for the tests of this folder."""

from conftest_webchat import browser, other_browser, shop  # noqa: F401 -- fixtures
