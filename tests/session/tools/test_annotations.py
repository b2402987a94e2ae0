"""Forty annotations: the schema that the model gets, and the value that the function sees for the model's JSON."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import pathlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, Required, TypedDict

import jsonschema
import pytest
from pydantic import BaseModel, Field
from typing_extensions import Doc

from rtcli.session.tools.signature import tool_of
from rtcli.session.tools.tool import NotAToolError, ToolError


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Floor(enum.IntEnum):
    GROUND = 0
    FIRST = 1


class Odd(enum.Enum):
    NONE = None
    YES = True
    HALF = 0.5
    TEXT = "text"


class Planet(enum.Enum):
    EARTH = (5.97, 6.37)
    MARS = (0.64, 3.39)


class Point(TypedDict):
    x: int
    y: NotRequired[float]


class Partial(TypedDict, total=False):
    name: Required[str]
    age: int


class Node(TypedDict):
    name: str
    children: list[Node]


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Room:
    name: str
    color: Color = Color.RED
    orbit: Planet | None = None
    tags: list[str] = field(default_factory=list)


@dataclass
class Tree:
    value: int
    left: Optional[Tree] = None  # noqa: UP045


class Place(BaseModel):
    city: str = Field(description="Where.", min_length=1)
    on: datetime.date | None = None


class Trip(BaseModel):
    """A journey."""

    start: Place
    stops: list[Place] = []


UserId = NewType("UserId", int)
ROOM = {
    "properties": {
        "name": {"type": "string"},
        "color": {"enum": ["red", "blue"], "type": "string", "default": "red"},
        "orbit": {"anyOf": [{"enum": ["EARTH", "MARS"], "type": "string"}, {"type": "null"}], "default": None},
        "tags": {"items": {"type": "string"}, "type": "array"},
    },
    "required": ["name"],
    "type": "object",
}
PLACE = {
    "properties": {
        "city": {"description": "Where.", "minLength": 1, "type": "string"},
        "on": {"anyOf": [{"format": "date", "type": "string"}, {"type": "null"}], "default": None},
    },
    "required": ["city"],
    "type": "object",
}
ID = "9b2d6f0e-3c1a-4f57-8a0c-7d1f2e3a4b5c"

TABLE: list[tuple[Any, Any, Any, Any]] = [
    (str, {"type": "string"}, "a", "a"),
    (int, {"type": "integer"}, 3, 3),
    (float, {"type": "number"}, 3, 3.0),
    (bool, {"type": "boolean"}, True, True),
    (None, {"type": "null"}, None, None),
    (Any, {}, [1, {"a": None}], [1, {"a": None}]),
    (object, {}, "x", "x"),
    (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, None, None),
    (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "3", "3"),
    (list, {"type": "array", "items": {}}, [1, "a"], [1, "a"]),
    (list[int], {"type": "array", "items": {"type": "integer"}}, [1], [1]),
    (
        list[int | None],
        {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        [1, None],
        [1, None],
    ),
    (Sequence[str], {"type": "array", "items": {"type": "string"}}, ["a"], ["a"]),
    (Iterable[int], {"type": "array", "items": {"type": "integer"}}, [1, 2], [1, 2]),
    (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["a", "a"], {"a"}),
    (frozenset[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1], frozenset({1})),
    (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}, [1, 2], (1, 2)),
    (
        tuple[int, str],
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        [1, "a"],
        (1, "a"),
    ),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": 1}),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, "b", "b"),
    (Literal[1, 2], {"type": "integer", "enum": [1, 2]}, 2, 2),
    (Literal["a", 1, None, True], {"enum": ["a", 1, None, True]}, None, None),
    (Literal[Color.BLUE], {"type": "string", "const": "blue"}, "blue", Color.BLUE),
    (Color, {"type": "string", "enum": ["red", "blue"]}, "red", Color.RED),
    (Color | None, {"anyOf": [{"type": "string", "enum": ["red", "blue"]}, {"type": "null"}]}, "red", Color.RED),
    (list[Color], {"type": "array", "items": {"type": "string", "enum": ["red", "blue"]}}, ["blue"], [Color.BLUE]),
    (Floor, {"type": "integer", "enum": [0, 1]}, 1, Floor.FIRST),
    (Odd, {"enum": [None, True, 0.5, "text"]}, 0.5, Odd.HALF),
    (Planet, {"type": "string", "enum": ["EARTH", "MARS"]}, "MARS", Planet.MARS),
    (datetime.date, {"type": "string", "format": "date"}, "2026-01-02", datetime.date(2026, 1, 2)),
    (
        datetime.datetime,
        {"type": "string", "format": "date-time"},
        "2026-01-02T03:04:05Z",
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
    ),
    (datetime.time, {"type": "string", "format": "time"}, "03:04:05", datetime.time(3, 4, 5)),
    (datetime.timedelta, {"type": "string", "format": "duration"}, "PT90S", datetime.timedelta(seconds=90)),
    (uuid.UUID, {"type": "string", "format": "uuid"}, ID, uuid.UUID(ID)),
    (pathlib.Path, {"type": "string", "format": "path"}, "/tmp/a", pathlib.Path("/tmp/a")),
    (decimal.Decimal, ..., "3.50", decimal.Decimal("3.50")),
    (bytes, {"type": "string", "format": "binary"}, "abc", b"abc"),
    (UserId, {"type": "integer"}, 7, 7),
    (Annotated[int, "how many"], {"type": "integer", "description": "how many"}, 2, 2),
    (Annotated[str, Doc("who")], {"type": "string", "description": "who"}, "x", "x"),
    (
        Annotated[int, Field(ge=1, le=5, description="stars")],
        {"type": "integer", "description": "stars", "minimum": 1, "maximum": 5},
        5,
        5,
    ),
    (list[Annotated[str, "a tag"]], {"type": "array", "items": {"type": "string", "description": "a tag"}}, [], []),
    (list[Annotated[str, {"max": 3}]], {"type": "array", "items": {"type": "string"}}, ["a"], ["a"]),
    (
        Point,
        {
            "type": "object",
            "properties": {"x": {"type": "integer"}, "y": {"type": "number"}},
            "required": ["x"],
        },
        {"x": 1},
        {"x": 1},
    ),
    (
        Partial,
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name"],
        },
        {"name": "a", "age": 3},
        {"name": "a", "age": 3},
    ),
    (
        Pair,
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        [1, "a"],
        Pair(1, "a"),
    ),
    (Room, ROOM, {"name": "attic", "orbit": "MARS"}, Room("attic", Color.RED, Planet.MARS)),
    (list[Room], {"type": "array", "items": ROOM}, [{"name": "a", "color": "blue"}], [Room("a", Color.BLUE)]),
    (dict[str, Room], {"type": "object", "additionalProperties": ROOM}, {"k": {"name": "a"}}, {"k": Room("a")}),
    (Place, PLACE, {"city": "Rome", "on": "2026-01-02"}, Place(city="Rome", on=datetime.date(2026, 1, 2))),
    (
        Trip,
        {
            "description": "A journey.",
            "properties": {"start": PLACE, "stops": {"default": [], "items": PLACE, "type": "array"}},
            "required": ["start"],
            "type": "object",
        },
        {"start": {"city": "Rome"}},
        Trip(start=Place(city="Rome")),
    ),
    (
        Node,
        {"$ref": "#/$defs/Node"},
        {"name": "a", "children": [{"name": "b", "children": []}]},
        {"name": "a", "children": [{"name": "b", "children": []}]},
    ),
    (Tree, {"$ref": "#/$defs/Tree"}, {"value": 1, "left": {"value": 2}}, Tree(1, Tree(2))),
]


def taking(annotation: Any) -> Any:
    """A function of one argument."""

    def tool(value: Any) -> None:
        """A tool."""

    tool.__annotations__["value"] = annotation
    return tool


@pytest.mark.parametrize(("annotation", "schema", "sent", "seen"), TABLE, ids=[str(row[0])[:60] for row in TABLE])
def test_an_annotation_goes_both_ways(annotation: Any, schema: Any, sent: Any, seen: Any) -> None:
    """Out as a schema that is valid and that the JSON fits, in as the value that the annotation promises."""
    tool = tool_of(taking(annotation))
    parameters = tool.schema["parameters"]

    assert schema in (..., parameters["properties"]["value"])
    json.dumps(parameters)
    jsonschema.Draft202012Validator.check_schema(parameters)
    if sent != ["a", "a"]:  # a list that names one thing twice is a set for the function, and none for the schema
        jsonschema.Draft202012Validator(parameters).validate({"value": sent})
    assert tool.signature
    _, got = tool.signature.bind({"value": sent})
    assert got["value"] == seen
    assert type(got["value"]) is type(seen)


def test_a_type_that_contains_itself_is_defined_beside_the_properties() -> None:
    """A reference that leads somewhere; others are written out."""
    parameters = tool_of(taking(list[Tree | Room])).schema["parameters"]

    assert list(parameters["$defs"]) == ["Tree"]
    assert parameters["properties"]["value"]["items"]["anyOf"] == [{"$ref": "#/$defs/Tree"}, ROOM]


class Settings(TypedDict):
    title: str
    enum: Room
    default: int
    discriminator: str


def test_fields_may_be_called_like_keywords_of_schemas() -> None:
    """They are names there."""
    properties = tool_of(taking(Settings)).schema["parameters"]["properties"]["value"]["properties"]

    assert properties == {
        "title": {"type": "string"},
        "enum": ROOM,
        "default": {"type": "integer"},
        "discriminator": {"type": "string"},
    }


class Opaque:
    pass


@pytest.mark.parametrize(
    ("annotation", "why"),
    [
        (Opaque, "Opaque is not a type that JSON has"),
        (list[Opaque], "Opaque"),
        (type, "type is not a type that JSON has"),
        (Literal[b"raw"], "JSON has no bytes"),
        ("Missing", "Missing"),
    ],
)
def test_what_json_does_not_have_is_refused_with_a_reason(annotation: Any, why: str) -> None:
    """The reason names the parameter, where there is one, and the type."""
    with pytest.raises(NotAToolError, match=why):
        tool_of(taking(annotation))


@pytest.mark.parametrize(
    ("annotation", "sent", "why"),
    [
        (int, "two", "value is 'two': it should be a valid integer"),
        (str, 3, "value is 3: it should be a valid string"),
        (Color, "green", "value is 'green': it should be 'red' or 'blue'"),
        (Planet, "PLUTO", "value is 'PLUTO': it is not one of 'EARTH', 'MARS'"),
        (Literal[1, 2], 3, "value is 3: it should be 1 or 2"),
        (datetime.date, "soon", "value is 'soon': it should be a valid date"),
        (list[int], [1, "x"], r"value\[1\] is 'x'"),
        (Room, {"name": "a", "color": "green"}, r"value\.color is 'green'"),
        (Room, {}, r"value\.name is missing"),
        (Annotated[int, Field(ge=1)], 0, "value is 0: it should be greater than or equal to 1"),
        (str, ["y" * 500], "…: it should be a valid string"),
    ],
)
def test_a_value_that_does_not_fit_is_told_in_one_sentence(annotation: Any, sent: Any, why: str) -> None:
    """Where, what came, what was wanted; no address of a page, no line break."""
    signature = tool_of(taking(annotation)).signature
    assert signature
    with pytest.raises(ToolError, match=why) as caught:
        signature.bind({"value": sent})

    assert "\n" not in str(caught.value)
    assert "http" not in str(caught.value)
    assert len(str(caught.value)) < 250
