"""JSON schemas of many kinds that a grammar can say."""

from __future__ import annotations

from typing import Any

TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"v": {}, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        }
    },
    "$ref": "#/$defs/node",
}
PERSON = {
    "type": "object",
    "title": "Person",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "email": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "tags": {"type": "array", "items": {"enum": ["red", "größe", 'say "hi"', "back\\slash", 3]}, "maxItems": 3},
    },
    "required": ["name", "tags"],
    "additionalProperties": False,
}
SCHEMAS: dict[str, Any] = {
    "anything": {},
    "true": True,
    "an object of whatever": {"type": "object"},
    "an empty object": {"type": "object", "additionalProperties": False},
    "a map": {"type": "object", "additionalProperties": {"type": "number"}},
    "a person": PERSON,
    "all optional": {"type": "object", "properties": {key: {"type": "boolean"} for key in "abcd"}},
    "the last is required": {"properties": {key: {"type": "null"} for key in "abcd"}, "required": ["d"]},
    "required and not described": {"type": "object", "required": ["x"]},
    "a tree": TREE,
    "several types": {"type": ["string", "null", "integer"], "maxLength": 4},
    "no type": {"properties": {"a": {"minLength": 2}}, "required": ["a"]},
    "arrays": {"type": "array", "minItems": 2, "maxItems": 4, "items": {"type": "array", "maxItems": 0}},
    "at least": {"type": "array", "minItems": 2, "items": {"const": {"a": [1, None, "x"]}}},
    "a tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2},
    "a share": {"type": "number", "minimum": 0, "maximum": 1},
    "positive": {"type": "integer", "exclusiveMinimum": 0},
    "not negative": {"type": "number", "minimum": 0},
    "a few": {"type": "integer", "minimum": -3, "exclusiveMaximum": 3},
    "dates": {"type": "array", "items": {"type": "string", "format": "date-time"}},
    "another format": {"type": "string", "format": "colour"},
    "of a type": {"type": "string", "enum": ["a", 1, None]},
    "all of": {
        "$defs": {"a": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
        "allOf": [{"$ref": "#/$defs/a"}, {"required": ["b"], "properties": {"b": {"type": "null"}}}],
    },
    "any of beside": {"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    "one of": {"oneOf": [{"type": "object", "properties": {"kind": {"const": k}}, "required": ["kind"]} for k in "xy"]},
    "odd names": {
        "type": "object",
        "properties": {'q"uote': {"type": "null"}, "back\\": {"type": "null"}, "é": {"type": "null"}},
        "required": ['q"uote', "back\\", "é"],
    },
}  # fmt: skip
