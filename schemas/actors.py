"""Who takes part in the bus: the roles by which the subject table says who writes and reads what."""

from __future__ import annotations

from enum import StrEnum


class Actor(StrEnum):
    """A role.  Each user of a server has one; SERVER stands for the server itself, which is no user."""

    CLIENT = "client"
    GATEWAY = "gateway"
    DECOMPOSER = "decomposer"
    NODE = "node"
    ASSEMBLER = "assembler"
    SYNTHESIZER = "synthesizer"
    TRAINER = "trainer"
    OBSERVER = "observer"
    OPERATOR = "operator"
    SERVER = "server"
