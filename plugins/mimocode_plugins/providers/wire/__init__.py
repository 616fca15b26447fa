"""What the provider plugins share: the way to the model over HTTP. A library, not a plugin.

    http      one connection per model, every failure as a `ModelError` with one clear sentence
    faults    from a status, a body or words inside a stream to the right `ModelFault`
    sse       server-sent events from bytes that are cut anywhere
    calls     tool calls from their pieces
    prefix    request bodies that only grow, kept as bytes
    config    from settings and catalogue to "where, with which key, over which wire"
    live      what endpoints offer, asked through the SDKs
    around    what models around another model have in common
    manifest  the public list of models, when the user fetched it
    groups    names that stand for models

The hot path speaks the wire over httpx2, the transport of the vendors' SDKs, and imports no SDK: on the machine of
the bench httpx2 alone imports in a fifth of the time of the openai SDK and a tenth of that of the anthropic SDK.
The SDKs are used off the hot path, each inside its own provider: to list what a live endpoint offers.
"""
