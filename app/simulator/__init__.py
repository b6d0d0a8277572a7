"""A simulated home: MQTT devices that announce themselves, obey their command topics, and can misbehave."""

from .home_file import EntitySpec, HomeFile, HomeFileError, load_home, parse_home
from .world import Command, Simulator, bus_publisher, run

__all__ = [
    "Command",
    "EntitySpec",
    "HomeFile",
    "HomeFileError",
    "Simulator",
    "bus_publisher",
    "load_home",
    "parse_home",
    "run",
]
