"""A JSON schema of a command's configuration file, made from its options: what editors complete and check by."""

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand

from fedge.cli.parsing.camera_tables import ANSWER_KEYS, AREA, CAMERA_KEYS, NAME, REGION
from fedge.cli.parsing.config_file import CAMERA, keys
from fedge.options import DEFAULT_ADDRESSES
from fedge.system.json_types import Json, JsonObject

_NUMBERS = {int: "integer", float: "number"}


def schema(command: TyperCommand) -> JsonObject:
    """The schema (JSON Schema 2020-12) of the files that `fedge COMMAND --config` takes."""
    properties = {key: _property(param) for key, param in keys(command).items()}
    if CAMERA in properties and REGION in properties:
        of_one, described = properties[CAMERA], {"description": properties[CAMERA]["description"]}
        properties[CAMERA] = {"anyOf": [of_one, _cameras(properties)]} | described
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"fedge {command.name} --config",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _cameras(properties: Mapping[str, JsonObject]) -> JsonObject:
    name: JsonObject = {NAME: {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}}
    of_region: JsonObject = {key: properties[key] for key in ANSWER_KEYS}
    regions = _tables(name | {AREA: {"type": "string"}} | of_region, [NAME, AREA])
    of_camera: JsonObject = {key: properties[key] for key in CAMERA_KEYS}
    of_camera[REGION] = {"anyOf": [{"type": "string"}, regions]}
    return _tables(name | of_camera, [NAME])


def _tables(properties: JsonObject, required: list[str]) -> JsonObject:
    table: JsonObject = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list[Json](required),
    }
    return {"type": "array", "items": table}


def _property(param: Any) -> JsonObject:
    described = {"description": param.help} if param.help else {}
    if getattr(param, "is_flag", False):
        return {"type": "boolean"} | described
    one = _one(param)
    return ({"anyOf": [one, {"type": "array", "items": one}]} if param.multiple else one) | described


def _one(param: Any) -> JsonObject:
    kind = param.type_descriptor
    if kind.choices:
        return {"enum": list(kind.choices)}
    annotation = kind.annotation.__args__[0] if kind.is_list else kind.annotation
    if annotation in _NUMBERS:
        bounds = {"minimum": param.min, "maximum": param.max}
        return {"type": _NUMBERS[annotation]} | {name: bound for name, bound in bounds.items() if bound is not None}
    if param.opts[0] in DEFAULT_ADDRESSES:
        return {"type": ["string", "integer", "boolean"]}
    return {"type": ["string", "integer"] if param.name == "device" else "string"}
