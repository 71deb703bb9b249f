"""An example of each request and each answer, put together from the examples of their fields."""

from collections.abc import Mapping
from typing import Any

JSON = "application/json"

_PLAIN = {"boolean": True, "integer": 0, "number": 0.0, "string": "", "object": {}}


def add_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Show what an operation takes and what it answers when all is well."""
    if "requestBody" in operation:
        content = operation["requestBody"]["content"][JSON]
        kinds = content["schema"].get("oneOf")
        if kinds is None:
            content["example"] = example_of(content["schema"], schemas)
        else:
            shown = [example_of(kind, schemas) for kind in kinds]
            content["examples"] = {example["kind"]: {"value": example} for example in shown}
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response["content"][JSON]
            content["example"] = example_of(content["schema"], schemas)


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Compose an example; of a field that has none, something of its type."""
    if "examples" in schema:
        return schema["examples"][0]
    if inner := _inner(schema, schemas):
        return example_of(inner, schemas)
    match schema:
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"type": "object", "properties": fields}:
            return {name: example_of(field, schemas) for name, field in fields.items()}
        case {"type": "array", "items": item}:
            return [example_of(item, schemas)]
    return _PLAIN.get(schema.get("type", ""))


def _inner(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Answer the schema that another one only names; None if it says something itself."""
    if "$ref" in schema:
        return schemas[schema["$ref"].rpartition("/")[2]]
    return next((schema[key][0] for key in ("allOf", "anyOf", "oneOf") if key in schema), None)
