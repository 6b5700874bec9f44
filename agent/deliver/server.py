"""deliver's end of the link: listens on a Unix socket, takes events over, acknowledges them.

Strategy: one thread, a few connections. What is to be sent back is the latest acknowledgement and
the latest flows only, so that a peer which never reads fills no memory.
"""

import contextlib
import logging
import os
import selectors
import socket
import struct
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent import link
from agent.config import ConfigError
from agent.link import Ack, EventFrame, Flows, FromSense, Hello, LinkError, Snapshot
from agent.model import Event

MODE = 0o660
MAX_CONNECTIONS = 4
"""One sense, its successor, and one more that has not noticed yet; anything beyond is a fault."""

MAX_RUNS = 16
"""Runs of sense whose last number is remembered: a run that old sends nothing any more."""

CHUNK = 1 << 18
"""Bytes read at once, and so the events taken over with one write a journal."""

TICK = 1.0

TELL_SECONDS = 1.0
"""How long to wait until sense has been told of a socket: it reads within a tenth of that."""

MEET_SECONDS = 1.5
"""How long after the start to wait for sense to come back: it tries once a second."""

REFUSALS = ("uid", "full", "frame")
"""Why a connection was not accepted or not kept."""

_CREDENTIALS = struct.Struct("3i")
_log = logging.getLogger("deliver.link")


@dataclass(slots=True)
class Sense:
    """What is known of sense; times are monotonic seconds, 0.0 for never."""

    connected: bool = False
    snapshot: Snapshot | None = None
    snapshot_at: float = 0.0
    version: str = ""


@dataclass(slots=True, eq=False)
class _Peer:
    connection: socket.socket
    reader: link.Reader = field(default_factory=link.Reader)
    run_id: str = ""
    acknowledge: int = 0
    flows: Flows | None = None
    out: bytes = b""


