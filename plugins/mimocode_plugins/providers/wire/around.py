"""What every model around another model has in common."""

from __future__ import annotations

from mimocode.ports import Model


class Around:
    """A model that is made of another one; what it changes is its `stream`. See `mimocode.ports.Model`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def ref(self) -> str:
        """ "provider/model"."""
        return self._model.ref

    @property
    def window(self) -> int:
        """Tokens of a request and its answer together."""
        return self._model.window

    async def close(self) -> None:
        """Let go of idle connections."""
        if (close := getattr(self._model, "close", None)) is not None:
            await close()
