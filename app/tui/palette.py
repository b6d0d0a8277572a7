"""The devices in the command palette: "turn off Desk Lamp", as the board would say it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from ...skills.home.model import Entity
from .main_screen import MainScreen
from .requests import Request, request_for

DISCOVERED = 8                  # shown before anything is typed


class Devices(Provider):
    async def discover(self) -> Hits:
        for entity, request in list(self._known())[:DISCOVERED]:
            yield DiscoveryHit(request.text, partial(self._ask, entity, request), help=entity.area)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for entity, request in self._known():
            if (score := matcher.match(request.text)) > 0:
                yield Hit(score, matcher.highlight(request.text), partial(self._ask, entity, request), help=entity.area)

    def _known(self) -> Iterator[tuple[Entity, Request]]:
        if not isinstance(self.screen, MainScreen):
            return
        for entity in self.screen.home.entities.values():
            request = request_for(entity) if entity.exposed and entity.category is None else None
            if request is not None:
                yield entity, request

    async def _ask(self, entity: Entity, request: Request) -> None:
        assert isinstance(self.screen, MainScreen)
        await self.screen.say_at_home(request, area=entity.area)
