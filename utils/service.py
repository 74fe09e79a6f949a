"""A real, small web service to measure: HTTP on loopback over a SQLite database on disk.

Everything here is real except the customers. Requests travel through the operating system's network
stack, queries read a file, and whatever else the machine is doing shows in the latencies.

    with OrderService() as service:
        before_ms = service.measure(1_000)
        service.deploy("v2")
        after_ms = service.measure(1_000)

Only the standard library is used; pandas reads the recording of a real hour.
"""

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import socketserver
import sqlite3
import tempfile
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor, wait
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
RECORDING = Path(__file__).with_name("recordings") / "real_hour.csv"
VERSIONS = ("v1", "v2", "lock")
CUSTOMERS = 2_000

_FOLDER_PREFIX = "detecting-data-drift-"
_STALE_AFTER_S = 60  # younger folders may belong to a service that is only just starting
_TIMEOUT_S = 30

_CREATE_ORDERS = """CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL,
    placed_at INTEGER NOT NULL, amount_cents INTEGER NOT NULL, reference TEXT NOT NULL)"""
_CREATE_INDEX = "CREATE INDEX IF NOT EXISTS orders_by_customer ON orders (customer_id)"
_DROP_INDEX = "DROP INDEX IF EXISTS orders_by_customer"
_CLAIM = "BEGIN EXCLUSIVE"
_LOOKUP = "SELECT COUNT(*), SUM(amount_cents), MAX(placed_at) FROM orders WHERE customer_id = ?"


