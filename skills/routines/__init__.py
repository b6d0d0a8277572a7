"""Routines: "when I say movie time, dim the living room to 20 and close the blinds", "every weekday at seven open the blinds",
"if the front door opens after ten, turn on the hall light". Kept as words in `data_dir/routines.yaml`, which people may edit.

Service `turn.services["routines"]`: a `Routines`. The app gives it the home, the causes and what does the words:

    routines = Routines(path, database, home, clock=clock, causes=causes)
    await routines.run(act)             # act(routine, because, chain): does `routine.do`, whose cause is this routine
    routines.said("movie time")         # the routine with that phrase, asked before the model is

What a routine does is understood by the model when it is saved, read back, and confirmed, and again each time it runs. One that
sets itself off, through others or not, is stopped; so is one that runs too often.
"""

from __future__ import annotations

from .file import Routine, RoutineFile, RoutinesError, spoken_phrase
from .making import TELLING, Deed
from .running import Routines
from .skills import CreateRoutine, ListRoutines, RemoveRoutine
from .triggers import CannotWait

__all__ = [
    "TELLING", "CannotWait", "CreateRoutine", "Deed", "ListRoutines", "RemoveRoutine", "Routine", "RoutineFile", "Routines",
    "RoutinesError", "spoken_phrase",
]
