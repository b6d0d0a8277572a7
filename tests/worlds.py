"""Homes to test with: small ones in full, large ones by the number."""

from __future__ import annotations

from ingle.skills.home.model import Area, Entity, Floor, Home


def thing(entity_id: str, name: str, area: str | None = None, **facts: object) -> Entity:
    """An entity; its domain is that of its id."""
    return Entity(entity_id=entity_id, domain=entity_id.partition(".")[0], name=name, area=area, **facts)  # type: ignore[arg-type]


def home_of(*entities: Entity, areas: tuple[Area, ...] = (), floors: tuple[Floor, ...] = ()) -> Home:
    """A home of these things; areas that only entities name are made."""
    known = {area.name for area in areas}
    missing = dict.fromkeys(entity.area for entity in entities if entity.area and entity.area not in known)
    home = Home(floors, (*areas, *(Area(name) for name in missing)))
    for entity in entities:
        home.add(entity)
    return home


def family_house() -> Home:
    """Two floors, children, a garage, things named by three people over five years."""
    up, down = Floor("Upstairs", ("first floor", "top floor")), Floor("Downstairs", ("ground floor",))
    areas = (
        Area("Kitchen", floor="Downstairs"),
        Area("Living Room", ("lounge",), "Downstairs"),
        Area("Hallway", floor="Downstairs"),
        Area("Dining Room", floor="Downstairs"),
        Area("Utility Room", floor="Downstairs"),
        Area("Garage", floor="Downstairs"),
        Area("Master Bedroom", ("our room",), "Upstairs"),
        Area("Kids Bedroom", ("Emma's room",), "Upstairs"),
        Area("Bathroom", floor="Upstairs"),
        Area("Office", ("study",), "Upstairs"),
        Area("Front Yard"),
    )
    return home_of(*_lights(), *_ways_in(), *_comfort(), *_machines(), *_readings(), areas=areas, floors=(up, down))


def _lights() -> tuple[Entity, ...]:
    return (
        thing("light.kitchen_ceiling", "Kitchen Ceiling", "Kitchen"),
        thing("light.kitchen_counter", "Kitchen Counter", "Kitchen", aliases=("worktop lights", "cooker lamp")),
        thing("light.living_ceiling", "Living Room Ceiling Light", "Living Room"),
        thing("light.floor_lamp", "Floor Lamp", "Living Room"),
        thing("light.tv_backlight", "TV Backlight", "Living Room"),
        thing("light.dining", "Dining Table", "Dining Room"),
        thing("light.bedside_left", "Left Bedside Lamp", "Master Bedroom"),
        thing("light.bedside_right", "Right Bedside Lamp", "Master Bedroom"),
        thing("light.kids_lamp", "Lamp", "Kids Bedroom"),
        thing("light.night", "Emma's Night Light", "Kids Bedroom"),
        thing("light.office_lamp", "Lamp", "Office"),
        thing("light.bathroom", "Bathroom Mirror", "Bathroom"),
        thing("light.porch", "Porch Light", "Front Yard"),
        thing("light.garage", "Garage Strip", "Garage"),
        thing("light.secret", "Secret Light", "Kitchen", exposed=False),
        thing("switch.hall_lamp", "Hall Lamp", "Hallway"),
        thing("switch.lamp_led", "Lamp LED Indicator", "Office", category="config"),
    )


def _ways_in() -> tuple[Entity, ...]:
    return (
        thing("cover.garage_door", "Garage Door", "Garage", device_class="garage"),
        thing("cover.front_gate", "Front Gate", "Front Yard", device_class="gate"),
        thing("cover.living_left", "Living Room Blind Left", "Living Room", device_class="blind"),
        thing("cover.living_right", "Living Room Blind Right", "Living Room", device_class="blind"),
        thing("cover.bedroom", "Bedroom Shutter", "Master Bedroom", device_class="shutter"),
        thing("cover.kids", "Kids Roller", "Kids Bedroom", device_class="shade"),
        thing("lock.front_door", "Front Door", "Hallway"),
        thing("lock.back_door", "Back Door Lock", "Kitchen"),
        thing("binary_sensor.front_door", "Front Door", "Hallway", device_class="door"),
        thing("binary_sensor.bathroom_window", "Bathroom Window", "Bathroom", device_class="window"),
        thing("binary_sensor.office_window", "Office Window", "Office", device_class="window"),
        thing("binary_sensor.hall_motion", "Hallway Motion", "Hallway", device_class="motion"),
        thing("alarm_control_panel.house", "House Alarm"),
    )


def _comfort() -> tuple[Entity, ...]:
    return (
        thing("climate.living", "Living Room Thermostat", "Living Room"),
        thing("climate.bathroom", "Bathroom Radiator", "Bathroom"),
        thing("climate.office", "Office AC", "Office"),
        thing("fan.bedroom", "Ceiling Fan", "Master Bedroom"),
        thing("fan.bathroom", "Extractor", "Bathroom"),
        thing("media_player.tv", "Living Room TV", "Living Room", device_class="tv"),
        thing("media_player.kitchen", "Kitchen Speaker", "Kitchen", device_class="speaker", aliases=("radio",)),
        thing("media_player.bedroom", "Sonos Bedroom", "Master Bedroom", device_class="speaker"),
        thing("scene.movie_night", "Movie Night"),
        thing("scene.good_night", "Good Night"),
    )


def _machines() -> tuple[Entity, ...]:
    return (
        thing("switch.coffee", "Coffee Machine", "Kitchen", device_class="outlet"),
        thing("switch.washer", "Washing Machine Plug", "Utility Room", device_class="outlet"),
        thing("switch.tree", "Christmas Tree", "Living Room"),
        thing("vacuum.rosie", "Rosie", "Hallway"),
        thing("lawn_mower.shaun", "Shaun", "Front Yard"),
        thing("valve.garden", "Sprinkler", "Front Yard"),
        thing("update.coffee", "Coffee Machine Firmware", "Kitchen", category="config"),
    )


def _readings() -> tuple[Entity, ...]:
    return (
        thing("sensor.office_temperature", "Office Temperature", "Office", device_class="temperature", unit="°C"),
        thing("sensor.bathroom_humidity", "Bathroom Humidity", "Bathroom", device_class="humidity", unit="%"),
        thing("sensor.washer_power", "Washing Machine Power", "Utility Room", device_class="power", unit="W"),
        thing("sensor.front_door_battery", "Front Door Battery", "Hallway", device_class="battery", category="diagnostic"),
    )


def three_rooms_of_lights() -> Home:
    """Each room has "Lights": only the room can tell which."""
    return home_of(
        thing("light.kitchen", "Lights", "Kitchen"),
        thing("light.bedroom", "Lights", "Bedroom"),
        thing("light.office", "Lights", "Office"),
    )


def large_home(entities: int) -> Home:
    """A hotel of a home, for timing."""
    adjectives = ("Left", "Right", "Big", "Small", "Window", "Door", "Corner", "Desk", "Reading", "Wall")
    nouns = (("light", "Lamp"), ("switch", "Plug"), ("cover", "Blind"), ("sensor", "Temperature"), ("light", "Spot"))
    made = []
    for index in range(entities):
        domain, noun = nouns[index % len(nouns)]
        room = f"Room {index // 20}"
        made.append(thing(f"{domain}.n{index}", f"{room} {adjectives[index % 10]} {noun} {index % 3}", room))
    return home_of(*made)
