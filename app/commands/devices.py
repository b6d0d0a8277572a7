"""List what is known of the home: every entity that announces itself on the broker, with its room and state."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...skills.home.model import Entity, Home
    from ..config import Config

HELP = "list the devices of the home"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    import asyncio
    import json

    from ..config import load

    home = asyncio.run(read_home(load(args.config)))
    entities = sorted(home.entities.values(), key=lambda entity: (entity.area or "~", entity.entity_id))
    if args.json:
        print(json.dumps([_as_data(entity) for entity in entities], ensure_ascii=False, default=str))
    else:
        _print_table(entities)
    return 0


async def read_home(config: Config) -> Home:
    """Take in the home as any new client would; nothing is sent to a device."""
    import asyncio

    from ..home_link import HomeLink
    from ._client import connected

    async with connected(config) as bus:
        link = HomeLink(bus, config)

        async def read() -> None:
            async for message in bus.messages:
                await link.take(message)

        tasks = [asyncio.create_task(read()), asyncio.create_task(link.run())]
        await link.settled()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return link.home


def _as_data(entity: Entity) -> dict[str, Any]:
    return {
        "entity_id": entity.entity_id, "name": entity.name, "aliases": list(entity.aliases), "area": entity.area,
        "device_class": entity.device_class, "state": entity.state, "unit": entity.unit, "available": entity.available,
        "attributes": entity.attributes, "features": sorted(entity.features), "exposed": entity.exposed,
    }


def _print_table(entities: list[Entity]) -> None:
    if not entities:
        print("No device has announced itself.")
        return
    rows = [(entity.area or "-", entity.name, entity.entity_id, _state(entity)) for entity in entities]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for area, name, entity_id, state in rows:
        print(f"{area:{widths[0]}}  {name:{widths[1]}}  {entity_id:{widths[2]}}  {state}")


def _state(entity: Entity) -> str:
    if not entity.available:
        return "offline"
    return f"{entity.state if entity.state is not None else '-'}{f' {entity.unit}' if entity.unit and entity.state else ''}"
