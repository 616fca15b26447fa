"""How many words of a command say what it does, so that "always" offers `git push *` and not `git *`.

The longest listed prefix decides; a command that is not listed has one telling word (surface.md 7).
"""

from __future__ import annotations

from collections.abc import Sequence


def words_of(text: str) -> frozenset[str]:
    """A table of words, written as one text."""
    return frozenset(text.split())


_TWO = words_of("""
apt apt-get brew bun bundle bunx cargo choco composer conda dart deno django-admin dnf docker dotnet flutter fly gem
git go gradle heroku hg helm hatch ip jj just kind kubectl make mc minikube mix mvn netlify nix npm npx nx openssl
pacman pdm php pip pip3 pipenv pipx pnpm podman poetry pulumi python python3 rails rake rbenv ruff rustup rye sbt
scoop serverless skaffold snap svn swift systemctl task terraform tofu turbo uv uvx vagrant vault vercel winget
wrangler xcodebuild yarn yum zig consul eksctl
""")
_THREE = words_of("""
aws az doctl gcloud gh sfdx
bun:run bun:x cargo:add cargo:run consul:kv deno:task docker:builder docker:compose docker:container docker:image
docker:network docker:volume eksctl:create git:config git:remote git:stash ip:addr ip:link ip:netns ip:route
kind:create kubectl:kustomize kubectl:rollout mc:admin npm:exec npm:init npm:run npm:view openssl:req openssl:x509
pnpm:dlx pnpm:exec pnpm:run podman:container podman:image pulumi:stack python:-m python3:-m terraform:workspace
uv:pip uv:run uv:tool vault:auth vault:kv yarn:dlx yarn:run
""")

ARITY: dict[tuple[str, ...], int] = {
    **{(name,): 2 for name in _TWO},
    **{tuple(name.split(":")): 3 for name in _THREE},
}


def telling(words: Sequence[str]) -> int:
    """How many of the leading words make up the command's name; never more than there are."""
    for size in range(min(len(words), 3), 0, -1):
        if arity := ARITY.get(tuple(words[:size])):
            return min(arity, len(words))
    return min(1, len(words))
