"""The services, the runtime that carries them and the command that talks to them.

A service imports `schemas`, `models`, `services.voting` and `services.runtime`, never another service.
"""
