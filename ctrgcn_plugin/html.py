"""HTML from the templates beside this module. Whatever is put into one is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctrgcn_plugin.environment import require_library

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = Path(__file__).parent / "templates"


def render(template_name: str, **values: Any) -> str:
    """A template with its values.

    In HTML they are escaped; ``{{ value | tojson }}`` is safe within ``<script>``, without blanks and with the keys in
    their order. A name that the template uses and that is not given is an error.

    Args:
        template_name: a file in ``templates``.
    """
    return _environment().get_template(template_name).render(**values)


@cache
def _environment() -> Environment:
    jinja2 = require_library("jinja2", "plot", "writing HTML")
    environment: Environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment
