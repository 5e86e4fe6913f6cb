"""The design system: what the dashboard and the hosted pages are made of. No page and no rule of either.

- `assets/`: `tokens.css` (colour, type, space, shape, motion), the components' styles, the copy buttons
- `templates/ui/`: the components as Jinja macros; none of them reads the page's context
- `assets`, `templates`: how a service serves the former and renders the latter, its own beside them

`make components` draws every one of them on one page.
"""
