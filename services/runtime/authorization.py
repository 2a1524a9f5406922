"""The part of a nats-server's configuration that says who its users are and what they may do.  Pure.

The services share an account, in which each may do what its role needs.  Each client and each node has an account of
its own, into which its subjects are imported one by one: within an account with JetStream whoever may ask the server
anything could have it reply to any subject of a stream, and so write there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from schemas.actors import Actor
from schemas.commands import MAX_TIMEOUT_S
from schemas.subjects import QUERY, Space
from services.runtime.keys import Identity
from services.runtime.permissions import EDGE, Grants, User

RESPONSE_S = int(MAX_TIMEOUT_S) + 60  # for which the server remembers whom a reply is for


def authorization(space: Space, users: Sequence[User]) -> str:
    """Write the accounts.  A user with a key comes by it, one with a password by name and password."""
    core = [Grants(space, user) for user in users if user.actor not in EDGE]
    edge = [Grants(space, user) for user in users if user.actor in EDGE]
    exports = [*_services(space, edge), *_streams(edge)]
    lines = [
        "accounts {",
        f"  {account(space)} {{",
        "    jetstream: enabled",
        "    users: [",
        *(f"      {_user(grants)}" for grants in core),
        "    ]",
        "    exports: [",
        *(f"      {export}" for export in exports),
        "    ]",
        "  }",
    ]
    for grants in edge:
        lines += [
            f"  {account(space, grants.user)} {{",
            f"    users: [ {_user(grants)} ]",
            "    imports: [",
            *(f"      {_imported('service', space, subject)}" for subject in grants.publish),
            *(f"      {_imported('stream', space, subject)}" for subject in _heard(grants)),
            "    ]",
            "  }",
        ]
    lines.append("}")
    nodes = [grants.user for grants in edge if grants.user.actor is Actor.NODE]
    if nodes:
        lines += _reach_jetstream(account(space, user) for user in nodes)
    return "\n".join([*lines, ""])


def leaf_site(space: Space, identities: Sequence[Identity]) -> str:
    """Write what a server at another site must know of the nodes and clients there.

    Each comes in with its own key, and goes on to the hub over a connection with that key.  The text holds the keys.
    """
    named = [
        (account(space, User(identity.actor, identity.name)), identity) for identity in identities if identity.actor
    ]
    return "\n".join(
        [
            "accounts {",
            *(f"  {name} {{ users: [ {{ nkey: {identity.public} }} ] }}" for name, identity in named),
            "}",
            "leafnodes {",
            "  remotes: [",
            *(f"    {{ urls: [$DELLM_HUB], account: {name}, nkey: {identity.seed} }}" for name, identity in named),
            "  ]",
            "}",
            *_reach_jetstream(name for name, _ in named),
            "",
        ]
    )


def _reach_jetstream(accounts: Iterable[str]) -> list[str]:
    """Let leaf nodes pass on what is meant for JetStream: heartbeats, pulls, acks.

    A leaf node whose server has no JetStream refuses it at both ends, unless the account's domain is the default one.
    """
    return ["default_js_domain {", *(f'  {name}: ""' for name in accounts), "}"]


def account(space: Space, user: User | None = None) -> str:
    """Name the account of the services, or that of a client or node."""
    return json.dumps(space.prefix if user is None else f"{space.prefix}-{user.actor}-{user.name}")


def _services(space: Space, edge: Iterable[Grants]) -> Iterable[str]:
    by_subject: dict[str, list[str]] = {}
    for grants in edge:
        for subject in grants.publish:
            by_subject.setdefault(subject, []).append(account(space, grants.user))
    query = space.full(QUERY.store, QUERY.at())
    for subject, accounts in by_subject.items():
        more = ""
        if ".CONSUMER.MSG.NEXT." in subject or ".DIRECT.GET." in subject:
            more = "response_type: stream, "
        elif subject == query:
            more = f'response_threshold: "{RESPONSE_S}s", '
        yield f"{{ service: {json.dumps(subject)}, {more}accounts: [{', '.join(accounts)}] }}"


def _streams(edge: Iterable[Grants]) -> Iterable[str]:
    by_subject: dict[str, list[str]] = {}
    for grants in edge:
        for subject in _heard(grants):
            by_subject.setdefault(subject, []).append(account(grants.space, grants.user))
    for subject, accounts in by_subject.items():
        yield f"{{ stream: {json.dumps(subject)}, accounts: [{', '.join(accounts)}] }}"


def _heard(grants: Grants) -> list[str]:
    """List what comes from the services' account; an inbox is of the user's own."""
    return [subject for subject in grants.subscribe if not subject.startswith(grants.user.inbox(grants.space))]


def _imported(kind: str, space: Space, subject: str) -> str:
    return f"{{ {kind}: {{ account: {account(space)}, subject: {json.dumps(subject)} }} }}"


def _user(grants: Grants) -> str:
    user = grants.user
    who = f"nkey: {user.key}" if user.key else f"user: {json.dumps(user.name)}, password: {json.dumps(user.password)}"
    publish = json.dumps(grants.publish) if grants.publish else '{ deny: ">" }'
    return f"{{ {who}, permissions: {{ publish: {publish}, subscribe: {json.dumps(grants.subscribe)} }} }}"


def default_users(nodes: Iterable[str], clients: Iterable[str]) -> list[tuple[Actor, str]]:
    """List the users of a deployment by role and name, one for each role and as many nodes and clients as are named."""
    alone = (actor for actor in Actor if actor not in (*EDGE, Actor.SERVER))
    return [
        *((actor, str(actor)) for actor in alone),
        *((Actor.NODE, node) for node in nodes),
        *((Actor.CLIENT, client) for client in clients),
    ]
