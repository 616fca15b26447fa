"""What a server asks our model (sampling): refused unless the settings of that server say otherwise.

The server learns nothing of the conversation: its messages go to the session's model alone, without tools.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from mimocode.errors import ModelError, ModelFault, ToolFailed
from mimocode.messages import Media, Message, Part, Text
from mimocode.ports import Answer, Prompt

from .asking import agreed, somebody

if TYPE_CHECKING:
    from mimocode.session import Session

    from .known import Known

_MOST = 8_000
"""Tokens that an answer may have, whatever the server wants."""
_STOPS = {"stop": "endTurn", "length": "maxTokens"}


def willing(server: Known, session: Session | None) -> bool:
    """Whether such questions are answered at all."""
    return session is not None and (server.sampling == "allow" or (server.sampling == "ask" and somebody(session)))


async def sampled(session: Session, server: Known, params: Any) -> tuple[str, str, str]:
    """The answer's text, the model, and why it stopped, in the words of the protocol.

    Raises:
        ToolFailed: the user said no, or it asks for something that there is not.
        ModelError: the model failed.
    """
    if not willing(server, session):
        raise ToolFailed(f'asking the model is not allowed to {server.name}: "sampling" is not set for it')
    if params.tools:
        raise ToolFailed("tools are not offered to the questions of servers")
    messages = [Message(message.role, tuple(_blocks(message.content))) for message in params.messages]
    asked = "\n".join(message.text for message in messages)
    if server.sampling == "ask" and not await agreed(session, server.name, asked):
        raise ToolFailed("the user said no")
    options: dict[str, Any] = {"max_output": min(params.max_tokens, _MOST)}
    if params.temperature is not None:
        options["temperature"] = params.temperature
    system = (Part(params.system_prompt, source=f"mcp {server.name}"),) if params.system_prompt else ()
    model = await session.open_model()
    prompt = Prompt(system, messages, session=f"{session.id}/{server.name}", options=options)
    async with aclosing(model.stream(prompt)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Answer):
                return piece.message.text, model.ref, _STOPS.get(piece.finish, piece.finish)
    raise ModelError(ModelFault.NONSENSE, f"{model.ref} ended its stream without an answer")


def _blocks(content: Any) -> list[Text | Media]:
    blocks: list[Text | Media] = []
    for item in content if isinstance(content, list) else [content]:
        if item.type == "text":
            blocks.append(Text(item.text))
        elif item.type in ("image", "audio"):
            blocks.append(Media(item.mime_type, item.data))
        else:
            raise ToolFailed(f"a message holds {item.type}, which is not passed on")
    return blocks
