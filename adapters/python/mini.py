"""mini: a small job service in the style of Windows BITS, for the tutorial of bgcheck's adapters.

A `Service` makes jobs. A `Job` downloads files over HTTP, and calls an object of its client back. Methods have the names and the answers of
BITS: an HRESULT, and for a getter a pair of HRESULT and value. Downloads only, one job at a time, one user, nothing on disk but the files.

The law of this file: once Cancel or Complete has returned, no callback of the job starts. `Service.wait` keeps it.
"""

import contextlib
import errno
import http.client
import itertools
import os
import re
import socket
import tempfile
import threading
import time
import urllib.parse

# The mistake that this process is to make: "late", "mask", "twice", or none. `README.md` shows how bgcheck finds each.
BUG = None

S_OK = 0
E_NOTIMPL = 0x80004001
E_NOINTERFACE = 0x80004002
E_INVALIDARG = 0x80070057
BG_S_PARTIAL_COMPLETE = 0x00200017
BG_S_UNABLE_TO_DELETE_FILES = 0x0020001A
BG_E_INVALID_STATE = 0x80200002
BG_E_EMPTY = 0x80200003
BG_E_ERROR_INFORMATION_UNAVAILABLE = 0x8020000F
BG_E_TOO_MANY_JOBS_PER_USER = 0x80200049
BG_E_TOO_MANY_FILES_IN_JOB = 0x80200051

FINAL = ("Acknowledged", "Cancelled")
MOVING = ("Queued", "Connecting", "Transferring", "TransientError")

# The bits of the notification mask.
DISABLE = 4
FLAG = {"JobTransferred": 1, "JobError": 2, "JobModification": 8, "FileTransferred": 16}
# The event that a state owes to the client.
OWED = {"Transferred": "JobTransferred", "Error": "JobError"}

CALLBACKS_AT_ONCE = 4
WAY_TO_THE_CLIENT = 0.001  # In seconds. BITS calls into another process here.
PATIENCE = 30  # In seconds: how long a server may be silent.


class File:
    """A file of a job."""

    def __init__(self, remote, local):
        self.remote, self.local = remote, local
        self.temporary = None
        self.size, self.bytes, self.version = None, 0, None
        self.whole = self.renamed = self.acknowledged = False


class Delivery:
    """A callback that has begun: the service has decided to make it."""

    def __init__(self, event, file, job):
        self.event, self.file, self.receiver, self.error = event, file, job.receiver, job.error
        self.epoch, self.stay = job.epoch, job.stay
        self.called = self.left = False


class Failure(Exception):
    """Why a transfer failed."""

    def __init__(self, hr, context, fatal):
        super().__init__(hr)
        self.hr, self.context, self.fatal = hr, context, fatal


class Stopped(Exception):
    """The job does not want this transfer any more."""


class Service:
    """Makes jobs, and has the threads and the one lock of all of them."""

    def __init__(self):
        self.jobs = []
        self.places = itertools.count()
        self.lock = threading.Lock()
        self.queue = threading.Condition(self.lock)  # The worker waits for a job to transfer.
        self.news = threading.Condition(self.lock)  # Dispatchers wait for an event to report.
        self.left = threading.Condition(self.lock)  # Calls wait for a callback to leave.
        self.here = threading.local()
        threading.Thread(target=self._work, daemon=True).start()
        for _ in range(CALLBACKS_AT_ONCE):
            threading.Thread(target=self._dispatch, daemon=True).start()

    def CreateJob(self, name, kind=0):
        with self:
            if name is None or len(name) > 256:
                return E_INVALIDARG, None
            if kind != 0:
                return E_NOTIMPL, None
            if len(self.jobs) >= 60:
                return BG_E_TOO_MANY_JOBS_PER_USER, None
            self.jobs.append(Job(self))
            return S_OK, self.jobs[-1]

    def __enter__(self):
        """A call of a client: takes the lock. A callback that calls has started, so no call waits for it any longer."""
        self.lock.acquire()
        inside = getattr(self.here, "delivery", None)
        if inside is not None and not inside.called:
            inside.called = True
            self.left.notify_all()
        return self

    def __exit__(self, *_):
        self.lock.release()

    def wait(self, delivery):
        """Waits until a callback that has begun, and that the new situation forbids, has left. Never waits for a later one."""
        while delivery is not None and not (delivery.left or delivery.called):
            self.left.wait()

    # The dispatchers: threads that call clients back.

    def _dispatch(self):
        while True:
            with self.lock:
                job, event, file = self._next_event()
                delivery = job.running = Delivery(event, file, job)
                if event == "JobModification":
                    job.modified = False
            # From here on the callback cannot be taken back. A call that forbids it has to wait for it.
            time.sleep(WAY_TO_THE_CLIENT)
            hr = self._call(job, delivery)
            with self.lock:
                job.running, delivery.left = None, True
                job.settle(delivery, hr)
                self.left.notify_all()
                self.news.notify()

    def _next_event(self):
        while True:
            now, later = time.monotonic(), None
            for job in self.jobs:
                event, file, due = job.next_event(now)
                if event is not None and due <= now:
                    return job, event, file
                if event is not None:
                    later = due - now if later is None else min(later, due - now)
            self.news.wait(later)

    def _call(self, job, delivery):
        method = getattr(delivery.receiver, delivery.event)
        more = {"FileTransferred": [delivery.file], "JobError": [delivery.error]}.get(delivery.event, [])
        self.here.delivery = delivery
        try:
            return method(job, *more)
        except Exception:  # The client's own mistake. It has not acknowledged the event.
            return None
        finally:
            self.here.delivery = None

    # The worker: the thread that transfers one job after the other.

    def _work(self):
        while True:
            with self.lock:
                job = self._next_job()
                job.attempt += 1
                attempt = job.attempt
                job.enter("Connecting")
            job.transfer(attempt)

    def _next_job(self):
        while True:
            now = time.monotonic()
            failed = [job for job in self.jobs if job.state == "TransientError"]
            for job in failed:
                if job.transfer_again_at <= now:
                    job.enter("Queued")
            queued = [job for job in self.jobs if job.state == "Queued"]
            if queued:
                return min(queued, key=lambda job: job.place)
            self.queue.wait(min((job.transfer_again_at - now for job in failed), default=None))


