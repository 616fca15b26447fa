"""What servers of models on one's own machine answer besides the wire: routes for a `Front` before a model server."""

from __future__ import annotations

from typing import Any

from support.front import Reply


def ollama(size: int, loads: int = 0) -> dict[str, Any]:
    """The routes of an Ollama with one model for talking and one for embeddings; once loaded it takes `loads`."""
    loaded: list[dict[str, Any]] = []

    def load(asked: Any) -> Any:
        loaded.append({"name": asked.json["model"], "context_length": loads})
        return {"done": True}

    return {
        "/api/generate": load if loads else Reply(404),
        "/api/tags": {"models": [{"name": "test-model"}, {"name": "embed"}]},
        "/api/ps": lambda asked: {"models": loaded},
        "/api/show": lambda asked: (
            {"capabilities": ["embedding"]}
            if asked.json["model"] == "embed"
            else {"capabilities": ["completion", "tools"], "parameters": f"stop x\nnum_ctx {size}" if size else ""}
        ),
    }


LOCAL: list[tuple[str, str, dict[str, Any], str]] = [
    ("ollama", "Ollama", ollama(32_768), "32,768"),
    ("lmstudio", "LM Studio", {"/api/v0/models": {"data": [
        {"id": "test-model", "type": "llm", "max_context_length": 65_536, "loaded_context_length": 40_960},
        {"id": "embed", "type": "embeddings"}]}}, "40,960"),
    ("llamacpp", "llama.cpp", {"/props": {"default_generation_settings": {"n_ctx": 20_480}}}, "20,480"),
    ("vllm", "vLLM", {"/v1/models": {"data": [{"id": "test-model", "max_model_len": 131_072}]}}, "131,072"),
]  # fmt: skip
"""Id, name, routes, and the size that is read from them."""
