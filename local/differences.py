"""Decides what a local run changes in the synthesized template: what differences.toml declares."""

from __future__ import annotations

import copy
import re
import tomllib
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_suffix(".toml")

Template = dict[str, Any]


@dataclass(frozen=True)
class Places:
    """Where the parts of a local run are: addresses without a trailing slash, and two paths."""

    emulator: str
    speech: str
    fhir: str
    portal: str
    python: str
    root: str
    code_bucket: str = "local-function-code"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(min_length=10, max_length=300)


class Drop(_Entry):
    """A resource type that is left out; references to it become `stand_in`.

    `{id}` in it is the logical id, another word the resource's own property of that name.
    """

    type: str
    stand_in: str = "{id}"


class Property(_Entry):
    """A property that gets another value; without a value it is removed."""

    type: str
    name: str
    value: Any = None


class Variable(_Entry):
    """A variable that every function gets."""

    name: str
    value: str


class Parameter(_Entry):
    """A value for one of the template's own parameters."""

    name: str
    value: str


class Expose(_Entry):
    """A property of a dropped resource that becomes an output of the stack."""

    type: str
    path: str
    output: str


class Afterwards(_Entry):
    """A property that is applied by an API call after the stack exists."""

    type: str
    name: str


class Section(_Entry):
    """An entry of a top-level section, as `Section.Name`, that is left out."""

    name: str


class Differences(BaseModel):
    """The whole declaration, validated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drop: tuple[Drop, ...]
    property: tuple[Property, ...]
    variable: tuple[Variable, ...]
    parameter: tuple[Parameter, ...]
    expose: tuple[Expose, ...]
    afterwards: tuple[Afterwards, ...]
    section: tuple[Section, ...]

    @classmethod
    @cache
    def declared(cls) -> Differences:
        """The differences that differences.toml declares."""
        return cls.model_validate(tomllib.loads(FILE.read_text()))

    def apply(self, template: Template, places: Places) -> Template:
        """A copy of the template with the declared differences, and no others."""
        words = asdict(places)
        changed = copy.deepcopy(template)
        for section in self.section:
            top, _, name = section.name.partition(".")
            changed.get(top, {}).pop(name, None)
        for top in ("Parameters", "Rules"):
            if top in changed and not changed[top]:
                del changed[top]

        stand_ins: dict[str, str] = {}
        for name, resource in list(changed["Resources"].items()):
            kind = resource["Type"]
            drop = next((d for d in self.drop if fnmatchcase(kind, d.type)), None)
            if drop is not None:
                own = {k: v for k, v in resource.get("Properties", {}).items() if type(v) is str}
                stand_ins[name] = _filled(drop.stand_in, {**own, "id": name})
                self._expose(resource, changed.setdefault("Outputs", {}))
                del changed["Resources"][name]
                continue
            properties = resource.setdefault("Properties", {})
            for change in self.property:
                if change.type != kind:
                    continue
                if change.value is None:
                    properties.pop(change.name, None)
                else:
                    properties[change.name] = _filled(change.value, words)
            if kind == "AWS::Lambda::Function":
                variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
                for variable in self.variable:
                    variables[variable.name] = _filled(variable.value, words)
        return dict(_without(changed, stand_ins))

    def parameters(self, template: Template, places: Places) -> dict[str, str]:
        """The declared values of those parameters that the template has."""
        words = asdict(places)
        return {
            parameter.name: _filled(parameter.value, words)
            for parameter in self.parameter
            if parameter.name in template.get("Parameters", {})
        }

    def _expose(self, resource: dict[str, Any], outputs: dict[str, Any]) -> None:
        for entry in self.expose:
            if entry.type != resource["Type"]:
                continue
            value: Any = resource.get("Properties", {})
            for step in entry.path.split("."):
                value = value.get(step, {})
            if value:
                outputs[entry.output] = {"Value": value}


def _filled(value: Any, words: dict[str, str]) -> Any:
    """The value with each `{word}` in its strings replaced by a place."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda match: words[match[1]], value)
    if isinstance(value, dict):
        return {key: _filled(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    return value


def _without(node: Any, stand_ins: dict[str, str]) -> Any:
    """The node with references to dropped resources replaced, and no dependency on them."""
    if isinstance(node, list):
        return [_without(item, stand_ins) for item in node]
    if isinstance(node, str) or not isinstance(node, dict):
        return node
    if len(node) == 1:
        (function, argument), *_ = node.items()
        if function == "Ref" and argument in stand_ins:
            return stand_ins[argument]
        if function == "Fn::GetAtt":
            name = argument.split(".")[0] if isinstance(argument, str) else argument[0]
            if name in stand_ins:
                return stand_ins[name]
        if function == "Fn::Sub":
            return {function: _without_in_text(argument, stand_ins)}
    result = {key: _without(item, stand_ins) for key, item in node.items()}
    if "DependsOn" in node:
        names = node["DependsOn"]
        left = [n for n in ([names] if isinstance(names, str) else names) if n not in stand_ins]
        if left:
            result["DependsOn"] = left
        else:
            del result["DependsOn"]
    return result


def _without_in_text(argument: Any, stand_ins: dict[str, str]) -> Any:
    """The argument of an `Fn::Sub`, its `${Dropped}` and `${Dropped.Attribute}` replaced."""
    text, *rest = argument if isinstance(argument, list) else [argument]
    text = re.sub(r"\$\{(\w+)(\.[\w.]+)?\}", lambda match: stand_ins.get(match[1], match[0]), text)
    return [text, *(_without(item, stand_ins) for item in rest)] if rest else text