class Job:
    """A job. `Service.CreateJob` makes it, in the state Suspended."""

    def __init__(self, service):
        self.service = service
        self.state, self.stay, self.place = "Suspended", 0, 0
        self.files, self.error = [], None
        self.mask = self.mask_at_resume = 3
        self.receiver, self.receives, self.epoch = None, set(), 0
        self.owed = None  # JobTransferred or JobError, until it is acknowledged.
        self.modified = False  # JobModification is pending.
        self.running = None  # The callback that has begun.
        self.retry_delay = 600
        self.call_again_at = self.transfer_again_at = 0
        self.attempt, self.socket = 0, None

    # The methods of clients.

    def AddFile(self, remote, local):
        with self.service as service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            if not is_url(remote) or not is_path(local):
                return E_INVALIDARG
            if len(self.files) >= 200:
                return BG_E_TOO_MANY_FILES_IN_JOB
            self.files.append(File(remote, local))
            self._touch()
            return S_OK

    def Resume(self):
        with self.service as service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            if self.state in ("Queued", "Connecting", "Transferring"):
                return S_OK
            if all(file.whole for file in self.files):
                return BG_E_EMPTY
            forbidden = self.running
            if forbidden is not None and forbidden.event not in OWED.values():
                forbidden = None
            self.mask_at_resume = self.mask
            self.enter("Queued")
            if self._file_to_report() is None:
                self.call_again_at = 0
            service.queue.notify()
            service.wait(forbidden)
            return S_OK

    def Suspend(self):
        with self.service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            if self.state in MOVING:
                self._stop()
                self.enter("Suspended")
            return S_OK

    def Cancel(self):
        with self.service as service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            hr = self._end("Cancelled")
            if BUG != "late":
                service.wait(self.running)
            return hr

    def Complete(self):
        with self.service as service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            for file in self.files:
                if file.whole and not file.renamed:
                    try:
                        os.replace(file.temporary, file.local)
                    except OSError as error:
                        return win32(error)
                    file.renamed = True
            is_whole = self.files and all(file.renamed for file in self.files)
            hr = self._end("Acknowledged")
            service.wait(self.running)
            return hr if is_whole else BG_S_PARTIAL_COMPLETE

    def SetNotifyFlags(self, flags):
        with self.service as service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            if flags & ~0x3F:
                return E_NOTIMPL
            self.mask = flags
            if BUG == "twice":  # What was masked until now, the client may want now.
                self.owed = OWED.get(self.state)
            self._drop_modification()
            service.news.notify()
            if self.running is not None and not self._is_enabled(self.running.event):
                service.wait(self.running)
            return S_OK

    def GetNotifyFlags(self):
        with self.service:
            return S_OK, self.mask

    def SetNotifyInterface(self, receiver):
        """`receiver` has JobTransferred(job), JobError(job, error) and JobModification(job). It may have FileTransferred(job, file)."""
        receives = {event for event in FLAG if hasattr(receiver, event)}
        with self.service as service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            if receiver is not None and not receives >= {"JobTransferred", "JobError", "JobModification"}:
                return E_NOINTERFACE
            self.receiver, self.receives = receiver, receives
            # A new registration gets what the state owes, also when an older one has acknowledged it.
            self.epoch, self.owed, self.call_again_at = self.epoch + 1, OWED.get(self.state), 0
            self._drop_modification()
            service.news.notify()
            service.wait(self.running)
            return S_OK

    def GetNotifyInterface(self):
        with self.service:
            return S_OK, self.receiver

    def SetMinimumRetryDelay(self, seconds):
        with self.service:
            if self.state in FINAL:
                return BG_E_INVALID_STATE
            self.retry_delay = max(5, seconds)
            self._touch()
            return S_OK

    def GetMinimumRetryDelay(self):
        with self.service:
            return S_OK, self.retry_delay

    def GetState(self):
        with self.service:
            return S_OK, self.state

    def GetError(self):
        with self.service:
            return (BG_E_ERROR_INFORMATION_UNAVAILABLE, None) if self.error is None else (S_OK, self.error)

    def GetProgress(self):
        with self.service:
            sizes = [file.size for file in self.files]
            return S_OK, {
                "bytes_total": None if None in sizes else sum(sizes),
                "bytes_transferred": sum(file.bytes for file in self.files),
                "files_total": len(self.files),
                "files_transferred": sum(file.whole for file in self.files),
            }

    # States. All of it runs under the lock.

    def enter(self, state):
        self.state, self.stay, self.owed = state, self.stay + 1, OWED.get(state)
        if state == "Queued":
            self.place = next(self.service.places)
        if state == "Transferring" or state in FINAL:
            self.error = None
        if state in OWED or state in FINAL:
            self.service.news.notify()
        else:
            self._touch()

    def _stop(self):
        """Ends the transfer, if there is one: what it still reports has an old number."""
        self.attempt += 1
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)

    def _end(self, state):
        self._stop()
        self.enter(state)
        self.service.jobs.remove(self)
        hr = S_OK
        for file in self.files:
            if file.temporary is not None and not file.renamed:
                try:
                    os.unlink(file.temporary)
                except FileNotFoundError:
                    pass
                except OSError:
                    hr = BG_S_UNABLE_TO_DELETE_FILES
        return hr

    # Events. All of it runs under the lock.

    def next_event(self, now):
        """The next callback of this job, its file, and when it is due."""
        if self.running is not None or self.state in FINAL:
            return None, None, None
        file, event = self._file_to_report(), None
        if file is not None:
            event = "FileTransferred"
        elif self.owed is not None and self._is_enabled(self.owed):
            event = self.owed
        if self.modified and (event is None or self.call_again_at > now):
            return "JobModification", None, now
        return event, file, self.call_again_at

    def settle(self, delivery, hr):
        """A callback has left. What it did not acknowledge is repeated after the retry delay."""
        if delivery.event == "JobModification":
            return
        is_current = delivery.epoch == self.epoch and (delivery.file is not None or delivery.stay == self.stay)
        if delivery.file is not None and isinstance(hr, int) and hr < 0x80000000:
            self.files[delivery.file].acknowledged = True
        elif is_current and hr == S_OK:
            self.owed = None
        elif is_current:
            self.call_again_at = time.monotonic() + self.retry_delay

    def _is_enabled(self, event):
        mask = self.mask_at_resume if BUG == "mask" else self.mask
        return event in self.receives and mask & FLAG[event] != 0 and mask & DISABLE == 0

    def _file_to_report(self):
        if not self._is_enabled("FileTransferred"):
            return None
        return next((number for number, file in enumerate(self.files) if file.whole and not file.acknowledged), None)

    def _touch(self):
        """Something has changed."""
        if self._is_enabled("JobModification"):
            self.modified = True
            self.service.news.notify()

    def _drop_modification(self):
        self.modified = self.modified and self._is_enabled("JobModification")

    # The transfer. It runs on the worker, without the lock.

    def transfer(self, attempt):
        number = 0
        try:
            while True:
                with self._wanted(attempt):
                    number = next(number for number, file in enumerate(self.files) if not file.whole)
                file = self.files[number]
                if file.temporary is None or file.bytes != file.size:
                    self._fetch(file, attempt)
                self._finish(file, attempt)
        except Stopped:
            pass
        except Failure as failure:
            with self.service.lock:
                if attempt == self.attempt:
                    self.error = {"hr": failure.hr, "context": failure.context, "file": number}
                    self.transfer_again_at = time.monotonic() + self.retry_delay
                    self.enter("Error" if failure.fatal else "TransientError")

    def _fetch(self, file, attempt):
        url = urllib.parse.urlsplit(file.remote)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        with contextlib.closing(kind(url.hostname, url.port, timeout=PATIENCE)) as connection, on_the_network():
            connection.connect()
            with self._wanted(attempt):
                self.socket = connection.sock
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            # Only a part of this very version may be added to what is here.
            rest = {"Range": f"bytes={file.bytes}-", "If-Range": file.version} if file.bytes and file.version else {}
            connection.request("GET", target, headers=rest)
            with contextlib.closing(connection.getresponse()) as response:
                self._receive(file, attempt, response)

    def _receive(self, file, attempt, response):
        start, length, total = content_range(response)
        is_rest = response.status == 206 and start == file.bytes and response.headers.get("ETag") == file.version
        is_rest = is_rest and response.length in (None, length)
        if response.status == 206 and not is_rest:
            file.version = None  # It is a part of another file, or another part: the next attempt begins anew.
        if response.status != 200 and not is_rest:
            raise status(response.status)
        with self._wanted(attempt), on_disk():
            if self.state == "Connecting":
                self.enter("Transferring")
            if not is_rest:
                file.bytes, file.version = 0, response.headers.get("ETag")
            # A part may end before the file does.
            file.size = total if is_rest else response.length
            if file.temporary is None:
                handle, file.temporary = tempfile.mkstemp(".tmp", "BIT", os.path.dirname(file.local))
                os.close(handle)
            out = open(file.temporary, "r+b", buffering=0)
        with out:
            with on_disk():
                out.truncate(file.bytes)
                out.seek(file.bytes)
            while chunk := response.read1(1 << 16):
                with on_disk():
                    out.write(chunk)
                with self._wanted(attempt):
                    file.bytes += len(chunk)
                    self._touch()
        if file.size is not None and file.bytes < file.size:
            raise ConnectionAbortedError

    def _finish(self, file, attempt):
        with self._wanted(attempt):
            if self.state == "Connecting":
                self.enter("Transferring")
            file.size, file.whole = file.bytes, True
            if all(file.whole for file in self.files):
                self.attempt += 1
                self.enter("Transferred")
            self.service.news.notify()

    @contextlib.contextmanager
    def _wanted(self, attempt):
        """Takes the lock, when this is still the transfer that the job wants."""
        with self.service.lock:
            if attempt != self.attempt:
                raise Stopped
            yield


