"""The page of the settings says what the declarations say."""

from tools import settings


def test_the_page_is_generated_from_the_declarations() -> None:
    assert settings.PAGE.read_text(encoding="utf-8") == settings.page(), "run `make docs`"
