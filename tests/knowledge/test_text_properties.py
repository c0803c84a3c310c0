"""Terms and languages, for any text."""

import unicodedata
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.knowledge.text import count_terms, guess_language, split_terms

texts = st.text(max_size=80) | st.text("配送退貨 shipping's RUNNING 990元\uff21\uff42", max_size=60)
han = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=20)


@given(texts, texts)
def test_a_space_separates(one, two):
    """The terms of two texts with a space between them are those of the one, then those of the other."""
    assert split_terms(f"{one} {two}") == split_terms(one) + split_terms(two)


@given(texts)
def test_spelling_does_not_matter(text):
    """Text in another normal form has the same terms."""
    assert split_terms(unicodedata.normalize("NFKC", text)) == split_terms(text)


@given(st.text("abcdefghijklmnopqrstuvwxyz 0123456789配送", max_size=60))
def test_case_does_not_matter(text):
    """Capital letters have the same terms."""
    assert split_terms(text.upper()) == split_terms(text)


@given(texts)
def test_terms_fit_the_index(text):
    """A term is never empty, short enough for an index entry, and free of spaces."""
    for term in split_terms(text * 5):
        assert 0 < len(term) <= 64
        assert not any(letter.isspace() for letter in term)


@given(han)
def test_chinese_becomes_characters_and_pairs(text):
    """N characters without a space give n terms of one and n - 1 of two; the pairs are neighbours."""
    plain = unicodedata.normalize("NFKC", text)
    expected = Counter(plain) + Counter(plain[place : place + 2] for place in range(len(plain) - 1))
    assert count_terms(text) == expected


@given(han, st.text("abcdefghijklmnopqrstuvwxyz ", max_size=100))
def test_more_of_a_script_never_turns_the_language_away(chinese, english):
    """Adding Chinese to what is taken for Chinese, or English to what is taken for English, changes nothing."""
    mixed = chinese + english
    if guess_language(mixed) == "zh":
        assert guess_language(mixed + chinese) == "zh"
    else:
        assert guess_language(mixed + english) == "en"


def test_examples():
    """Words meet in their stem; numbers, brands and mixed writing stay whole."""
    assert split_terms("Shipping, shipped SHIPS!") == ["ship", "ship", "ship"]
    assert split_terms("NT$990") == ["nt", "990"]
    assert split_terms("\uff2c\uff29\uff2e\uff25 綁定") == ["line", "綁", "定", "綁定"]
    assert [guess_language(text) for text in ("Can I return it?", "可以退貨嗎？", "LINE 帳號如何綁定", "", "42")] == [
        "en",
        "zh",
        "zh",
        "en",
        "en",
    ]
