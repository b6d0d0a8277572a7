"""Training of the reader (`ingle.knowledge.reader`): made-up households, and the fit. Wants torch, the extra `train`."""