class ServiceError(RuntimeError):
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

    Attributes
    ----------
    version : str
        The version that is live.
    deployments : list of Deployment
        The deployment log since the start, oldest first.
    requests : int
        How many requests were served since the start.
    folder : Path
        The temporary folder that holds the database while the service runs.

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
        _require_count("orders", orders)
        _require_count("lock_every", lock_every)
        if isinstance(lock_ms, bool) or not isinstance(lock_ms, int | float) or not 0 < lock_ms <= 1_000:
            raise ValueError(
                f"lock_ms must be a number of milliseconds, above 0 up to 1,000, not {lock_ms!r}."
            )
        self.orders = orders
        self.seed = seed
        self.lock_every = lock_every
        self.lock_ms = lock_ms
        self._close = None
        self._reset()

    def _reset(self):
        self.version = "v1"
        self.deployments = [Deployment("v1", 0)]
        self.requests = 0
        self.folder = None
        self._replaced = []
        self._scheduled = None
        self._connections = []
        self._asked_for = random.Random(self.seed)
        self._unlucky = random.Random(self.seed)
        self._mutex = threading.Lock()
        self._measuring = threading.Lock()

    # -- life ---------------------------------------------------------------------------------------

    def start(self):
        """Build the database and start to serve; returns the service. ``with`` calls this."""
        if self.running:
            return self
        self._reset()
        # What there is to undo, in reverse. Registered before there is anything: it is undone once, on stop(),
        # when the service is garbage, or when Python ends, whichever comes first.
        undo = contextlib.ExitStack()
        self._close = weakref.finalize(self, _close, undo, os.getpid())
        try:
            self._open_database(undo)
            self._listen(undo)
            self.measure(1)  # a loopback that accepts a port but carries no traffic shows here
        except BaseException:
            self.stop()
            raise
        self.requests = 0
        return self

    def stop(self):
        """Stop serving and remove the database; does nothing when nothing runs."""
        if self._close is not None:
            self._close()

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
        return self._close is not None and self._close.alive

    @property
    def url(self):
        """Where the service answers, such as ``http://127.0.0.1:40123``."""
        self._require_running()
        return f"http://{LOOPBACK}:{self._port}"

    def _require_running(self):
        if not self.running:
            raise ServiceError("The service is not running: use it inside `with OrderService() as service:`.")

    def _listen(self, undo):
        try:
            server = _Server(self)
        except OSError as error:
            raise _no_loopback(error) from error
        undo.callback(server.server_close)
        self._port = server.server_address[1]
        # The thread knows the server only, and the server refers to the service weakly: so it can be garbage.
        threading.Thread(target=server.serve_forever, args=(0.05,), name="order-service", daemon=True).start()
        undo.callback(server.shutdown)
        undo.callback(_close_all, self._connections)

    # -- the database -------------------------------------------------------------------------------

    def _open_database(self, undo):
        try:
            _remove_stale_folders()
            self.folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX))
            undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
            claim = _claimant(self.folder)
            undo.callback(claim.close)
            claim.execute(_CLAIM)
            self._write_orders()
        except (OSError, sqlite3.Error) as error:
            raise ServiceError(
                f"The service could not write its database of about {self.orders // 20_000 + 1} MB to the "
                f"temporary folder {tempfile.tempdir} ({getattr(error, 'strerror', None) or error}): "
                "free some space there, or point TMPDIR to a folder that has room."
            ) from error

    def _write_orders(self):
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
        columns = "customer_id, placed_at, amount_cents, reference"
        with contextlib.closing(self._connect("rwc")) as database:
            database.execute("BEGIN")
            database.execute(_CREATE_ORDERS)
            database.executemany(f"INSERT INTO orders ({columns}) VALUES (?, ?, ?, ?)", rows)
            database.execute(_CREATE_INDEX)
            database.execute("COMMIT")

    def _connect(self, mode, **options):
        uri = f"{(self.folder / 'orders.sqlite').as_uri()}?mode={mode}"
        database = sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S, isolation_level=None, **options)
        database.execute("PRAGMA synchronous = OFF")  # nobody needs these orders after a power cut
        return database

    def explain_query_plan(self):
        """Return how the database answers the service's query now, in SQLite's own words.

        Returns
        -------
        str
            Such as ``SEARCH orders USING INDEX orders_by_customer (customer_id=?)``, or ``SCAN orders`` when
            the whole table is read. The wording differs a little between versions of SQLite.
        """
        self._require_running()
        with contextlib.closing(self._connect("ro")) as database:
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
        _require_version(version)
        self._require_running()
        replaced = self.version
        self._migrate_to(version)
        self._replaced.append(replaced)

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
        _require_version(version)
        self._require_running()
        moment = random.Random(self.seed if seed is None else seed).randint(first, last)
        self._scheduled = (self.requests + moment, version)

    def roll_back(self):
        """Put the version before the live one live again; a deployment still scheduled is called off."""
        self._require_running()
        if not self._replaced:
            raise ServiceError("There is nothing to roll back to: the first version is live.")
        self._migrate_to(self._replaced[-1])
        self._replaced.pop()
        self._scheduled = None

    def _migrate_to(self, version):
        try:
            with contextlib.closing(self._connect("rw")) as database:
                database.execute(_DROP_INDEX if version == "v2" else _CREATE_INDEX)
        except sqlite3.Error as error:
            raise ServiceError(
                f"Version {version} could not be deployed, its migration failed ({error}): "
                "free some space on the disk, then deploy again."
            ) from error
        with self._mutex:
            self.version = version
            self.deployments.append(Deployment(version, self.requests))

    # -- what happens to a request ------------------------------------------------------------------

    def _look_up(self, database, customer):
        """Answer one request: what the customer ordered."""
        with self._mutex:
            due = self._scheduled is not None and self.requests >= self._scheduled[0]
            if due:
                version, self._scheduled = self._scheduled[1], None
            unlucky = self.version == "lock" and self._unlucky.random() * self.lock_every < 1
        if due:
            self.deploy(version)
        with self._lock_for_a_while() if unlucky else contextlib.nullcontext():
            count, cents, last = database.execute(_LOOKUP, (customer,)).fetchone()
        with self._mutex:
            self.requests += 1
        return {"customer": customer, "orders": count, "spent_cents": cents or 0, "last_order_at": last}

    @contextlib.contextmanager
    def _lock_for_a_while(self):
        """Enter with the database locked by another connection, which holds it for ``lock_ms``."""
        export = self._connect("rw", check_same_thread=False)
        export.execute(_CLAIM)
        release = threading.Timer(self.lock_ms / 1_000, export.close)
        release.start()
        try:
            yield
        finally:
            release.join()

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
        _require_count("n_requests", n_requests)
        _require_count("clients", clients)
        self._require_running()
        with self._measuring:
            customers = [self._asked_for.randint(1, CUSTOMERS) for _ in range(n_requests)]
            try:
                timed = self._send(customers, clients)
            except BaseException as error:
                _close_all(self._connections)  # one of them may wait for an answer that nobody will read
                if isinstance(error, OSError | http.client.HTTPException):
                    raise _no_loopback(error) from error
                raise
        return [latency_ms for _, latency_ms in sorted(timed)]

    def _send(self, customers, clients):
        while len(self._connections) < clients:
            self._connections.append(http.client.HTTPConnection(LOOPBACK, self._port, timeout=_TIMEOUT_S))
            self._connections[-1].connect()
        enough = threading.Event()
        with ThreadPoolExecutor(clients) as pool:
            clients_at_work = [
                pool.submit(_timed_requests, self._connections[client], customers[client::clients], enough)
                for client in range(clients)
            ]
            try:
                while wait(clients_at_work, timeout=0.1).not_done:
                    pass  # in steps: on Windows no interrupt reaches a thread that waits
            finally:
                enough.set()  # after an interrupt: a client that went on would spoil the next measurement
        return [pair for client in clients_at_work for pair in client.result()]


