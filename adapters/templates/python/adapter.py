"""An adapter: by it, bgcheck uses an implementation of background-copy jobs (protocol bgcheck-adapter/1).

Part 1 is yours: it has a function for each method. Part 2 is the protocol.
"""

import collections
import itertools
import json
import os
import queue
import sys
import threading
import time
import traceback

# ---------------------------------------------------------------------------------------------------------------------------
# Part 1: the implementation.
# ---------------------------------------------------------------------------------------------------------------------------

METHODS = {}


def method(function):
    """A method that is written. bgcheck gets its name in `hello`, and calls it."""
    METHODS[function.__name__] = function
    return function


def todo(function):
    """A method that is not written yet. bgcheck does not call it. Change `@todo` to `@method` once it is written."""
    return function


# TODO: the name and the version of your implementation, and the events that it calls a client back for. The events of the
# documents are JobTransferred, JobError, JobModification and FileTransferred.
HELLO = {"name": "todo", "version": "0", "events": []}

# TODO: start your implementation here.

# Each function makes one call. `job` is what your CreateJob gave back. `args` has the arguments by name, as in a trace. The
# function returns an HRESULT as a number, and what a getter gave back, or None. The protocol's page lists the keys. For a method
# that is not here, add a function of its name.


@todo
def CreateJob(_, args):
    """`args` has `name`, a text or None, and `kind`: 0 is a download. Returns an HRESULT, and the job in any form, or None."""
    return 0x80004001, None


@todo
def AddFile(job, args):
    """`args["file"]` has `remote`, a URL, and `local`, a path."""
    return 0x80004001, None


@todo
def Resume(job, args):
    return 0x80004001, None


@todo
def Suspend(job, args):
    return 0x80004001, None


@todo
def Cancel(job, args):
    return 0x80004001, None


@todo
def Complete(job, args):
    return 0x80004001, None


@todo
def GetState(job, args):
    """Gives back `{"state": "Suspended"}`."""
    return 0x80004001, None


@todo
def SetNotifyInterface(job, args):
    """`args["receiver"]` is None, or a `Client` of part 2.

    Make an object of your implementation that has just the interfaces in `client.interfaces`. Its methods report what happens,
    and return what they are given: `return client.callback("JobError", job, error=hr)`. The file of FileTransferred is its
    number. `callback` raises `Threw` where the client's method is to throw. Let it pass.
    """
    return 0x80004001, None


@todo
def SetNotifyFlags(job, args):
    """`args["flags"]` is a number."""
    return 0x80004001, None


@todo
def GetNotifyFlags(job, args):
    """Gives back `{"flags": 3}`."""
    return 0x80004001, None


@todo
def GetError(job, args):
    """Gives back `{"error": {"hr": code(hr), "context": "RemoteFile", "file": 0}}`."""
    return 0x80004001, None


@todo
def GetProgress(job, args):
    """Gives back `{"progress": {...}}` with `bytes_total`, `bytes_transferred`, `files_total` and `files_transferred`."""
    return 0x80004001, None


def end(job):
    """TODO: ends a job, whatever its state is. Mostly it is a Cancel."""


# ---------------------------------------------------------------------------------------------------------------------------
# Part 2: the protocol. Nothing here is about one implementation, and nothing has to be changed.
# ---------------------------------------------------------------------------------------------------------------------------

# The names that bgcheck uses for what a callback is to return.
HRESULTS = {
    "S_OK": 0, "S_FALSE": 1, "E_NOTIMPL": 0x80004001, "E_POINTER": 0x80004003, "E_ABORT": 0x80004004, "E_FAIL": 0x80004005,
    "E_UNEXPECTED": 0x8000FFFF, "E_ACCESSDENIED": 0x80070005, "E_OUTOFMEMORY": 0x8007000E, "E_INVALIDARG": 0x80070057,
    "RPC_E_DISCONNECTED": 0x80010108, "RPC_S_SERVER_UNAVAILABLE": 0x800706BA, "RPC_S_CALL_FAILED": 0x800706BE,
}

Q = itertools.count()  # Taken at the moment of an event. `next` is atomic.
ENTERS = itertools.count()
OWN_CALLS = itertools.count(-1, -1)

LOCK = threading.Lock()  # Guards the tables below.
JOBS = {}  # bgcheck's number of a job: `Job`.
NUMBERS = {}  # The implementation's job: bgcheck's number.
ORDERS = collections.defaultdict(collections.deque)  # An event: how its next callbacks end.
HELD = {}  # The number of an `enter`: what its callback waits for.
THREADS = {}  # A number, or a name: `Thread`.

