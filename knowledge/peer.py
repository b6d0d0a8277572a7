"""The obvious alternative, measured beside ours: sentence-transformers' float32 vectors in an hnswlib graph.

Wants the extra `ingle[bench]` and a folder of the unquantised all-MiniLM-L6-v2.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from .errors import KnowledgeError
from .evaluate import Asked, Found
from .household import Knowledge


def measure_peer(knowledge: Knowledge, questions: Sequence[Asked], model: Path) -> dict[str, Any]:
    """Index the passages of `knowledge` anew and ask the same questions. Raises: KnowledgeError: not installed."""
    try:
        import hnswlib
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise KnowledgeError(f"{error}: pip install 'ingle[bench]'") from None
    before = psutil.Process().memory_info().rss
    encoder = SentenceTransformer(str(model), device="cpu")
    passages = knowledge.everything()
    began = time.perf_counter()
    vectors = encoder.encode([f"{passage.source.title}\n{passage.source.heading}\n{passage.text}" for passage in passages],
                             normalize_embeddings=True)
    embedded_s = time.perf_counter() - began
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(passages), M=16, ef_construction=200)
    index.add_items(vectors, np.arange(len(passages)))
    index.set_ef(64)
    ranks, took_ms = [], []
    for asked in (each for each in questions if each.answer is not None):
        began = time.perf_counter()
        places, _ = index.knn_query(encoder.encode([asked.question], normalize_embeddings=True), k=min(10, len(passages)))
        took_ms.append((time.perf_counter() - began) * 1000)
        gold = (rank for rank, place in enumerate(places[0], start=1) if asked.is_gold(passages[place]))
        ranks.append(next(gold, 0))
    found = Found.of(ranks)
    return {
        "recall_at_1": found.recall_at_1, "recall_at_5": found.recall_at_5, "mrr": found.mrr,
        "ingest_passages_per_s": len(passages) / embedded_s, "latency_ms_p50": float(np.median(took_ms)),
        "memory_bytes": psutil.Process().memory_info().rss - before,
    }
