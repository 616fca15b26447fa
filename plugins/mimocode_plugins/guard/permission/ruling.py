"""The ruling on a call: every touch is decided by the policy, the strictest decision is the ruling.

Source: surface.md 7, runtime.md 1.15, DESIGN.md 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.ports import Ruling, Verdict

from ..confinement import Confined, confined
from ..policy import EGRESS, NARROW, PERSONAL, PROTECTED, Decision, Policy, approvals, key_of, policy
from ..rules import Rule, last_match, offer, one_line
from .looking import ruling as read_only
from .touch import Touch, touches

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session


@dataclass(frozen=True)
class Judged:
    """A touch and what was decided about it."""

    touch: Touch
    decision: Decision
    note: str = ""
    lifted: bool = False
    """It would be asked, were there no sandbox."""

    @property
    def line(self) -> str:
        """The reason, in one line for the user and the model."""
        what = f'{self.touch.key} "{one_line(self.touch.pattern)}"'
        verb = {Verdict.ALLOW: "is allowed", Verdict.ASK: "needs approval", Verdict.DENY: "is denied"}
        return f"{what} {verb[self.decision.verdict]}: {self.note or 'rule ' + self.decision.why}"


def rule(call: ToolCall, session: Session) -> Ruling:
    """Allow, ask or deny a call.

    Raises:
        SettingsError: a permission rule makes no sense; the guard then allows nothing.
    """
    if (looking := read_only(call, session)) is not None:
        return looking
    return conclude(judge(call, session))


def judge(call: ToolCall, session: Session) -> list[Judged]:
    """Everything that a call touches, and what the rules and approvals say of it."""
    now = policy(session)
    judged = [_judge(touch, now, call.name) for touch in touches(call, session)]
    if (held := _held(call, session)) is not None:
        judged = [_confine(each, held, now) for each in judged]
    if any(each.decision.verdict is Verdict.ASK for each in judged):
        given = approvals(session)
        judged = [_soften(each, now, given) for each in judged]
    return judged


def _held(call: ToolCall, session: Session) -> Confined | None:
    """The sandbox that what a call starts runs in; None when there is none, or the tool goes around it."""
    _, said = key_of(session.toolbox.specs.get(call.name), call.name)
    return confined(session) if said.get("wrapped") else None


def _confine(judged: Judged, held: Confined, now: Policy) -> Judged:
    """Nobody is asked about what the sandbox keeps from happening; what the user's own rules say stands.

    Not so reading outside of the project: the sandbox hides keys, not everything that is private.
    """
    touch, decision = judged.touch, judged.decision
    if decision.verdict is not Verdict.ASK or touch.key in PERSONAL:
        return judged
    if (
        touch.key == EGRESS
        and held.network == "off"
        and decision.rule is not None
        and decision.rule.source == "default"
    ):
        return Judged(touch, Decision(Verdict.ALLOW, None), "the sandbox has no network", lifted=True)
    if touch.key == "external_directory" and any(held.alone(Path(each)) for each in touch.spellings):
        return Judged(touch, Decision(Verdict.ALLOW, None), "only commands in the sandbox see it", lifted=True)
    if touch.literal and touch.key in ("bash", "edit", "read") and decision.rule is None and not now.said(touch.key):
        return Judged(touch, Decision(Verdict.ALLOW, None), "it runs in a sandbox, whatever it does", lifted=True)
    return judged


def conclude(judged: Sequence[Judged]) -> Ruling:
    """The strictest decision, with what "always" would have to allow."""
    worst = max(judged, key=lambda each: (each.decision.verdict, each.touch.key in PERSONAL, each.lifted))
    if worst.decision.verdict is not Verdict.ASK:
        return Ruling(worst.decision.verdict, worst.line)
    asked = [each for each in judged if each.decision.verdict is Verdict.ASK]
    if worst.touch.key in PERSONAL:
        lines = dict.fromkeys(each.line for each in asked if each.touch.key in PERSONAL)
        return Ruling(Verdict.ASK, "; ".join(lines), forced=True)
    lines = dict.fromkeys(each.line for each in asked)
    offers = dict.fromkeys(offer(each.touch.key, _always(each)) for each in asked if each.touch.offer)
    return Ruling(Verdict.ASK, "; ".join(lines), tuple(offers))


def _always(judged: Judged) -> str:
    """What "always" would allow: who is asked because of a rule about some names allows this name, not all of them."""
    touch, rule = judged.touch, judged.decision.rule
    return touch.pattern if touch.offer == "*" and rule is not None and rule.pattern != "*" else touch.offer


def _judge(touch: Touch, now: Policy, tool: str) -> Judged:
    if touch.key in PERSONAL:
        return _forced(touch, now)
    if touch.key in NARROW:
        said = now.named(touch.key, touch.pattern)
        return Judged(touch, said or Decision(Verdict.ALLOW, None), "" if said else "no rule narrows it")
    if touch.key == EGRESS and (own := _spelt_out(touch, now)):
        return own
    if touch.common and not now.said(touch.key, (touch.pattern, *touch.spellings)):
        return Judged(touch, Decision(Verdict.ALLOW, None), "it is the same for everybody")
    if touch.only_tighten:
        judged = Judged(touch, Decision(Verdict.ALLOW, None), "it is part of a command that is judged itself")
    elif touch.literal:
        judged = _opaque(touch, now)
    else:
        judged = Judged(touch, now.decide(touch.key, touch.pattern))
    others = [now.tightens(touch.key, text) for text in touch.spellings]
    if tool != touch.key and touch.key != "external_directory":
        for rules in (now.rules, now.fenced):
            by_name = last_match([r for r in rules if r.key == tool], tool, touch.pattern)
            others.append(Decision(by_name.verdict, by_name) if by_name else None)
    for other in others:
        if other and other.verdict > judged.decision.verdict:
            judged = Judged(touch, other)
    return judged


def _spelt_out(touch: Touch, now: Policy) -> Judged | None:
    """A rule for this very program ("curl *") knows that it talks to the network; "*" does not."""
    said = now.decide("bash", touch.pattern)
    if said.rule and said.rule.pattern != "*" and said.rule.key == "bash" and said.verdict is Verdict.ALLOW:
        return Judged(touch, said)
    return None


def _forced(touch: Touch, now: Policy) -> Judged:
    """What destroys is asked whatever the rules allow; a rule can only forbid it altogether."""
    said = now.decide(touch.key, touch.pattern)
    if said.verdict is Verdict.DENY:
        return Judged(touch, said)
    if touch.key == PROTECTED:
        why = "it decides what runs next, which no rule allows an agent to change"
        return Judged(touch, Decision(Verdict.ASK, None), why)
    if now.auto_delete:
        return Judged(touch, Decision(Verdict.ALLOW, None), "deletions are approved for this run")
    return Judged(touch, Decision(Verdict.ASK, None), "it destroys what cannot be brought back, which no rule allows")


def _opaque(touch: Touch, now: Policy) -> Judged:
    """A text that could not be taken apart: only a rule that spells it out allows it."""
    decided = now.decide(touch.key, touch.pattern)
    if decided.verdict is Verdict.DENY:
        return Judged(touch, decided)
    banned = next((r for r in now.denials() if _mentions(r, touch)), None)
    if banned:
        return Judged(touch, Decision(Verdict.DENY, banned))
    if decided.rule and decided.rule.pattern == touch.pattern and decided.verdict is Verdict.ALLOW:
        return Judged(touch, decided)
    return Judged(touch, Decision(Verdict.ASK, None), "it is not understood well enough to apply the rules")


def _mentions(r: Rule, touch: Touch) -> bool:
    """A denial whose command appears somewhere in a text that was not understood."""
    word = r.pattern.split(" ")[0].strip("*?")
    return r.key == touch.key and len(word) > 1 and word in touch.pattern


def _soften(judged: Judged, now: Policy, given: tuple[Rule, ...]) -> Judged:
    """What the user approved before, or for the whole run, is no longer asked. Denials do not come here."""
    touch = judged.touch
    if judged.decision.verdict is not Verdict.ASK or touch.key in PERSONAL:
        return judged
    if touch.literal:
        approval = next((r for r in given if r.key == touch.key and r.pattern == touch.pattern), None)
    else:
        approval = last_match(given, touch.key, touch.pattern)
    if approval:
        return Judged(touch, Decision(Verdict.ALLOW, approval))
    if now.yolo:
        return Judged(touch, Decision(Verdict.ALLOW, None), "this run approves everything (--yolo)")
    return judged
