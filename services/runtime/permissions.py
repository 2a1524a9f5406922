"""What a user may publish and subscribe to, made of the subject table.  Pure.

Nothing is said here of any message: a row that is added to the table is in the permissions of those that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from schemas.actors import Actor
from schemas.subjects import (
    DEAD,
    KEPT_HASHED,
    NODE_DURABLE,
    OBJECT_READERS,
    OBJECT_WRITERS,
    TABLE,
    Space,
    Store,
    Subject,
)

CORE = (Actor.GATEWAY, Actor.DECOMPOSER, Actor.ASSEMBLER, Actor.SYNTHESIZER, Actor.TRAINER, Actor.OPERATOR)
EDGE = (Actor.CLIENT, Actor.NODE)  # each has an account of its own, see `authorization`
STORES = tuple(store for store in Store if store is not Store.CORE)
CLAIMS_SUFFIX = "-claims"
REPLIES_BETWEEN_ACCOUNTS = "_R_.>"  # where the server takes the reply to a request that came from another account


@dataclass(frozen=True)
class User:
    """A user of the server: what it does, its name, which a node's id is, and its public key.

    A user with a password comes as whoever has the address: its replies come to inboxes of the usual name.
    """

    actor: Actor
    name: str
    key: str = ""
    password: str = ""

    def inbox(self, space: Space) -> str:
        """Name the prefix of its inboxes, which no other user may read."""
        return "_INBOX" if self.password else f"_{space.prefix.upper()}.{self.actor}.{self.name}"


@dataclass(frozen=True)
class Durable:
    """A durable consumer: who pulls it, in which store, and the subjects below the prefix that it is handed."""

    name: str
    store: Store
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class Grants:
    """What a user may do: the subjects to which it may publish, and those that it may hear."""

    space: Space
    user: User

    @cached_property
    def publish(self) -> list[str]:
        """List where it may publish, the API of JetStream included."""
        if self.user.actor is Actor.OPERATOR:
            written = (self._address(row) for row in TABLE if Actor.OPERATOR in row.access.writers)
            asked = ["$JS.API.>", "$JS.ACK.>", "$SRV.>", _inboxes(self.space, Actor.OPERATOR)]
            return list(dict.fromkeys([*written, *self._objects(), *asked]))
        found = [address for row in TABLE for address in self._published(row)]
        found += [call for durable in durables(self.user) for call in self._pulls(durable)]
        found += self._objects()
        if self.user.actor in CORE:
            found += [f"$JS.API.STREAM.INFO.{self.space.stream(store)}" for store in self._scanned()]
            found += self._answers()
        if any(self.user.actor in row.access.writers for row in KEPT_HASHED):  # who asks whether it is wanted
            found.append(f"$JS.API.STREAM.INFO.{self.space.stream(Store.LEDGER)}")
        if self.user.actor is Actor.DECOMPOSER:
            found += [f"$JS.API.CONSUMER.LIST.{self.space.stream(store)}" for store in (Store.STREAM, Store.CLAIMS)]
        if self.user.actor not in (Actor.CLIENT, Actor.OBSERVER):
            found.append(f"{_inboxes(self.space, Actor.OPERATOR)}")  # who asks which services there are
        return list(dict.fromkeys(found))

    @cached_property
    def subscribe(self) -> list[str]:
        """List what it may hear, its own inboxes included."""
        own = f"{self.user.inbox(self.space)}.>"
        match self.user.actor:
            case Actor.OPERATOR:
                return [
                    own,
                    f"{self.space.prefix}.>",
                    self.space.event(">"),
                    "$SRV.>",
                    self.space.full(Store.FITNESS, ">"),
                ]
            case Actor.OBSERVER:
                return [own, self.space.event(">")]
        heard = [
            self.space.event(self._own(row)) if row.store.is_stream else self._address(row)
            for row in TABLE
            if self.user.actor in row.access.listeners
        ]
        return list(dict.fromkeys([own, *heard, *self._announced()]))

    def _published(self, row: Subject) -> Iterator[str]:  # type: ignore[type-arg]
        actor, access, stream = self.user.actor, row.access, self.space.stream(row.store)
        address = self._address(row)
        if actor in access.writers:
            if row is DEAD:
                yield from (self.space.full(row.store, row.at(service=durable.name)) for durable in durables(self.user))
            else:
                yield address
        if actor in access.removers:
            yield f"$JS.API.STREAM.PURGE.{stream}"
        if actor in access.scanners:
            yield f"$JS.API.DIRECT.GET.{stream}"
            yield f"$JS.API.STREAM.MSG.GET.{stream}"
        if actor in access.watchers:  # the consumer is of a name that it makes up
            yield f"$JS.API.CONSUMER.CREATE.{stream}.*.{self.space.full(row.store, '>')}"
        if actor in access.getters or actor in access.scanners:
            yield f"$JS.API.DIRECT.GET.{stream}.{address}"

    def _objects(self) -> Iterator[str]:
        """Give what puts model files into their store, and what reads them."""
        if self.user.actor in OBJECT_WRITERS:
            yield f"$O.{self.space.objects}.>"
        if self.user.actor in OBJECT_READERS:
            yield f"$JS.API.DIRECT.GET.OBJ_{self.space.objects}"

    def _pulls(self, durable: Durable) -> Iterator[str]:
        stream = self.space.stream(durable.store)
        yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable.name}"
        yield f"$JS.API.CONSUMER.INFO.{stream}.{durable.name}"
        yield f"$JS.ACK.{stream}.{durable.name}.>"

    def _scanned(self) -> list[Store]:
        actor = self.user.actor
        pulled = {durable.store for durable in durables(self.user)}
        return [
            store
            for store in STORES
            if store in pulled or any(actor in row.access.scanners for row in TABLE if row.store is store)
        ]

    def _answers(self) -> Iterator[str]:
        """Give the inboxes of those who ask, to who answers them."""
        if self.user.actor in (Actor.DECOMPOSER, Actor.SYNTHESIZER):
            yield from (_inboxes(self.space, actor) for actor in (Actor.GATEWAY, Actor.TRAINER, Actor.OPERATOR))
            yield REPLIES_BETWEEN_ACCOUNTS

    def _announced(self) -> list[str]:
        """List where a service is asked who it is."""
        if self.user.actor is Actor.CLIENT:
            return []
        name = f"{self.space.prefix}-{self.user.actor}"
        return [f"$SRV.{verb}{of}" for verb in ("PING", "INFO", "STATS") for of in ("", f".{name}", f".{name}.*")]

    def _own(self, row: Subject) -> str:  # type: ignore[type-arg]
        is_node = self.user.actor is Actor.NODE and "node" in row.fields and Actor.NODE not in row.access.scanners
        return row.at(node=self.user.name) if is_node else row.at()

    def _address(self, row: Subject) -> str:  # type: ignore[type-arg]
        return self.space.full(row.store, self._own(row))


def durables(user: User) -> list[Durable]:
    """List the durable consumers of a user: one for each stream of which rows are for it."""
    found = []
    for store, suffix in ((Store.STREAM, ""), (Store.CLAIMS, CLAIMS_SUFFIX)):
        rows = [row for row in TABLE if row.store is store and user.actor in row.access.consumers]
        if user.actor is Actor.NODE:
            name, subjects = f"{NODE_DURABLE}{user.name}", tuple(row.at(node=user.name) for row in rows)
        else:
            name, subjects = f"{user.actor}{suffix}", tuple(row.at() for row in rows)
        if rows:
            found.append(Durable(name, store, subjects))
    return found


def _inboxes(space: Space, actor: Actor) -> str:
    return f"_{space.prefix.upper()}.{actor}.>"
