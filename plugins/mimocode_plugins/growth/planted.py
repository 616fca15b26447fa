"""Sentences and commands that somebody may have planted, to have them remembered or repeated."""

from __future__ import annotations

import re

INJECTED = re.compile(
    r"(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|the\s+|your\s+)*"
    r"(?:previous|prior|above|earlier|other|system)"
    r"|(?:curl|wget)\b[^\n]{0,200}\|\s*(?:sudo\s+)?\w*sh\b|\bbase64\s+(?:-d|--decode)\b|\beval\s*\("
    r"|\bsystem prompt\b|\byou are now\b|\bnew instructions?\b|<\s*/?\s*(?:system|instructions?|important)\b"
    r"|\b(?:do not|don't|never|without)\s+(?:tell|inform|ask|show)(?:ing)?\s+(?:the\s+)?(?:user|human|anyone)\b"
    r"|\b(?:disable|bypass|skip|turn off)\s+(?:the\s+|all\s+)?"
    r"(?:sandbox|guards?|permissions?|approvals?|safety|security)"
    r"|\b(?:send|post|upload|exfiltrate|forward)\b[^\n]{0,200}\b(?:https?://|to\s+\S+@\S+)"
    r"|--(?:yolo|dangerously\S*)|\brm\s+-rf\s+[/~]",
    re.IGNORECASE,
)
"""What nobody needs to remember, and a poisoned page likes to have remembered (demands.md 4.3, case 22)."""
