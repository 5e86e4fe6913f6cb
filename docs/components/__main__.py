"""Draw every component on one page, for those who build pages: `make components`.

Writes a page and its files into a folder and says where; no service ever serves it.
"""

import shutil
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from shared.pages.assets import OURS, stylesheet
from shared.pages.templates import environment

_HERE: Final = Path(__file__).parent
_DEFAULT: Final = _HERE.parents[1] / "build" / "components"


_DAYS: Final = [
    {"day": date(2026, 11, 1) + timedelta(days=n), "sign_in": n * 37 % 101, "failed": n % 7}
    for n in range(30)
]


def draw(folder: Path) -> Path:
    """The page's own path; `folder` is made."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(environment(_HERE).get_template("page.html").render(days=_DAYS))
    (folder / "style.css").write_bytes(stylesheet(_HERE / "page.css"))
    for name in ("page.js", "icon.svg"):
        shutil.copyfile(OURS / name, folder / name)
    return page


if __name__ == "__main__":
    print(draw(Path(sys.argv[1]) if len(sys.argv) > 1 else _DEFAULT).resolve().as_uri())
