"""The live service: it answers truthfully, deploys, measures, and leaves nothing behind."""

import gc
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from utils import service as service_module
from utils.service import CUSTOMERS, Deployment, OrderService, ServiceError, real_hour


@pytest.fixture
def own_temporary_folder(tmp_path, monkeypatch):
    """Give this test a temporary folder of its own, so that what is left behind can be counted."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def small_service(**options):
    return OrderService(500, **options)


def service_threads():
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("order-service") or "process_request" in name]


def get(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as response:
        return json.load(response)


def wait_until(condition, patience_s=20):
    deadline = time.monotonic() + patience_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def assert_nothing_is_left(folder):
    assert not list(folder.iterdir())
    wait_until(lambda: not service_threads())  # a thread ends a moment after its last line


def test_answers_agree_with_the_database_on_disk():
    with OrderService() as service:
        with closing(sqlite3.connect(service.folder / "orders.sqlite")) as database:
            (rows,) = database.execute("SELECT COUNT(*) FROM orders").fetchone()
            expected = database.execute(
                "SELECT COUNT(*), SUM(amount_cents), MAX(placed_at) FROM orders WHERE customer_id = 7"
            ).fetchone()
        assert rows >= 20_000
        answer = get(f"{service.url}/customers/7")
        assert (answer["orders"], answer["spent_cents"], answer["last_order_at"]) == expected
        service.deploy("v2")
        assert get(f"{service.url}/customers/7") == answer


def test_a_customer_without_orders_is_answered_and_a_wrong_path_is_a_404():
    with small_service() as service:
        assert get(f"{service.url}/customers/{CUSTOMERS + 1}")["orders"] == 0
        for path in ("/", "/customers/", "/customers/x", "/customers/1'--", "/customers/" + "9" * 30):
            with pytest.raises(urllib.error.HTTPError) as error:
                get(service.url + path)
            assert error.value.code == 404


def test_one_connection_serves_many_requests_each_response_in_one_write(monkeypatch):
    writes = []
    write = socket.SocketIO.write
    monkeypatch.setattr(socket.SocketIO, "write", lambda file, data: writes.append(1) or write(file, data))
    with small_service() as service:
        client = http.client.HTTPConnection("127.0.0.1", int(service.url.rsplit(":", 1)[1]), timeout=30)
        client.connect()
        port = client.sock.getsockname()[1]
        for _ in range(3):
            client.request("GET", "/customers/1")
            response = client.getresponse()
            response.read()
            assert response.version == 11
            assert client.sock.getsockname()[1] == port
        client.close()
        del writes[:]
        service.measure(5)
        assert len(writes) == 5
    assert service_module._Handler.disable_nagle_algorithm


def test_measure_returns_one_positive_latency_a_request_and_the_service_served_just_those():
    with small_service() as service:
        assert service.requests == 0
        latencies_ms = service.measure(25)
        assert len(latencies_ms) == 25 and min(latencies_ms) > 0
        assert all(type(latency_ms) is float for latency_ms in latencies_ms)
        assert service.requests == 25


def test_several_clients_share_the_requests_and_really_come_at_once(monkeypatch):
    with small_service() as service:
        meeting = threading.Barrier(3)
        look_up = service._look_up
        together = []

        def look_up_together(database, customer):
            # Passes only when three requests are being answered at the same moment.
            together.append(meeting.wait(timeout=30))
            return look_up(database, customer)

        monkeypatch.setattr(service, "_look_up", look_up_together)
        assert len(service.measure(9, clients=3)) == 9
        assert len(together) == 9


def test_more_clients_than_requests_is_no_deadlock():
    with small_service() as service:
        assert len(service.measure(2, clients=5)) == 2


def test_the_same_seed_asks_for_the_same_customers(monkeypatch):
    def asked(seed):
        with small_service(seed=seed) as service:
            customers = []
            look_up = service._look_up
            monkeypatch.setattr(
                service,
                "_look_up",
                lambda database, customer: customers.append(customer) or look_up(database, customer),
            )
            service.measure(20)
            return customers

    assert asked(1) == asked(1) != asked(2)


def test_version_1_searches_by_the_index_version_2_scans_and_a_rollback_searches_again():
    with small_service() as service:
        assert service.version == "v1"
        assert "USING INDEX orders_by_customer" in service.explain_query_plan()
        service.measure(5)
        service.deploy("v2")
        assert service.version == "v2"
        assert service.explain_query_plan().startswith("SCAN")
        service.measure(5)
        service.roll_back()
        assert service.version == "v1"
        assert "USING INDEX orders_by_customer" in service.explain_query_plan()
        assert service.deployments == [Deployment("v1", 0), Deployment("v2", 5), Deployment("v1", 10)]


def test_rolling_back_twice_does_not_bring_the_bad_version_back():
    with small_service() as service:
        service.deploy("v2")
        service.roll_back()
        with pytest.raises(ServiceError, match="nothing to roll back to"):
            service.roll_back()
        assert service.version == "v1"


def test_a_request_on_an_open_connection_meets_the_version_deployed_meanwhile():
    with small_service() as service:
        statements = []
        with closing(service._connect("ro")) as database:
            service._look_up(database, 1)
            service.deploy("v2")
            database.set_progress_handler(lambda: statements.append(1), 100)
            service._look_up(database, 1)
        assert statements, "a scan of 500 rows takes some thousand steps, a search by the index hardly any"


def test_an_unannounced_deployment_comes_within_its_bounds_at_a_seeded_moment():
    with small_service() as service:

        def moment(seed):
            before = service.requests
            service.deploy_unannounced("v2", between=(10, 30), seed=seed)
            assert service.version == "v1"
            service.measure(40)
            assert service.version == "v2"
            came_after = service.deployments[-1].request - before
            service.roll_back()
            return came_after

        moments = [moment(seed) for seed in (0, 1, 2, 3, 3)]
    assert all(10 <= moment <= 30 for moment in moments)
    assert moments[3] == moments[4]
    assert len(set(moments)) > 1


def test_a_rollback_calls_off_a_deployment_that_is_still_scheduled():
    with small_service() as service:
        service.deploy("v2")
        service.deploy_unannounced("v2", between=(1, 1))
        service.roll_back()
        service.measure(5)
        assert service.version == "v1"


def test_in_lock_mode_a_request_waits_for_a_lock_that_the_database_really_holds():
    with small_service(lock_every=1, lock_ms=60) as service:
        with closing(sqlite3.connect(service.folder / "orders.sqlite", timeout=0)) as database:
            count = "SELECT COUNT(*) FROM orders"
            with service._lock_for_a_while(), pytest.raises(sqlite3.OperationalError, match="locked"):
                database.execute(count)
            assert database.execute(count).fetchone() == (500,)
        service.deploy("lock")
        assert min(service.measure(2)) >= 60
        service.roll_back()
        assert min(service.measure(5)) < 60


def test_one_request_in_fifty_meets_the_lock_and_none_in_version_1(monkeypatch):
    with small_service() as service:
        locked = []
        monkeypatch.setattr(service, "_lock_for_a_while", lambda: nullcontext(locked.append(1)))
        service.measure(100)
        assert not locked
        service.deploy("lock")
        service.measure(600)
        assert 5 < len(locked) < 24  # 12 expected; seeded


def test_nothing_is_left_after_the_with_block(own_temporary_folder):
    with small_service() as service:
        service.measure(3, clients=2)
        url = service.url
        assert service_threads() and list(own_temporary_folder.iterdir()) == [service.folder]
    assert_nothing_is_left(own_temporary_folder)
    assert not service.running and "not running" in repr(service)
    with pytest.raises(OSError):
        get(f"{url}/customers/1")


def test_a_browser_that_keeps_its_connection_open_does_not_keep_the_service_alive(own_temporary_folder):
    with small_service() as service:
        client = http.client.HTTPConnection("127.0.0.1", int(service.url.rsplit(":", 1)[1]), timeout=30)
        client.request("GET", "/customers/1")
        client.getresponse().read()
    assert_nothing_is_left(own_temporary_folder)
    client.close()


@pytest.mark.parametrize("exception", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_an_exception(own_temporary_folder, exception):
    with pytest.raises(exception), small_service() as service:
        service.deploy("v2")
        raise exception
    assert_nothing_is_left(own_temporary_folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no way to interrupt one's own main thread like this")
@pytest.mark.parametrize("clients", [1, 3])
def test_an_interrupt_in_the_middle_of_a_measurement_leaves_nothing(own_temporary_folder, clients):
    with pytest.raises(KeyboardInterrupt), small_service() as service:
        main = threading.main_thread().ident

        def interrupt_soon():
            wait_until(lambda: service.requests > 20)
            signal.pthread_kill(main, signal.SIGINT)

        threading.Thread(target=interrupt_soon).start()
        service.measure(100_000, clients=clients)
    assert_nothing_is_left(own_temporary_folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no way to interrupt one's own main thread like this")
def test_after_an_interrupted_measurement_the_next_one_reads_its_own_answers():
    with small_service() as service:
        look_up = service._look_up

        def look_up_interrupted(database, customer):
            service._look_up = look_up
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.1)
            return look_up(database, customer)

        service._look_up = look_up_interrupted
        with pytest.raises(KeyboardInterrupt):
            service.measure(5)
        assert len(service.measure(5)) == 5


def test_an_interrupt_while_stopping_still_removes_everything(own_temporary_folder):
    class Interrupted:
        def close(self):
            raise KeyboardInterrupt

    service = small_service().start()
    service._connections.append(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        service.stop()
    assert_nothing_is_left(own_temporary_folder)


def test_a_failed_start_leaves_nothing(own_temporary_folder, monkeypatch):
    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(OrderService, "_write_orders", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small_service().start()
    assert_nothing_is_left(own_temporary_folder)


def test_a_service_that_nobody_holds_any_more_stops(own_temporary_folder):
    service = small_service().start()
    service.measure(3)
    del service
    gc.collect()
    wait_until(lambda: not service_threads() and not list(own_temporary_folder.iterdir()))


def test_a_service_collected_in_its_own_thread_stops_too(own_temporary_folder, monkeypatch):
    monkeypatch.setattr(service_module._Server, "service_actions", lambda server: gc.collect())
    service = small_service().start()
    service.itself = service  # only the collector finds such a cycle, in the thread that happens to run it
    gc.disable()
    try:
        del service
        wait_until(lambda: not service_threads() and not list(own_temporary_folder.iterdir()))
    finally:
        gc.enable()


def run_python(code, temporary_folder, **options):
    environment = {**os.environ, "TMPDIR": str(temporary_folder), "TEMP": str(temporary_folder)}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, **options
    )


def test_nothing_is_left_when_python_ends_with_the_service_running(tmp_path):
    code = "from utils.service import OrderService; s = OrderService(500).start(); print(s.measure(1)[0] > 0)"
    with run_python(code, tmp_path) as process:
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.strip()) == (0, "True")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed_by_a_later_service_and_what_is_in_use_is_not(
    own_temporary_folder,
):
    code = (
        "from utils.service import OrderService; import time\n"
        "s = OrderService(500).start(); print(s.folder, flush=True); time.sleep(600)"
    )
    with run_python(code, own_temporary_folder) as process, small_service() as in_use:
        left = Path(process.stdout.readline().strip())
        process.kill()
        process.wait()
        assert left.is_dir()
        with small_service():
            assert left.is_dir(), "it is too young: its service might still be starting"
        for folder in (left, in_use.folder):
            os.utime(folder, (0, 0))
        with small_service():
            assert not left.exists()
            assert in_use.folder.is_dir() and in_use.measure(1)


def test_two_services_run_side_by_side():
    with small_service() as one, small_service() as other:
        assert one.url != other.url and one.folder != other.folder
        one.deploy("v2")
        assert other.version == "v1"


def test_a_service_can_be_started_again():
    service = small_service()
    for _ in range(2):
        with service:
            assert service.requests == 0 and service.measure(2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_does_not_remove_what_its_parent_uses(own_temporary_folder):
    with small_service() as service:
        child = os.fork()
        if child == 0:
            try:
                service.stop()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert service.folder.is_dir() and service.measure(2)


def test_without_loopback_one_sentence_says_so(own_temporary_folder, monkeypatch):
    monkeypatch.setattr(service_module, "LOOPBACK", "192.0.2.1")  # reserved for documentation: nobody's own
    with pytest.raises(
        ServiceError, match=r"^The service could not be reached on the loopback .*\.$"
    ) as error:
        small_service().start()
    assert "\n" not in str(error.value)
    assert_nothing_is_left(own_temporary_folder)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limit on the size of a file")
def test_with_a_full_disk_one_sentence_says_so(tmp_path):
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from utils.service import OrderService, ServiceError\n"
        "try: OrderService(20_000).start()\n"
        "except ServiceError as error: print(error)"
    )
    with run_python(code, tmp_path) as process:
        output, _ = process.communicate(timeout=60)
    assert output.startswith("The service could not write its database of about 2 MB to the temporary folder")
    assert output.count("\n") == 1 and "free some space" in output
    assert not list(tmp_path.iterdir())


def test_a_temporary_folder_that_is_not_there_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(ServiceError, match="No such file or directory.*point TMPDIR"):
        small_service().start()


def test_a_service_that_is_not_running_says_so():
    service = small_service()
    for use in (
        lambda: service.measure(1),
        lambda: service.deploy("v2"),
        lambda: service.url,
        service.explain_query_plan,
        service.roll_back,
    ):
        with pytest.raises(ServiceError, match="not running"):
            use()
    service.stop()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda service: OrderService(0), "orders must be"),
        (lambda service: OrderService("20000"), "orders must be"),
        (lambda service: OrderService(lock_ms=-1), "lock_ms must be"),
        (lambda service: service.measure(0), "n_requests must be"),
        (lambda service: service.measure(1.5), "n_requests must be"),
        (lambda service: service.measure(10, clients=0), "clients must be"),
        (lambda service: service.deploy("v9"), "version must be one of 'v1', 'v2', 'lock', not 'v9'"),
        (lambda service: service.deploy_unannounced("v9", between=(1, 2)), "version must be one of"),
        (lambda service: service.deploy_unannounced("v2", between=(5, 1)), "between must be"),
    ],
)
def test_a_wrong_argument_is_named_in_one_sentence(wrong, words):
    with small_service() as service, pytest.raises(ValueError, match=words):
        wrong(service)


def test_the_real_hour_is_one_request_every_half_second_none_left_out():
    hour = real_hour()
    assert hour.name == "latency_ms" and str(hour.index.tz) == "UTC" and hour.index.name == "time"
    assert len(hour) == 7_201 and hour.min() > 0 and hour.notna().all()
    gaps_s = hour.index.to_series().diff().dt.total_seconds()[1:]
    assert gaps_s.min() > 0 and gaps_s.median() == 0.5
    assert (hour.index[-1] - hour.index[0]).total_seconds() == pytest.approx(3_600, abs=5)
