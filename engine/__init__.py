"""The tiny language model: reads GGUF files, runs them, and turns sentences into intents under a grammar.

Usable alone; it imports no other room.

    gguf         model files: metadata and tensors, read in place and written
    quant        blocks of quantised weights, to and from float32
    model        a llama model's sizes and tensors by their place
    reference    the forward pass in numpy
    native       the same in C (kernels/), read in place from the file
    opencl       the reference with its matmuls on an OpenCL device
    backend      which of them computes
    generate     free text, token by token: sampling, limits
    context      a text without end: sinks, what stands for what was dropped, the newest tokens
    prefix       the beginning that every prompt has, kept on disk beside the model
    bench        how fast this machine runs each kernel and a model (against: beside llama.cpp; endless: for 10,000 turns)
    tokenizer    the file's vocabulary, run by SentencePiece
    bpe          the same for GPT-2's kind of vocabulary, run by the package `tokenizers`
    chat         conversations with a model made for them
    text         how a sentence is prepared: words with their place in the original
    grammar      which tokens may come next in a parse
    interpreter  a sentence in, intents with slots out
    train/       corpus, vocabulary, training, export
"""
