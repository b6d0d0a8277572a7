"""The C core on bare metal: what puts a model, its vocabulary and its grammar into flash, and the program beside it."""
