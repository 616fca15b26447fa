"""A model of your own: `mimo run -m own/parrot "hi"` answers "hi". Replace `stream` with whatever can answer.

Offer it as an entry point (see hello_plugin), or hand it to a host: Host([*DEFAULT, own_model]).
"""

from mimocode import Answer, Message, ModelInfo, Text, TextDelta, Usage, hookimpl


class Parrot:
    ref = "own/parrot"
    window = 8000

    async def stream(self, prompt):
        said = prompt.messages[-1].text
        for word in said.split(" "):
            yield TextDelta(word + " ")  # shown at once, then forgotten
        usage = Usage(input=len(said) // 4, output=len(said) // 4)
        yield Answer(Message("assistant", (Text(said),)), usage)  # what counts, exactly once, at the end


@hookimpl
def list_models():
    return [ModelInfo(Parrot.ref, name="Parrot", window=Parrot.window)]


@hookimpl
def open_model(ref):
    return Parrot() if ref == Parrot.ref else None
