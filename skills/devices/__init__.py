"""Skills that act on devices, one module a family.

Each reads its slots, finds the devices meant (`targets`), decides one `Act` a device (`acting`) and tells what became
of them (`wording`). What a command means for a kind of device stands in one table a family: a new kind is a row.
"""

from . import alarm, announce, cleaning, climate, fans, lights, media, modes, movement, power

__all__ = ["alarm", "announce", "cleaning", "climate", "fans", "lights", "media", "modes", "movement", "power"]