OUTPUT = threading.Lock()
KEPT = None  # During a race: the lines, which are written at its end.


class Job:
    """What is known of a job: the implementation's object, and when its first callback entered."""

    def __init__(self, handle):
        self.handle, self.entered, self.first_enter = handle, threading.Event(), None


class Thread:
    """A thread of the adapter. It does what it is given, in order."""

    def __init__(self):
        self.work = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            function, number, arguments = self.work.get()
            try:
                function(number, *arguments)
            except Exception as error:
                errored(number, error)


class Threw(Exception):
    """The client's method throws, as it was ordered to."""


class Client:
    """A client object: reports its callbacks, and does in them what was ordered."""

    def __init__(self, job, receiver):
        self.job, self.id = job, receiver["id"]
        self.interfaces = [word.strip() for word in receiver["interfaces"].split("|")]

    def callback(self, event, job, file=None, error=None):
        """The client's method: `job`, `file` and `error` (an HRESULT) are what it was given. Returns an HRESULT, or raises `Threw`."""
        with LOCK:
            q, number = next(Q), next(ENTERS)
            orders = ORDERS[event]
            order = next((order for order in orders if order.get("job", self.job) == self.job), {})
            if order:
                orders.remove(order)
            gate = HELD[number] = threading.Event()
            known = JOBS.get(self.job)
        if known is not None and known.first_enter is None:
            known.first_enter = time.perf_counter()
            known.entered.set()
        enter = {"q": q, "enter": number, "job": self.job, "event": event, "receiver": self.id}
        given = {"receiver": self.id, "job": NUMBERS.get(job)}
        if file is not None:
            enter["file"] = given["file"] = file
        if error is not None:
            given["error"] = code(error)
        write({**enter, "given": given})
        for planned in order.get("calls", []):
            call(next(OWN_CALLS), {"job": self.job, **planned}, inside=number)
        if order.get("hold"):
            gate.wait()
        with LOCK:
            del HELD[number]
        if order.get("throw"):
            write({"q": next(Q), "leave": number, "threw": True})
            raise Threw
        hr = hresult(order.get("hr", "S_OK"))
        write({"q": next(Q), "leave": number, "hr": code(hr)})
        return hr


def code(hr):
    return f"0x{hr & 0xFFFFFFFF:08X}"


def hresult(text):
    return HRESULTS[text] if text in HRESULTS else int(text, 16)


ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def write(*lines):
    with OUTPUT:
        if KEPT is not None:
            KEPT.extend(lines)
        else:
            emit(lines)


def emit(lines):
    sys.stdout.buffer.write("".join(ENCODE(line) + "\n" for line in lines).encode())
    sys.stdout.buffer.flush()


def errored(number, error):
    write({"errored": number, "message": repr(error), "traceback": "".join(traceback.format_exception(error))})


def on_thread(name, function, number, *arguments):
    with LOCK:
        if name not in THREADS:
            THREADS[name] = Thread()
    THREADS[name].work.put((function, number, arguments))


def call(number, command, **own):
    """Makes a call. `own` is there when the adapter makes it by itself: from inside of a callback, or in a race."""
    name, job, arguments = command["call"], command.get("job"), command.get("args") or {}
    function, known = METHODS.get(name), JOBS.get(job)
    if function is None:
        return write({"q": next(Q), "end": number, "unimplemented": f"this adapter has no {name}"})
    if known is None and name != "CreateJob":
        # A call of the adapter's own may come behind a `reset`, or behind a CreateJob that failed. Then it is not made.
        return None if own else write({"errored": number, "message": f"{name}: there is no job {job}"})
    if arguments.get("receiver"):
        arguments = {**arguments, "receiver": Client(job, arguments["receiver"])}
    repeated = {key: command[key] for key in ("call", "job", "args") if command.get(key) is not None} if own else {}
    write({"q": next(Q), "start": number, **own, **repeated})
    try:
        hr, out = function(known and known.handle, arguments)
    except Exception as error:
        return errored(number, error)
    q = next(Q)
    if name == "CreateJob":
        if out is not None:
            with LOCK:
                JOBS[job], NUMBERS[out] = Job(out), job
        out = None
    write({"q": q, "end": number, "hr": code(hr), **({} if out is None else {"out": out})})


