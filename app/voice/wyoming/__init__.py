"""The Wyoming protocol, both ways: servers of others as parts of our pipeline, and ours for others.

`wire` reads and writes events and trusts nobody; `clients` are recognisers, voices and wake words elsewhere; `service` is Ingle
for Home Assistant; `satellite` is a microphone for another's pipeline, `hub` the pipeline of others' microphones.
"""

from .clients import WyomingSpeechToText, WyomingTextToSpeech, WyomingWakeWord

__all__ = ["WyomingSpeechToText", "WyomingTextToSpeech", "WyomingWakeWord"]