# Names and errors.


def is_url(text):
    try:
        url = urllib.parse.urlsplit(text)
        port_is_good = url.port is None or url.port > 0
    except ValueError:
        return False
    is_plain = len(text) <= 2200 and not any(character.isspace() or ord(character) < 32 for character in text)
    is_short = all(len(segment) <= 260 for segment in url.path.split("/"))
    return is_plain and is_short and port_is_good and url.scheme in ("http", "https") and bool(url.hostname) and "@" not in url.netloc


def content_range(response):
    """Where the part starts that comes, how long it is, and how long the whole file is; None for what is not said."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
    return (int(match[1]), int(match[2]) + 1 - int(match[1]), int(match[3])) if match else (None, None, None)


def is_path(text):
    is_file = bool(text) and os.path.basename(text) not in ("", ".", "..") and "\0" not in text
    return is_file and len(text) <= 260 and os.path.isabs(text) and ".." not in text.split(os.sep)


def win32(error):
    """The code of Windows for an error of the file system."""
    codes = {errno.ENOENT: 3, errno.ENOTDIR: 3, errno.EACCES: 5, errno.EPERM: 5, errno.EISDIR: 5, errno.ENOSPC: 112}
    return 0x80070000 | codes.get(error.errno, 31)


def status(code):
    """The failure that an HTTP status means. Redirects are not followed."""
    is_fatal = 400 <= code < 500 and code not in (408, 409) or code in (300, 301, 302, 303, 304, 305, 307, 501, 505)
    return Failure(0x80190000 | code, "RemoteFile", is_fatal)


@contextlib.contextmanager
def on_disk():
    try:
        yield
    except OSError as error:
        raise Failure(win32(error), "LocalFile", fatal=True) from error


@contextlib.contextmanager
def on_the_network():
    """What is wrong with the network may go away. The codes are those of Windows' HTTP stack."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        codes = {TimeoutError: 12002, socket.gaierror: 12007, ConnectionRefusedError: 12029, ConnectionError: 12030}
        code = next((code for kind, code in codes.items() if isinstance(error, kind)), 12152)
        raise Failure(0x80070000 | code, "GeneralTransport", fatal=False) from error