def poll(number, job):
    known = JOBS.get(job)
    if "GetState" not in METHODS:
        return write({"q": next(Q), "end": number, "unimplemented": "this adapter has no GetState"})
    # A poll has one moment, its `q`. So the state is read again when an event came between the reading and that moment.
    for _ in range(100):
        before = next(Q)
        out = None if known is None else METHODS["GetState"](known.handle, {})[1]
        q = next(Q)
        if q == before + 1:
            break
    write({"q": q, "end": number, **({} if out is None else {"out": out})})


def order(number, orders):
    with LOCK:
        for each in orders:
            hresult(each.get("hr", "S_OK"))  # Raises here where it is not known.
        ORDERS.clear()
        for each in orders:
            ORDERS[each["event"]].append(each)
    write({"q": next(Q), "end": number})


def release(number, enter):
    with LOCK:
        if enter in HELD:
            HELD[enter].set()
    write({"q": next(Q), "end": number})


def race(number, settle_ms, runs):
    """Runs on thread 0."""
    global KEPT
    KEPT = []
    try:
        for at, run in enumerate(runs):
            one_run(at, run, settle_ms / 1e3)
    finally:
        with OUTPUT:
            kept, KEPT = KEPT, None
            emit(kept)
    write({"q": next(Q), "end": number})


def one_run(at, run, settle):
    def make(planned, thread):
        call(next(OWN_CALLS), {"job": run["job"], **planned}, run=at, thread=thread)

    def make_racer(_):
        time.sleep(max(0, until - time.perf_counter()))
        if run.get("racer"):
            make(run["racer"], 1)
        done.set()

    for planned in run["before"]:
        make(planned, 0)
    since, known, done = time.perf_counter(), JOBS.get(run["job"]), threading.Event()
    if run["trigger"] == "at_enter" and known is not None:
        since = known.first_enter if known.entered.wait(1) else time.perf_counter()
    until = since + run["delay_us"] / 1e6
    on_thread(1, make_racer, None)
    done.wait()
    time.sleep(settle)
    for planned in run.get("after", []):
        make(planned, 0)


def reset(number):
    left = end_all()
    write({"q": next(Q), "end": number, "left": left})


def end_all(patience=1.0):
    """Forgets all orders, releases all callbacks, and ends all jobs. Returns those that could not be ended in time."""
    with LOCK:
        ORDERS.clear()
        jobs = dict(JOBS)
        for gate in HELD.values():
            gate.set()
    ended = {number: threading.Event() for number in jobs}

    def end_one(number):
        end(jobs[number].handle)
        ended[number].set()

    for number in jobs:
        threading.Thread(target=end_one, args=[number], daemon=True).start()
    until = time.monotonic() + patience
    left = [number for number in jobs if not ended[number].wait(max(0, until - time.monotonic()))]
    with LOCK:
        for number, job in jobs.items():
            del JOBS[number], NUMBERS[job.handle]
    return left


def finish_calls(patience=0.5):
    """Waits a while until the calls that were ordered have returned."""
    until, returned = time.monotonic() + patience, []
    for name in list(THREADS):
        returned.append(threading.Event())
        on_thread(name, lambda _, event: event.set(), None, returned[-1])
    for event in returned:
        event.wait(max(0, until - time.monotonic()))


def obey(command):
    number = command.get("id")
    if "hello" in command:
        can = ["race", "nested", "hold", "throw", "given"]
        write({"hello": 1, "q": next(Q), **HELLO, "language": "python", "methods": list(METHODS), "can": can})
    elif "call" in command:
        on_thread(command["thread"], call, number, command)
    elif "poll" in command:
        on_thread("poll", poll, number, command["poll"])
    elif "leaves" in command:
        order(number, command["leaves"])
    elif "release" in command:
        release(number, command["release"])
    elif "race" in command:
        on_thread(0, race, number, command["race"]["settle_ms"], command["race"]["runs"])
    elif "reset" in command:
        on_thread("reset", reset, number)
    else:
        write({"q": next(Q), "end": number, "unimplemented": f"this adapter does not know {sorted(set(command) - {'id'})}"})


def main():
    sys.setswitchinterval(0.0005)  # Threads take turns often, so that races come out.
    for line in sys.stdin.buffer:
        command = json.loads(line)
        try:
            obey(command)
        except Exception as error:
            errored(command.get("id", 0), error)
    finish_calls()
    end_all()
    with OUTPUT:
        os._exit(0)  # Without a wait for threads that still run.


if __name__ == "__main__":
    main()
