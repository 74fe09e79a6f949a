"""A real, small web service to measure: HTTP on loopback over a SQLite database on disk.

Everything here is real except the customers. Requests travel through the operating system's network
stack, queries read a file, and whatever else the machine is doing shows in the latencies.

    with OrderService() as service:
        before_ms = service.measure(1_000)
        service.deploy("v2")
        after_ms = service.measure(1_000)

Only the standard library is used.
"""

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import sqlite3
import tempfile
import threading
import time
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
VERSIONS = ("v1", "v2", "lock")
CUSTOMERS = 2_000

_FOLDER_PREFIX = "detecting-data-drift-"
_STALE_AFTER_S = 60  # younger folders may belong to a service that is only just starting
_TIMEOUT_S = 30

_LOOKUP = "SELECT COUNT(*), SUM(amount_cents), MAX(placed_at) FROM orders WHERE customer_id = ?"
_CREATE_INDEX = "CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id)"
_DROP_INDEX = "DROP INDEX IF EXISTS orders_by_customer"


class ServiceError(OSError):
    """The service could not start, or could not answer; the message says why and what to do."""


class Deployment(NamedTuple):
    """One entry of the deployment log: what went live, and how many requests had come before it."""

    version: str
    request: int


class OrderService:
    """An order service on loopback that answers ``GET /customers/<id>`` from a database on disk.

    Use it in a ``with`` statement: it starts on entry, and on exit, also after an exception or an
    interrupt, it stops and removes its database. A service that is started by hand stops when it is no
    longer referenced and when Python ends. Only a killed process (SIGKILL, power loss) leaves its folder in
    the temporary directory; a service that starts there a minute later or more removes it.

    Parameters
    ----------
    orders : int
        Rows in the table of orders.
    seed : int
        Seed of the orders, of the customers that are asked for, of a scheduled moment and of the locks.
    lock_every : int
        In version ``"lock"``, one request in so many (at random) runs into a lock.
    lock_ms : float
        How long each lock is held, in milliseconds.

    Notes
    -----
    The versions that can be deployed:

    ==========  ==============================================================================
    ``v1``      looks the customer up by an index; live at the start
    ``v2``      its migration lost that index: each request reads the whole table
    ``lock``    the index is there, but an export that locks the database meets one request in fifty
    ==========  ==============================================================================

    Server and clients are threads of one process, so that nothing can outlive it. With several clients
    they also wait for each other, as clients of a small machine do.
    """

    def __init__(self, orders=20_000, *, seed=42, lock_every=50, lock_ms=5.0):
        for name, number in (("orders", orders), ("lock_every", lock_every)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {number!r}.")
        if isinstance(lock_ms, bool) or not isinstance(lock_ms, int | float) or not 0 < lock_ms <= 1_000:
            raise ValueError(
                f"lock_ms must be a number of milliseconds, above 0 up to 1,000, not {lock_ms!r}."
            )
        self.orders = orders
        self.seed = seed
        self.lock_every = lock_every
        self.lock_ms = lock_ms
        self._backend = None
        self._stop = None

    # -- life ---------------------------------------------------------------------------------------

    def start(self):
        """Build the database and start to serve; returns the service. ``with`` calls this."""
        if self.running:
            return self
        _remove_stale_folders()
        backend = _Backend(self.orders, self.seed, self.lock_every, self.lock_ms)
        # Registered before anything exists that would have to be removed. The finalizer runs once: on
        # stop(), when the service is garbage, or when Python ends, whichever comes first.
        stop = weakref.finalize(self, backend.close)
        try:
            backend.open()
            self._backend, self._stop = backend, stop
            self._client = _Client(backend.port, self.seed)
            self._client_lock = threading.Lock()
            self._client.measure(1, 1)  # a loopback that accepts a port but carries no traffic shows here
            backend.requests = 0
        except BaseException:
            stop()
            raise
        return self

    def stop(self):
        """Stop serving and remove the database; does nothing when nothing runs."""
        if self._stop is not None:
            self._client.close()
            self._stop()

    __enter__ = start

    def __exit__(self, *exception):
        self.stop()

    def __repr__(self):
        return (
            f"<OrderService {self.version} at {self.url}>" if self.running else "<OrderService, not running>"
        )

    @property
    def running(self):
        """Whether the service is up."""
        return self._stop is not None and self._stop.alive

    def _live(self):
        if not self.running:
            raise ServiceError("The service is not running: use it inside `with OrderService() as service:`.")
        return self._backend

    # -- what an operator sees ----------------------------------------------------------------------

    @property
    def url(self):
        """Where the service answers, such as ``http://127.0.0.1:40123``."""
        return f"http://{LOOPBACK}:{self._live().port}"

    @property
    def folder(self):
        """The temporary folder that holds the database while the service runs."""
        return self._live().folder

    @property
    def version(self):
        """The version that is live."""
        return self._live().version

    @property
    def requests(self):
        """How many requests were served since the start."""
        return self._live().requests

    @property
    def deployments(self):
        """The deployment log: a list of ``Deployment(version, request)``, oldest first."""
        return list(self._live().deployments)

    def explain_query_plan(self):
        """Return how the database answers the service's query now, in SQLite's own words.

        Returns
        -------
        str
            Such as ``SEARCH orders USING INDEX orders_by_customer (customer_id=?)``, or ``SCAN orders`` when
            the whole table is read. The wording differs a little between versions of SQLite.
        """
        backend = self._live()
        with contextlib.closing(backend.connect()) as database:
            rows = database.execute(f"EXPLAIN QUERY PLAN {_LOOKUP}", (1,)).fetchall()
        return "\n".join(row[-1] for row in rows)

    # -- what an operator does ----------------------------------------------------------------------

    def deploy(self, version):
        """Put a version live now, under whatever traffic there is.

        Parameters
        ----------
        version : {"v1", "v2", "lock"}
            See the class for what each does.
        """
        self._live().deploy(_known(version))

    def deploy_unannounced(self, version, *, between, seed=None):
        """Let a version go live by itself, at a moment that nobody is told.

        Parameters
        ----------
        version : {"v1", "v2", "lock"}
            See the class for what each does.
        between : tuple of int
            The moment is drawn from these two numbers of requests, counted from now.
        seed : int, optional
            Seed of the draw; the service's own when left out. ``deployments`` tells the moment afterwards.
        """
        first, last = between
        if not 0 <= first <= last:
            raise ValueError(f"between must be two request counts, the smaller one first, not {between!r}.")
        backend = self._live()
        moment = random.Random(self.seed if seed is None else seed).randint(first, last)
        backend.scheduled = (backend.requests + moment, _known(version))

    def roll_back(self):
        """Put the version before the live one live again; a deployment still scheduled is called off."""
        backend = self._live()
        backend.roll_back()
        backend.scheduled = None

    # -- what a client sees -------------------------------------------------------------------------

    def measure(self, n_requests, *, clients=1):
        """Send requests over keep-alive connections and time each one, from sending to the last byte.

        Parameters
        ----------
        n_requests : int
            Requests in total. Each client sends its next request when its last one has been answered.
        clients : int
            Clients that send at the same time, each over a connection of its own that stays open between
            calls.

        Returns
        -------
        list of float
            Latencies in milliseconds, in the order in which the requests were sent.
        """
        for name, number in (("n_requests", n_requests), ("clients", clients)):
            if isinstance(number, bool) or not hasattr(number, "__index__") or number < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {number!r}.")
        self._live()
        with self._client_lock:
            return self._client.measure(int(n_requests), int(clients))


def _known(version):
    if version not in VERSIONS:
        raise ValueError(f"version must be one of {', '.join(map(repr, VERSIONS))}, not {version!r}.")
    return version


class _Backend:
    """Database, server and deployments; knows no OrderService, so that one can be garbage."""

    def __init__(self, orders, seed, lock_every, lock_ms):
        self.orders = orders
        self.seed = seed
        self.lock_every = lock_every
        self.lock_ms = lock_ms
        self.rng = random.Random(seed)
        self.requests = 0
        self.version = "v1"
        self.deployments = [Deployment("v1", 0)]
        self.earlier_versions = []
        self.scheduled = None
        self.mutex = threading.Lock()
        self.process = os.getpid()
        self.folder = None
        self.server = None
        self.server_thread = None
        # What open() got to, to be undone in reverse; an interrupt halfway does not stop the rest.
        self.cleanup = contextlib.ExitStack()

    def open(self):
        """Write the database, then listen; whatever fails is one clear ServiceError."""
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
            self.cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.cleanup.callback(_claim(self.folder, wait_s=5).close)
            self._build_database()
        except (OSError, sqlite3.Error) as error:
            raise ServiceError(
                f"The service could not write its database of about {self.orders // 20_000 + 1} MB to the "
                f"temporary folder {_temporary_folder()} ({_reason(error)}): "
                "free some space there, or point TMPDIR to a folder that has room."
            ) from error
        try:
            self.server = _Server((LOOPBACK, 0), _Handler)
        except OSError as error:
            raise ServiceError(_no_loopback(error)) from error
        self.server.backend = self
        self.port = self.server.server_address[1]
        self.cleanup.callback(self.server.hang_up)
        self.cleanup.callback(self.server.server_close)
        self.server_thread = threading.Thread(
            target=self.server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="order-service",
            daemon=True,
        )
        self.server_thread.start()
        self.cleanup.callback(self.server.shutdown)

    def close(self):
        """Stop and remove everything that open() got to."""
        if os.getpid() != self.process:
            return  # a forked child must not remove what its parent still uses
        own_threads = [self.server_thread, *(self.server.threads() if self.server else ())]
        if threading.current_thread() in own_threads:
            # Garbage is collected in whatever thread happens to run; none can wait for itself to end.
            threading.Thread(target=self.cleanup.close, daemon=True).start()
        else:
            self.cleanup.close()

    def connect(self):
        """Open a connection that can only read."""
        uri = f"{(self.folder / 'orders.sqlite').as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S, isolation_level=None)

    def _connect_to_write(self):
        path = self.folder / "orders.sqlite"
        database = sqlite3.connect(path, timeout=_TIMEOUT_S, isolation_level=None)
        database.execute("PRAGMA synchronous = OFF")  # nobody needs these orders after a power cut
        return database

    def _build_database(self):
        rng = random.Random(self.seed)
        # A few customers order often, most of them rarely.
        rows = (
            (
                1 + int(CUSTOMERS * rng.random() ** 2),
                1_700_000_000 + 60 * number,
                int(rng.lognormvariate(8, 1)),
                f"{rng.randrange(10**12):012d}",
            )
            for number in range(self.orders)
        )
        with contextlib.closing(self._connect_to_write()) as database:
            database.execute("BEGIN")
            database.execute(
                "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL,"
                " placed_at INTEGER NOT NULL, amount_cents INTEGER NOT NULL, reference TEXT NOT NULL)"
            )
            database.executemany(
                "INSERT INTO orders (customer_id, placed_at, amount_cents, reference) VALUES (?, ?, ?, ?)",
                rows,
            )
            database.execute(_CREATE_INDEX)
            database.execute("COMMIT")

    def deploy(self, version):
        """Put a version live, remembering the one before."""
        before = self.version
        self._migrate_to(version)
        self.earlier_versions.append(before)

    def roll_back(self):
        """Put the version before the live one live again."""
        if not self.earlier_versions:
            raise ServiceError("There is nothing to roll back to: the first version is live.")
        self._migrate_to(self.earlier_versions[-1])
        self.earlier_versions.pop()

    def _migrate_to(self, version):
        try:
            with contextlib.closing(self._connect_to_write()) as database:
                database.execute(_DROP_INDEX if version == "v2" else _CREATE_INDEX)
        except sqlite3.Error as error:
            raise ServiceError(
                f"Version {version} could not be deployed, its migration failed ({error}): "
                "free some space on the disk, then deploy again."
            ) from error
        with self.mutex:
            self.version = version
            self.deployments.append(Deployment(version, self.requests))

    def look_up(self, database, customer):
        """Answer one request: what the customer ordered."""
        with self.mutex:
            due = self.scheduled is not None and self.requests >= self.scheduled[0]
            if due:
                version, self.scheduled = self.scheduled[1], None
            unlucky = self.version == "lock" and self.rng.random() * self.lock_every < 1
        if due:
            self.deploy(version)
        if unlucky:
            self._lock_for_a_while()
        count, cents, last = database.execute(_LOOKUP, (customer,)).fetchone()
        with self.mutex:
            self.requests += 1
        return {"customer": customer, "orders": count, "spent_cents": cents or 0, "last_order_at": last}

    def _lock_for_a_while(self):
        """Return when another thread holds the database, which it then does for ``lock_ms``."""
        held = threading.Event()

        def hold():
            try:
                with contextlib.closing(self._connect_to_write()) as database:
                    database.execute("BEGIN EXCLUSIVE")
                    held.set()
                    time.sleep(self.lock_ms / 1_000)
            finally:
                held.set()  # also when there was no lock to be had: no request may wait for ever

        self.server.run(hold)
        held.wait()


class _Server(ThreadingHTTPServer):
    """A threading server that knows its connections, so that it can hang up and wait for every thread."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *arguments):
        self._open = {}
        self._guard = threading.Lock()
        super().__init__(*arguments)

    def server_bind(self):
        # HTTPServer's own server_bind asks the resolver for the host's name, which can take seconds.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address

    def process_request(self, request, client_address):
        self.run(self.process_request_thread, request, client_address, connection=request)

    def run(self, work, *arguments, connection=None):
        """Do some work in a thread that close() will wait for."""

        def tracked():
            try:
                work(*arguments)
            finally:
                with self._guard:
                    self._open.pop(thread, None)

        thread = threading.Thread(target=tracked, name="order-service-worker", daemon=True)
        with self._guard:
            self._open[thread] = connection
        thread.start()

    def threads(self):
        with self._guard:
            return list(self._open)

    def hang_up(self):
        """Close every connection and wait until the threads that served them have ended."""
        with self._guard:
            still_open = dict(self._open)
        for connection in still_open.values():
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in still_open:
            thread.join(timeout=5)

    def handle_error(self, request, client_address):
        """Stay quiet: a client that hangs up is no event, and nobody reads a server's log in a notebook."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    # Two small writes and Nagle's algorithm together wait for the client's delayed acknowledgement, 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered, flushed once a response

    def setup(self):
        super().setup()
        self.database = self.server.backend.connect()

    def finish(self):
        self.database.close()
        super().finish()

    def do_GET(self):
        kind, _, number = self.path.strip("/").partition("/")
        if kind != "customers" or not number.isdecimal() or len(number) > 9:
            self._answer(404, {"error": "ask for /customers/<number>"})
            return
        try:
            self._answer(200, self.server.backend.look_up(self.database, int(number)))
        except (sqlite3.Error, ServiceError) as error:
            self._answer(503, {"error": str(error)})

    def _answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response_only(status)  # without date and server name, which nobody reads here
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Write no access log."""


class _Client:
    """Keep-alive connections to the service, one for each client that measures at the same time."""

    def __init__(self, port, seed):
        self.port = port
        self.rng = random.Random(seed)
        self.connections = []

    def close(self):
        while self.connections:
            self.connections.pop().close()

    def measure(self, n_requests, clients):
        customers = [self.rng.randint(1, CUSTOMERS) for _ in range(n_requests)]
        try:
            while len(self.connections) < clients:
                self.connections.append(http.client.HTTPConnection(LOOPBACK, self.port, timeout=_TIMEOUT_S))
                self.connections[-1].connect()
            if clients == 1:
                timed = _timed_requests(self.connections[0], customers, threading.Event())
            else:
                timed = self._at_once(customers, clients)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if isinstance(error, ServiceError):
                raise
            raise ServiceError(_no_loopback(error)) from error
        except BaseException:
            # An interrupt leaves half a response in the pipe; the next call must not read it as its own.
            self.close()
            raise
        return [latency_ms for _, latency_ms in sorted(timed)]

    def _at_once(self, customers, clients):
        timed, errors = [], []
        enough = threading.Event()
        ready = threading.Barrier(min(clients, len(customers)))

        def one_client(number):
            try:
                ready.wait()
                timed.extend(_timed_requests(self.connections[number], customers[number::clients], enough))
            except Exception as error:
                errors.append(error)
                enough.set()

        threads = [threading.Thread(target=one_client, args=(n,), daemon=True) for n in range(ready.parties)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException:
            enough.set()
            ready.abort()
            for thread in threads:
                if thread.is_alive():  # a client that went on would spoil the next measurement
                    thread.join(timeout=_TIMEOUT_S)
            raise
        if errors:
            raise errors[0]
        return timed


def _timed_requests(connection, customers, enough):
    """Send one request after another; returns pairs of (moment of sending in s, latency in ms)."""
    timed = []
    for customer in customers:
        if enough.is_set():
            break
        sent = time.perf_counter()
        connection.request("GET", f"/customers/{customer}")
        response = connection.getresponse()
        body = response.read()
        answered = time.perf_counter()
        if response.status != 200:
            raise ServiceError(f"The service answered {response.status}: {json.loads(body)['error']}")
        timed.append((sent, 1_000 * (answered - sent)))
    return timed


def _claim(folder, wait_s):
    """Hold a lock in the folder for as long as this process lives; sqlite3.OperationalError if it is held.

    The operating system releases the lock however the process ends, so a folder that can be claimed is
    a folder whose service is gone.
    """
    claim = sqlite3.connect(
        folder / "in-use.sqlite", timeout=wait_s, isolation_level=None, check_same_thread=False
    )
    try:
        claim.execute("BEGIN EXCLUSIVE")
    except BaseException:
        claim.close()
        raise
    return claim


def _remove_stale_folders():
    """Remove what services that were killed have left in the temporary directory."""
    for folder in Path(_temporary_folder()).glob(f"{_FOLDER_PREFIX}*"):
        try:
            about = folder.lstat()
            mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
            if mine and not folder.is_symlink() and time.time() - about.st_mtime > _STALE_AFTER_S:
                _claim(folder, wait_s=0).close()
                shutil.rmtree(folder)
        except (OSError, sqlite3.Error):
            continue  # in use, or not ours to remove


def _temporary_folder():
    try:
        return tempfile.gettempdir()
    except OSError:  # there is none that can be written; starting will say so
        return os.curdir


def _reason(error):
    return getattr(error, "strerror", None) or str(error)


def _no_loopback(error):
    return (
        f"The service could not be reached on the loopback address {LOOPBACK} ({_reason(error)}): "
        "allow local connections on this machine (firewall, sandbox), or run the chapter elsewhere."
    )