class Server:
    """Serves `path` to the users in `allowed_uids` until `stop`.

    `take` is called with events in order, once for each number of a run; when it returned, they
    are acknowledged.
    """

    def __init__(
        self, path: Path, allowed_uids: frozenset[int], take: Callable[[Sequence[Event]], None]
    ) -> None:
        self.sense = Sense()
        self.refused: Counter[str] = Counter(dict.fromkeys(REFUSALS, 0))
        self.events = 0
        self.duplicates = 0
        self.heartbeat = time.monotonic()
        self._path = path
        self._allowed = allowed_uids
        self._take = take
        self._taken: OrderedDict[str, int] = OrderedDict()
        self._peers: set[_Peer] = set()
        self._flows = Flows(())
        self._flows_set = 0
        self._flows_taken = 0
        self._flows_told = 0
        self._telling = threading.Condition()
        self._meet_until = 0.0
        self._taking = threading.Lock()
        self._takes = True
        self._stopping = False
        self._closed = False
        self._closing = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._listener: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def listen(self) -> None:
        """Let sense connect and wait; raise ConfigError where the path cannot be used."""
        self._listener = _listen(self._path)
        for waiting in (self._listener, self._woken, self._wake):
            waiting.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def start(self) -> None:
        """Start the thread that takes events over; `listen` first."""
        self._meet_until = time.monotonic() + MEET_SECONDS
        self._thread.start()

    def tell_flows(self, flows: Flows) -> None:
        """Tell sense, now and at each new connection, which sockets are the agent's own.

        Return when every connected sense has been sent it, so that a packet that leaves afterwards
        is known when it is captured; just after the start, wait for one to connect. One that does
        not read is not waited for longer than TELL_SECONDS.
        """
        self._flows = flows
        with self._telling:
            self._flows_set += 1
            number = self._flows_set
            self._nudge()
            if not self._thread.is_alive() or self._thread is threading.current_thread():
                return
            until = max(time.monotonic() + TELL_SECONDS, self._meet_until)
            self._telling.wait_for(
                lambda: self._flows_told >= number or self._stopping,
                max(0.0, until - time.monotonic()),
            )

    def take_no_more(self) -> None:
        """Leave events with sense from now on; it is still told of sockets."""
        with self._taking:
            self._takes = False

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; without it nothing is taken over."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop listening, close all connections, remove the socket file; safe to repeat."""
        self._stopping = True
        with self._telling:
            self._telling.notify_all()
        self._nudge()
        if self._thread.is_alive():
            self._thread.join()
        for peer in tuple(self._peers):
            self._drop(peer)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            self._path.unlink(missing_ok=True)
        with self._closing:
            self._closed = True
            self._selector.close()
            self._woken.close()
            self._wake.close()

    def _nudge(self) -> None:
        # An output that hangs ends after the link and still tells that its socket is gone; a full
        # pipe means that the thread has been told already.
        with self._closing, contextlib.suppress(BlockingIOError):
            if not self._closed:
                self._wake.send(b"!")

    def _run(self) -> None:
        while not self._stopping:
            self.heartbeat = time.monotonic()
            for key, _ in self._selector.select(TICK):
                if key.fileobj is self._listener:
                    self._accept(self._listener)
                elif key.fileobj is self._woken:
                    self._woken.recv(CHUNK)
                    self._flows_taken = self._flows_set
                    for peer in self._peers:
                        peer.flows = self._flows
                else:
                    self._receive(key.data)
            for peer in tuple(self._peers):
                self._send(peer)
            self._note_told()

    def _note_told(self) -> None:
        """Let go of those who wait until sense knows of a socket."""
        senses = [peer for peer in self._peers if peer.run_id]
        if any(peer.flows is not None or peer.out for peer in senses):
            return
        if not senses and time.monotonic() < self._meet_until:
            return
        with self._telling:
            self._flows_told = self._flows_taken
            self._telling.notify_all()

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            _log.warning("a connection was lost before it was accepted: %s", error)
            return
        uid = _peer_uid(connection)
        reason = ""
        if uid not in self._allowed:
            reason = "uid"
        elif len(self._peers) >= MAX_CONNECTIONS:
            reason = "full"
        if reason:
            self._refuse(reason, f"user {uid} refused")
            connection.close()
            return
        connection.setblocking(False)
        peer = _Peer(connection)
        self._peers.add(peer)
        self._selector.register(connection, selectors.EVENT_READ, peer)

    def _refuse(self, reason: str, text: str) -> None:
        self.refused[reason] += 1
        level = logging.WARNING if self.refused[reason] == 1 else logging.DEBUG
        _log.log(level, "%s (%s)", text, reason)

    def _receive(self, peer: _Peer) -> None:
        try:
            data = peer.connection.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            _log.info("connection to sense lost: %s", error)
            data = b""
        if not data:
            self._drop(peer)
            return
        frames: list[EventFrame] = []
        fault = None
        try:
            for message in peer.reader.from_sense(data):
                if isinstance(message, EventFrame) and peer.run_id:
                    frames.append(message)
                else:
                    self._take_events(peer, frames)
                    frames = []
                    self._take_message(peer, message)
        except (LinkError, RecursionError) as error:
            fault = error  # deep nesting ends the decoder with RecursionError
        self._take_events(peer, frames)
        if fault is not None:
            self._refuse("frame", f"connection closed: {fault}")
            self._drop(peer)

    def _take_message(self, peer: _Peer, message: FromSense) -> None:
        """Take over what is no event; raise LinkError where it is out of place."""
        if isinstance(message, Hello):
            peer.run_id = message.run_id
            peer.flows = self._flows
            self.sense.connected = True
            self.sense.version = message.version
            self._taken.setdefault(message.run_id, 0)
            self._taken.move_to_end(message.run_id)
            while len(self._taken) > MAX_RUNS:
                self._taken.popitem(last=False)
            self._send(peer)  # before the events that follow set any output going
        elif not peer.run_id:
            raise LinkError(f"{type(message).__name__} before Hello")
        elif isinstance(message, Snapshot):
            self.sense.snapshot = message
            self.sense.snapshot_at = time.monotonic()

    def _take_events(self, peer: _Peer, frames: Sequence[EventFrame]) -> None:
        """Take over what is new of the events, then let it be acknowledged."""
        with self._taking:
            if frames and self._takes:
                self._take_new(peer, frames)

    def _take_new(self, peer: _Peer, frames: Sequence[EventFrame]) -> None:
        last = self._taken.get(peer.run_id, 0)
        new = []
        for frame in frames:
            if frame.number > last:
                last = frame.number
                new.append(frame.event)
        if new:
            self._take(new)
        self.events += len(new)
        self.duplicates += len(frames) - len(new)
        self._taken[peer.run_id] = peer.acknowledge = last

    def _send(self, peer: _Peer) -> None:
        """Send what there is to tell, as far as the peer takes it without waiting."""
        if not peer.out:
            if peer.flows is not None and peer.run_id:
                peer.out += link.encode(peer.flows)
                peer.flows = None
            if peer.acknowledge:
                peer.out += link.encode(Ack(peer.acknowledge))
                peer.acknowledge = 0
        if peer.out:
            try:
                peer.out = peer.out[peer.connection.send(peer.out) :]
            except BlockingIOError:
                pass
            except OSError as error:
                _log.info("connection to sense lost: %s", error)
                self._drop(peer)
                return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.out else 0)
        if self._selector.get_key(peer.connection).events != wanted:
            self._selector.modify(peer.connection, wanted, peer)

    def _drop(self, peer: _Peer) -> None:
        if peer not in self._peers:
            return
        self._selector.unregister(peer.connection)
        peer.connection.close()
        self._peers.discard(peer)
        self.sense.connected = any(other.run_id for other in self._peers)


def _peer_uid(connection: socket.socket) -> int:
    """Return the user at the other end, as the kernel knows it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid


def _listen(path: Path) -> socket.socket:
    """Return the listening socket; raise ConfigError.

    The socket is made under another name and moved into place, so that nobody can connect before
    its mode is set, and a file left over by a crash is replaced in one step.
    """
    if _is_served(path):
        raise ConfigError(f"{path}: another process listens here; stop it first")
    if path.exists() and not path.is_socket():
        raise ConfigError(f"{path}: is in the way and no socket; remove it")
    made = path.with_name(f"{path.name}.{os.getpid()}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.unlink(missing_ok=True)
        listener.bind(str(made))
        made.chmod(MODE)
        # The folder's group is the one that sense is in; ours may be another.
        if made.stat().st_gid != path.parent.stat().st_gid:
            os.chown(made, -1, path.parent.stat().st_gid)
        listener.listen(MAX_CONNECTIONS)
        made.rename(path)
    except OSError as error:
        listener.close()
        made.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot listen: {error.strerror or error}") from error
    return listener


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
