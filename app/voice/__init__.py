"""Speech in and out, on the device: the extra `ingle[voice]`.

`types` has the interfaces; a turn itself is `app.assistant`'s, as for every other way of asking.
"""
