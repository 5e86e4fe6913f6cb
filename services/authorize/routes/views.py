"""Templates, one environment a language: what a page says is chosen with it."""

from pathlib import Path
from typing import Final

from jinja2 import Environment

from services.authorize.routes.assets import asset_url
from services.authorize.routes.branding import accent_url, logo_url
from shared.pages.templates import environment
from shared.texts import Language, Texts

_TEMPLATES: Final = Path(__file__).parents[1] / "pages"


class Views:
    def __init__(self, texts: Texts) -> None:
        self.texts: Final = texts
        self._environments: Final = {tag: _environment(language) for tag, language in texts.languages.items()}

    def render(self, template: str, language: Language, **values: object) -> str:
        return self._environments[language.tag].get_template(template).render(**values)


def _environment(language: Language) -> Environment:
    made = environment(_TEMPLATES)
    made.install_gettext_translations(language.translations, newstyle=True)  # type: ignore[attr-defined]
    made.policies["ext.i18n.trimmed"] = True
    made.globals |= {
        "asset_url": asset_url,
        "logo_url": logo_url,
        "accent_url": accent_url,
        "language": language,
        "say": language.say,  # of a Text, which stands in the code
        "moment": language.moment,
    }
    return made
