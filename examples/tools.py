"""Tools for a chat: rtcli chat --local --tools examples/tools.py, and then: what is the weather in Paris?"""

from typing import Literal


def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> dict[str, object]:
    """The weather in a city.

    Args:
        city: The name of the city.
        unit: The scale of the temperature.
    """
    return {"city": city, "temperature": 21 if unit == "celsius" else 70, "sky": "sunny"}
