"""The policy language: YAML files in, a typed and frozen policy or diagnostics out. `docs/language.md` specifies it."""

from engine.language.diagnostics import Diagnostic
from engine.language.render import as_github, as_json, as_text
from engine.language.schema import json_schemas

__all__ = ["Diagnostic", "as_github", "as_json", "as_text", "json_schemas"]
