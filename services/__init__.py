"""The services, the runtime that carries them and the command that talks to them.

A service imports `schemas`, `models`, `services.runtime` and the pure packages (`kinds`, `checks`, `language`,
`voting`), never another service.
"""
