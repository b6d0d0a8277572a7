"""Programs that speak with libraries under the GPL, each a process of its own: started by `synthesis.py`, never imported.

In: a line of JSON for each sentence, {"number", "text"}; a newer one ends the one before. Out: pieces of sound, each behind
`number, rate, n_bytes` (little-endian uint32); a piece of 0 bytes ends the sentence. Rate: Hz; sound: 16-bit, mono.
"""
