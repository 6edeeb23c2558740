"""Tokens of tools, compared with a finished job that a notebook of OpenAI's cookbook shows.

The notebook (Fine_tuning_for_function_calling) removed the descriptions of its 16 functions before training. Its job
trained 145,983 tokens in 3 epochs on 103 rows. The user's text is made up: the notebook generated it with a model.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.training_data.rows import numbered, write

from pulumi_openai_ft._training_data.tool_rendering import rendered
from pulumi_openai_ft.training_data import check

if TYPE_CHECKING:
    from pathlib import Path

BILLED_PER_ROW = 145_983 / 3 / 103
SYSTEM = """You are an intelligent AI that controls a drone. Given a command or request from the user,
call one of your functions to complete the request. If the request cannot be completed by your available functions, \
call the reject_request function.
If the request is ambiguous or unclear, reject the request."""
INTEGER, OBJECT = {"type": "integer"}, {"type": "object"}


def function(name: str, required: int = 1, **properties: Any) -> dict[str, Any]:
    """Return a function whose first parameters are required."""
    parameters = {"type": "object", "properties": properties, "required": list(properties)[:required]}
    return {"name": name, "parameters": parameters}


def one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


FUNCTIONS = [
    function("takeoff_drone", altitude=INTEGER),
    function("land_drone", location=one_of("current", "home_base", "custom"), coordinates=OBJECT),
    function(
        "control_drone_movement",
        2,
        direction=one_of("forward", "backward", "left", "right", "up", "down"),
        distance=INTEGER,
    ),
    function("set_drone_speed", speed=INTEGER),
    function("control_camera", mode=one_of("photo", "video", "panorama"), duration=INTEGER),
    function("control_gimbal", 2, tilt=INTEGER, pan=INTEGER),
    function("set_drone_lighting", mode=one_of("on", "off", "blink", "sos")),
    function("return_to_home"),
    function("set_battery_saver_mode", status=one_of("on", "off")),
    function("set_obstacle_avoidance", mode=one_of("on", "off")),
    function("set_follow_me_mode", status=one_of("on", "off")),
    function("calibrate_sensors"),
    function("set_autopilot", status=one_of("on", "off")),
    function(
        "configure_led_display",
        pattern=one_of("solid", "blink", "pulse", "rainbow"),
        color=one_of("red", "blue", "green", "yellow", "white"),
    ),
    function("set_home_location", coordinates=OBJECT),
    function("reject_request"),
]
ROW = {
    "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "Let's get the drone in the air"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call_id",
                    "type": "function",
                    "function": {"name": "takeoff_drone", "arguments": '{"altitude": 100}'},
                }
            ],
        },
    ],
    "tools": [{"type": "function", "function": one} for one in FUNCTIONS],
}


def test_tokens_of_tools_match_a_finished_job(tmp_path: Path) -> None:
    report = check(write(tmp_path / "drone.jsonl", ROW), model="gpt-3.5-turbo", part="validation")

    assert report.problems == ()
    assert report.tokens == pytest.approx(BILLED_PER_ROW, rel=0.03)


def test_functions_and_tools_count_equally(tmp_path: Path) -> None:
    row = {"messages": numbered(1)["messages"]}
    as_tools = write(tmp_path / "tools.jsonl", row | {"tools": ROW["tools"]})
    as_functions = write(tmp_path / "functions.jsonl", row | {"functions": FUNCTIONS})

    assert check(as_tools).tokens == check(as_functions).tokens


def test_functions_are_rendered_as_typescript() -> None:
    parameters = {
        "type": "object",
        "required": ["city"],
        "properties": {
            "city": {"type": "string", "description": "City,\nwith country"},
            "days": {"type": "array", "items": {"type": "integer"}},
            "unit": {"enum": ["C", None]},
            "options": {"type": "object", "properties": {"wind": {"type": ["boolean", "null"]}}},
            "place": {"anyOf": [{"type": "number"}, {"type": "object"}]},
            "odd": {"$ref": "#"},
        },
    }

    text = rendered(
        [{"name": "weather", "description": "Forecast", "parameters": parameters}, {"name": "now"}]
    )

    assert text == "\n".join(
        [
            *("# Tools", "", "## functions", "", "namespace functions {", ""),
            *("// Forecast", "type weather = (_: {", "// City,", "// with country", "city: string,"),
            *("days?: number[],", 'unit?: "C" | null,', "options?: {", "wind?: boolean | null,", "},"),
            *("place?: number | object,", "odd?: any,", "}) => any;", "", "type now = () => any;", ""),
            "} // namespace functions",
        ]
    )


@pytest.mark.parametrize(
    "parameters",
    [
        {"properties": []},
        {"properties": {"a": 1}, "required": 1},
        {"properties": {"a": {"type": 1, "enum": "x", "anyOf": {}}}},
        json.loads('{"properties": {"a": ' * 40 + "1" + "}}" * 40),
    ],
    ids=["list", "numbers", "wrong types", "deep"],
)
def test_any_schema_is_rendered(parameters: Any) -> None:
    assert "type f = (" in rendered([{"name": "f", "parameters": parameters}])