def real_hour():
    """Return one hour of real latencies of an order service that nobody changed.

    An `OrderService` in version 1 was asked for one customer every half second, over HTTP on loopback, and each
    request was timed. It ran on a shared Linux machine with two cores that was doing other work. Nothing was
    deployed during the hour. The README beside the file says more.

    Returns
    -------
    Series
        Latencies in ms, named ``latency_ms``; its index is when each request was sent, in UTC.
    """
    import pandas as pd  # nothing else here needs it

    return pd.read_csv(RECORDING, index_col="time", parse_dates=["time"])["latency_ms"]


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


class _Server(ThreadingHTTPServer):
    """A threading server that hangs up when it closes, and waits until nobody uses the database any more."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, service):
        self.service = weakref.proxy(service)
        self.connections = set()
        super().__init__((LOOPBACK, 0), _Handler)

    def server_bind(self):
        # HTTPServer's own server_bind asks the resolver for the host's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        """End a connection; its own thread calls this last."""
        super().shutdown_request(request)
        self.connections.discard(request)

    def server_close(self):
        super().server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        patience_ends = time.monotonic() + 5
        while self.connections and time.monotonic() < patience_ends:
            time.sleep(0.001)

    def handle_error(self, request, client_address):
        """Stay quiet: a client that hangs up is no event, and nobody reads a server's log in a notebook."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    # Two small writes and Nagle's algorithm together wait for the client's delayed acknowledgement, 40 ms.
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered, flushed once a response

    def setup(self):
        super().setup()
        self.database = self.server.service._connect("ro")

    def finish(self):
        self.database.close()
        super().finish()

    def do_GET(self):
        kind, _, number = self.path.strip("/").partition("/")
        if kind != "customers" or not number.isdecimal() or len(number) > 9:
            self._answer(404, {"error": "ask for /customers/<number>"})
            return
        try:
            self._answer(200, self.server.service._look_up(self.database, int(number)))
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


def _close(undo, process):
    if os.getpid() != process:
        return  # a forked child must not remove what its parent still uses
    if threading.current_thread().daemon:
        # Garbage is collected in whatever thread happens to run; none of the server's can wait for itself.
        threading.Thread(target=undo.close).start()
    else:
        undo.close()


def _close_all(connections):
    while connections:
        connections.pop().close()


def _claimant(folder):
    """Return a connection whose `_CLAIM` fails as long as another process holds the folder.

    The operating system ends a claim however its process ends: what can be claimed has no service any more.
    """
    return sqlite3.connect(folder / "in-use.sqlite", timeout=0, isolation_level=None, check_same_thread=False)


def _remove_stale_folders():
    """Remove what services that were killed have left in the temporary directory."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        with contextlib.suppress(OSError, sqlite3.Error):  # in use, or not ours to remove
            if not folder.is_symlink() and time.time() - folder.stat().st_mtime > _STALE_AFTER_S:
                with contextlib.closing(_claimant(folder)) as claim:
                    claim.execute(_CLAIM)
                shutil.rmtree(folder)


def _require_count(name, number):
    if isinstance(number, bool) or not hasattr(number, "__index__") or number < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {number!r}.")


def _require_version(version):
    if version not in VERSIONS:
        raise ValueError(f"version must be one of {', '.join(map(repr, VERSIONS))}, not {version!r}.")


def _no_loopback(error):
    return ServiceError(
        f"The service could not be reached on the loopback address {LOOPBACK} "
        f"({getattr(error, 'strerror', None) or error}): "
        "allow local connections on this machine (firewall, sandbox), or run the chapter elsewhere."
    )
