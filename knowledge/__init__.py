"""The household knowledge store: documents and notes in, answers with their source out, all on this machine.

    household   `Knowledge`: add, remember, forget, search, ask, export, import
    readers/    documents to sections: Markdown, text, HTML, CSV, PDF, .docx
    chunks      sections to sentences and passages
    embedding   passages to vectors, by the engine's encoder
    store       one SQLite file: documents, passages, vectors, words
    vectors     the vector index
    spelling, words, ranking, wording    a question's words, which passage answers it, what is said
    evaluate    the evaluation household: recall, answers, latency, memory
"""
