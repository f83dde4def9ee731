"""The documents as files, for whoever reads them without installing anything: deploy/platform holds what this gives."""

import json

from edge.platform import asyncapi, openapi
from edge.platform.schema import JSON, schemas


def papers() -> dict[str, str]:
    """File name below deploy/platform -> text."""
    made: dict[str, JSON] = {f"schemas/{name}.json": schema for name, schema in schemas().items()}
    made |= {"asyncapi.json": asyncapi.document(), "openapi.json": openapi.document()}
    return {name: text(document) for name, document in made.items()}


def text(document: JSON) -> str:
    """As it stands in a file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
