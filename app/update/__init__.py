"""Delivery and care of the language model: signed packages, two slots and a recovery, deltas, and their proof.

What `ingle run` needs of it (`slots`, `release`, `hashtree`, `disk`) is the standard library's; what fetches and opens
packages is in the extra `update`.
"""
