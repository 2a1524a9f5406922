"""The compute thread: it owns all loaded models and steps them in turn, so that they never fight for the same cores.

Each model is loaded on a thread of its own meanwhile, which hands it over: at once where a request waits for it, else
one after another, so that those which nobody needs yet do not hold up the first.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from models.engine import EngineClosed, ModelError
from models.reference import file_of
from models.scheduler import BACKGROUND_SHARE
from models.stepper import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.backend import Runner
    from models.engine import Request, Stats
    from models.sequence import Caller

_log = logging.getLogger(__name__)

_Then: TypeAlias = "Callable[[Stepper | Exception], None]"


def _loaded(stepper: Stepper | Exception) -> Stepper:
    if isinstance(stepper, Exception):
        raise stepper
    return stepper


class Compute:
    """The loop of the compute thread: take what was posted, step each model once, flush after each step.

    It sleeps only while there is nothing to compute.  While a request of high priority runs in one model, models
    without such a request are stepped in every third round only.

    The thread outlives any error.  An error in a step ends that model's requests; one outside the steps ends the
    requests of all models.  The log tells it, and the next request loads its model anew.

    Args:
        open_runner: loads a model; called on several threads at once, for different models.
        flush: called after every step, for what callers were told meanwhile.
        unload_after_s: frees a model that was idle so long; None: never.

    """

    def __init__(
        self, open_runner: Callable[[Path], Runner], flush: Callable[[], None], unload_after_s: float | None = None
    ) -> None:
        self._open = open_runner
        self._flush = flush
        self._unload_after_s = unload_after_s
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._steppers: dict[Path, Stepper] = {}
        self._loading: dict[Path, list[_Then]] = {}  # who waits for it
        self._ahead: dict[Path, Path] = {}  # of those, the ones that wait for their turn, by the path asked for
        self._loaders: list[threading.Thread] = []
        self._closed = False
        self._thread: threading.Thread | None = None

    def post(self, job: Callable[[], None]) -> None:
        """Have a job done on the thread, which starts with the first."""
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="llama", daemon=True)
            self._thread.start()

    def submit(self, request: Request, caller: Caller) -> None:
        """Queue a request; on the thread only.  Whatever happens, the caller is told the outcome once."""
        if caller.cancelled:
            caller.end(EngineClosed("the request was cancelled"))
            return

        def add(stepper: Stepper | Exception) -> None:
            try:
                _loaded(stepper).add(request, caller)
            except Exception as error:  # noqa: BLE001  it is the caller's to see
                caller.end(error)

        self.load(file_of(request.model), add)

    def load(self, path: Path, then: _Then, *, ahead: bool = False) -> None:
        """Load a model unless it is loaded, then pass it to `then`; called on the thread only.

        One that is loaded `ahead` of its first request waits until no other is being loaded.  `then` gets a ModelError
        where it cannot be loaded, and EngineClosed where the engine is closed.
        """
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError) as error:  # links in a circle; a NUL
            then(ModelError(f"{path}: {error}"))
            return
        if self._closed:
            then(EngineClosed("the engine was closed"))
        elif real in self._steppers:
            then(self._steppers[real])
        elif real in self._loading:
            self._loading[real].append(then)
            if not ahead and real in self._ahead:
                self._begin_loading(self._ahead.pop(real), real)
        else:
            self._loading[real] = [then]
            if ahead and len(self._loading) > 1:
                self._ahead[real] = path
            else:
                self._begin_loading(path, real)

    def _begin_loading(self, path: Path, real: Path) -> None:
        loader = threading.Thread(target=self._open_apart, args=(path, real), name=f"load {path.name}", daemon=True)
        try:
            loader.start()
        except RuntimeError as error:  # the system gives no thread
            self._end_loading(real, ModelError(f"{path}: {error}"))
        else:
            self._loaders = [*(other for other in self._loaders if other.is_alive()), loader]

    def _open_apart(self, path: Path, real: Path) -> None:
        """Load a model, and post it to the compute thread; on a thread of its own."""
        started = time.monotonic()
        try:
            runner = self._open(path)
        except Exception as error:  # noqa: BLE001  it is for those who wait to see
            self._jobs.put(partial(self._end_loading, real, error))
        else:
            _log.info("loaded %s in %.2f s", path, time.monotonic() - started)
            self._jobs.put(partial(self._end_loading, real, runner))

    def _end_loading(self, real: Path, loaded: Runner | Exception) -> None:
        waiting = self._loading.pop(real)
        result: Stepper | Exception
        if isinstance(loaded, Exception):
            result = loaded
        elif self._closed:
            loaded.close()
            result = EngineClosed("the engine was closed")
        else:
            try:
                result = self._steppers[real] = Stepper(loaded)
            except Exception as error:  # noqa: BLE001  it is for those who wait to see
                _log.exception("%s: it was loaded, but cannot be used", real)
                loaded.close()
                result = ModelError(f"{real}: {error!r}")
        for then in waiting:
            then(result)
        if self._ahead and not self._closed and len(self._ahead) == len(self._loading):  # none is being loaded
            real = next(iter(self._ahead))
            self._begin_loading(self._ahead.pop(real), real)

    def stats(self) -> dict[Path, Stats]:
        """Return what each loaded model has done; may be called from any thread."""
        return {path: stepper.stats() for path, stepper in self._steppers.copy().items()}

    def stop(self) -> None:
        """End all work and free the models; returns when the thread has ended."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(lambda: None)
            self._thread.join()
        for loader in self._loaders:
            loader.join()
        self._receive(wait=False)  # what came too late is told so
        while self._ahead:
            real, _ = self._ahead.popitem()
            self._end_loading(real, EngineClosed("the engine was closed"))

    def _run(self) -> None:
        rounds = 0
        while not self._closed:
            rounds += 1
            try:
                self._round(rounds)
            except Exception as error:  # noqa: BLE001  without this thread all who wait would wait for good
                _log.exception("the compute thread failed; the models will be loaded anew")
                self._end_all(ModelError(f"the compute thread failed: {error!r}"))
        self._end_all(EngineClosed("the engine was closed"))

    def _round(self, number: int) -> None:
        busy = any(stepper.busy for stepper in self._steppers.values())
        self._receive(wait=not busy)
        urgent = any(stepper.urgent for stepper in self._steppers.values())
        for path, stepper in list(self._steppers.items()):
            due = not urgent or stepper.urgent or number % BACKGROUND_SHARE == 0
            if stepper.busy and due and not self._closed:
                alone = not any(other.busy for other in self._steppers.values() if other is not stepper)
                self._step(path, stepper, alone=alone)
                self._flush()
        self._flush()
        self._unload_idle()

    def _end_all(self, cause: Exception) -> None:
        """End every request with an error and free the models, whatever fails meanwhile."""
        while self._steppers:
            path, stepper = self._steppers.popitem()
            for end in (partial(stepper.abandon, cause), stepper.close):
                try:
                    end()
                except Exception:  # noqa: BLE001  the others are to end all the same
                    _log.exception("%s: it could not be ended in order", path)
        try:
            self._flush()
        except Exception:  # noqa: BLE001  the thread goes on all the same
            _log.exception("those who wait could not be told")

    def _receive(self, *, wait: bool) -> None:
        """Do the jobs that came; with `wait`, sleep until one comes or a model is to be unloaded."""
        timeout_s = self._unload_after_s if self._steppers else None
        try:
            self._jobs.get(block=wait, timeout=timeout_s)()
            while True:
                self._jobs.get_nowait()()
        except Empty:
            return

    def _step(self, path: Path, stepper: Stepper, *, alone: bool) -> None:
        try:
            stepper.step(alone=alone)
        except Exception as error:  # noqa: BLE001  the other models live on
            _log.exception("%s: a step failed; the model will be loaded anew", path)
            stepper.abandon(ModelError(f"{path}: {error!r}"))
            stepper.close()
            del self._steppers[path]

    def _unload_idle(self) -> None:
        if self._unload_after_s is None:
            return
        for path, stepper in list(self._steppers.items()):
            if not stepper.busy and time.monotonic() - stepper.used_at >= self._unload_after_s:
                _log.info("unloaded %s", path)
                stepper.close()
                del self._steppers[path]
