// An adapter: by it, bgcheck uses an implementation of background-copy jobs (protocol bgcheck-adapter/1).
//
// First come the words that both parts use. Part 1 is yours: it has a function for each method. Part 2 is the protocol.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// ---------------------------------------------------------------------------------------------------------------------------
// The words.
// ---------------------------------------------------------------------------------------------------------------------------

// A JSON value. args["name"] is the field of that name, or null when there is none.
struct Json {
    enum Kind { NUL, BOOL, NUMBER, STRING, ARRAY, OBJECT };
    Kind kind = NUL;
    double number = 0;
    std::string text;                                  // of a STRING, in UTF-8
    std::vector<Json> items;                           // of an ARRAY
    std::vector<std::pair<std::string, Json>> fields;  // of an OBJECT

    static Json parse(const std::string &source);
    static std::string quote(const std::string &text);  // a text as JSON
    const Json &operator[](const char *name) const;
    bool has(const char *name) const;
    bool is_null() const { return kind == NUL; }
    bool truth() const { return kind == BOOL && number != 0; }
    long long integer(long long otherwise = 0) const { return kind == NUMBER ? (long long)number : otherwise; }
    std::string dump() const;
};

// A job under bgcheck's number.
struct Job {
    long long number = -1;
    std::atomic<void *> yours{nullptr};  // what your CreateJob has made
    bool entered = false;
    std::chrono::steady_clock::time_point first_enter;
};

// What a client's method got. Hand it on unchanged: bgcheck compares it with the registration.
struct Given {
    void *job = nullptr;  // the job, as your CreateJob made it
    long long file = -1;  // the number of the file, or -1
    bool has_error = false;
    uint32_t error = 0;  // the code of the error object
};

// A client object. Your callbacks call it, and return what it returns.
struct Client {
    Job &job;
    long long receiver;
    std::string interfaces;  // such as "CALLBACK | CALLBACK2": it receives no other events

    uint32_t JobTransferred(const Given &given) { return callback("JobTransferred", given); }
    uint32_t JobError(const Given &given) { return callback("JobError", given); }
    uint32_t JobModification(const Given &given) { return callback("JobModification", given); }
    uint32_t FileTransferred(const Given &given) { return callback("FileTransferred", given); }
    uint32_t callback(const char *event, const Given &given);
};

// What became of a call: the HRESULT, and as JSON what a getter gave back.
struct Answer {
    uint32_t hr = 0;
    std::string out;
    std::string unimplemented;  // the reason why the call was not made, or empty
};

static inline Answer answer(uint32_t hr, const std::string &out = "") { return {hr, out, ""}; }
static inline Answer todo() { return {0, "", "this method is not written yet"}; }

// ---------------------------------------------------------------------------------------------------------------------------
// Part 1: the implementation.
// ---------------------------------------------------------------------------------------------------------------------------

// TODO: the name and the version of your implementation, and the events that it calls clients back for. The events of the documents
// are JobTransferred, JobError, JobModification and FileTransferred.
static const char *const NAME = "todo";
static const char *const VERSION = "0";
static const std::vector<std::string> EVENTS = {};

// What the adapter can do beside calls. Take "given" out where your callbacks do not hand on what they got.
static const std::vector<std::string> CAN = {"race", "nested", "hold", "given"};

// Starts your implementation. `root` is an empty directory for destinations, `dialect` is "bits" or "do".
static void begin(const std::string & /* root */, const std::string & /* dialect */) {
    // TODO
}

// Ends a job, whatever its state is. Returns false when that is not possible.
static bool end(Job &) {
    return true;  // TODO
}

// Each function makes one call. Fill in what you need, for example
//     static Answer GetState(Job &job, const Json &) { return answer(0, "{\"state\":\"" + my_state(job.yours) + "\"}"); }
// and change `false` to `true` in the table behind them. "Out" is what a getter gives back. Where you leave it out, it is not compared.

// `name` is a text or null, `kind` 0 is a download. Set job.yours to what you made.
static Answer CreateJob(Job &, const Json &) { return todo(); }
// Out: {"job":3}.
static Answer GetJob(Job &, const Json &) { return todo(); }
// `whose` is "mine" or "all". Out: {"jobs":[0,1]}.
static Answer EnumJobs(Job &, const Json &) { return todo(); }
// `hr`, `language`. Out: {"text":"..."}.
static Answer GetErrorDescription(Job &, const Json &) { return todo(); }
static Answer Suspend(Job &, const Json &) { return todo(); }
static Answer Resume(Job &, const Json &) { return todo(); }
static Answer Cancel(Job &, const Json &) { return todo(); }
static Answer Complete(Job &, const Json &) { return todo(); }
// `file` has `remote`, a URL, and `local`, a path.
static Answer AddFile(Job &, const Json &) { return todo(); }
// `files` is an array of such objects.
static Answer AddFileSet(Job &, const Json &) { return todo(); }
// Out: {"files":[0,1]}.
static Answer EnumFiles(Job &, const Json &) { return todo(); }
// Out: {"job":3}.
static Answer GetId(Job &, const Json &) { return todo(); }
// Out: {"count":0}.
static Answer GetType(Job &, const Json &) { return todo(); }
// Out: {"progress":{"bytes_total":null,"bytes_transferred":0,"files_total":1,"files_transferred":0}}.
static Answer GetProgress(Job &, const Json &) { return todo(); }
// Out: {"times":{"creation":0,"modification":5,"transfer_completion":null}}.
static Answer GetTimes(Job &, const Json &) { return todo(); }
// Out: {"state":"Suspended"}.
static Answer GetState(Job &, const Json &) { return todo(); }
// Out: {"error":{"hr":"0x80190194","context":"RemoteFile","file":0}}.
static Answer GetError(Job &, const Json &) { return todo(); }
static Answer GetOwner(Job &, const Json &) { return todo(); }
// `name` is a text or null.
static Answer SetDisplayName(Job &, const Json &) { return todo(); }
// Out: {"text":"a name"}.
static Answer GetDisplayName(Job &, const Json &) { return todo(); }
// `description` is a text or null.
static Answer SetDescription(Job &, const Json &) { return todo(); }
// Out: {"text":"..."}.
static Answer GetDescription(Job &, const Json &) { return todo(); }
// `priority` is a number.
static Answer SetPriority(Job &, const Json &) { return todo(); }
// Out: {"priority":"Normal"}.
static Answer GetPriority(Job &, const Json &) { return todo(); }
// `flags` is a number.
static Answer SetNotifyFlags(Job &, const Json &) { return todo(); }
// Out: {"flags":3}.
static Answer GetNotifyFlags(Job &, const Json &) { return todo(); }
// `client` is the object to register, or null. Its method callback() is what your callbacks call.
static Answer SetNotifyInterface(Job &, const Json &, Client *) { return todo(); }
// Out: {"receiver":0}.
static Answer GetNotifyInterface(Job &, const Json &) { return todo(); }
// `seconds`.
static Answer SetMinimumRetryDelay(Job &, const Json &) { return todo(); }
// Out: {"delay":600000}, in milliseconds.
static Answer GetMinimumRetryDelay(Job &, const Json &) { return todo(); }
// `seconds`.
static Answer SetNoProgressTimeout(Job &, const Json &) { return todo(); }
// Out: {"delay":1209600000}, in milliseconds.
static Answer GetNoProgressTimeout(Job &, const Json &) { return todo(); }
// Out: {"count":0}.
static Answer GetErrorCount(Job &, const Json &) { return todo(); }
// `program` and `parameters` are texts or null.
static Answer SetNotifyCmdLine(Job &, const Json &) { return todo(); }
// Out: {"command_line":null}.
static Answer GetNotifyCmdLine(Job &, const Json &) { return todo(); }
// `file` is the number of the file. Out: {"text":"http://..."}.
static Answer FileGetRemoteName(Job &, const Json &) { return todo(); }
// `file`. Out: {"text":"..."}.
static Answer FileGetLocalName(Job &, const Json &) { return todo(); }
// `file`. Out: {"file_progress":{"bytes_total":null,"bytes_transferred":0,"completed":"no"}}.
static Answer FileGetProgress(Job &, const Json &) { return todo(); }
// `file`.
static Answer FileGetFileRanges(Job &, const Json &) { return todo(); }
// `file`, `remote`.
static Answer FileSetRemoteName(Job &, const Json &) { return todo(); }
// Out: as GetError.
static Answer ErrorGetError(Job &, const Json &) { return todo(); }
// Out: {"file":0}.
static Answer ErrorGetFile(Job &, const Json &) { return todo(); }
// `language`. Out: {"text":"..."}.
static Answer ErrorGetErrorDescription(Job &, const Json &) { return todo(); }
// `language`. Out: {"text":"..."}.
static Answer ErrorGetErrorContextDescription(Job &, const Json &) { return todo(); }
// Out: {"text":"http"}.
static Answer ErrorGetProtocol(Job &, const Json &) { return todo(); }
// `skip`, `celt`, and `fetched`: "wanted" or "null". Out: {"files":[0]}.
static Answer EnumFilesNext(Job &, const Json &) { return todo(); }
// `celt`.
static Answer EnumFilesSkip(Job &, const Json &) { return todo(); }
static Answer EnumFilesReset(Job &, const Json &) { return todo(); }
// Out: {"count":1}.
static Answer EnumFilesGetCount(Job &, const Json &) { return todo(); }
static Answer EnumFilesClone(Job &, const Json &) { return todo(); }
// `skip`, `celt`, `fetched`.
static Answer EnumJobsNext(Job &, const Json &) { return todo(); }
// `celt`.
static Answer EnumJobsSkip(Job &, const Json &) { return todo(); }
static Answer EnumJobsReset(Job &, const Json &) { return todo(); }
// Out: {"count":1}.
static Answer EnumJobsGetCount(Job &, const Json &) { return todo(); }
static Answer EnumJobsClone(Job &, const Json &) { return todo(); }

// Which methods are written. bgcheck calls no others.
struct Method {
    const char *name;
    Answer (*call)(Job &, const Json &);
    bool written;
};

static const Method METHODS[] = {
    {"CreateJob", CreateJob, false},
    {"GetJob", GetJob, false},
    {"EnumJobs", EnumJobs, false},
    {"GetErrorDescription", GetErrorDescription, false},
    {"Suspend", Suspend, false},
    {"Resume", Resume, false},
    {"Cancel", Cancel, false},
    {"Complete", Complete, false},
    {"AddFile", AddFile, false},
    {"AddFileSet", AddFileSet, false},
    {"EnumFiles", EnumFiles, false},
    {"GetId", GetId, false},
    {"GetType", GetType, false},
    {"GetProgress", GetProgress, false},
    {"GetTimes", GetTimes, false},
    {"GetState", GetState, false},
    {"GetError", GetError, false},
    {"GetOwner", GetOwner, false},
    {"SetDisplayName", SetDisplayName, false},
    {"GetDisplayName", GetDisplayName, false},
    {"SetDescription", SetDescription, false},
    {"GetDescription", GetDescription, false},
    {"SetPriority", SetPriority, false},
    {"GetPriority", GetPriority, false},
    {"SetNotifyFlags", SetNotifyFlags, false},
    {"GetNotifyFlags", GetNotifyFlags, false},
    {"SetNotifyInterface", nullptr, false},  // it has an argument more, so part 2 calls it by name
    {"GetNotifyInterface", GetNotifyInterface, false},
    {"SetMinimumRetryDelay", SetMinimumRetryDelay, false},
    {"GetMinimumRetryDelay", GetMinimumRetryDelay, false},
    {"SetNoProgressTimeout", SetNoProgressTimeout, false},
    {"GetNoProgressTimeout", GetNoProgressTimeout, false},
    {"GetErrorCount", GetErrorCount, false},
    {"SetNotifyCmdLine", SetNotifyCmdLine, false},
    {"GetNotifyCmdLine", GetNotifyCmdLine, false},
    {"FileGetRemoteName", FileGetRemoteName, false},
    {"FileGetLocalName", FileGetLocalName, false},
    {"FileGetProgress", FileGetProgress, false},
    {"FileGetFileRanges", FileGetFileRanges, false},
    {"FileSetRemoteName", FileSetRemoteName, false},
    {"ErrorGetError", ErrorGetError, false},
    {"ErrorGetFile", ErrorGetFile, false},
    {"ErrorGetErrorDescription", ErrorGetErrorDescription, false},
    {"ErrorGetErrorContextDescription", ErrorGetErrorContextDescription, false},
    {"ErrorGetProtocol", ErrorGetProtocol, false},
    {"EnumFilesNext", EnumFilesNext, false},
    {"EnumFilesSkip", EnumFilesSkip, false},
    {"EnumFilesReset", EnumFilesReset, false},
    {"EnumFilesGetCount", EnumFilesGetCount, false},
    {"EnumFilesClone", EnumFilesClone, false},
    {"EnumJobsNext", EnumJobsNext, false},
    {"EnumJobsSkip", EnumJobsSkip, false},
    {"EnumJobsReset", EnumJobsReset, false},
    {"EnumJobsGetCount", EnumJobsGetCount, false},
    {"EnumJobsClone", EnumJobsClone, false},
};

// ---------------------------------------------------------------------------------------------------------------------------
// Part 2: the protocol. It needs no change.
// ---------------------------------------------------------------------------------------------------------------------------

using Clock = std::chrono::steady_clock;
using Task = std::function<void()>;

// Codes by their names; other codes come as numbers.
static const struct {
    const char *name;
    uint32_t code;
} CODES[] = {
    {"S_OK", 0x00000000}, {"S_FALSE", 0x00000001}, {"E_NOTIMPL", 0x80004001}, {"E_NOINTERFACE", 0x80004002}, {"E_POINTER", 0x80004003},
    {"E_ABORT", 0x80004004}, {"E_FAIL", 0x80004005}, {"E_UNEXPECTED", 0x8000FFFF}, {"E_PENDING", 0x8000000A},
    {"E_ACCESSDENIED", 0x80070005}, {"E_OUTOFMEMORY", 0x8007000E}, {"E_INVALIDARG", 0x80070057}, {"ERROR_NOT_FOUND", 0x80070490},
    {"ERROR_SERVICE_DISABLED", 0x80070422}, {"REGDB_E_CLASSNOTREG", 0x80040154}, {"ERROR_RESOURCE_LANG_NOT_FOUND", 0x80070717},
    {"RPC_S_SERVER_UNAVAILABLE", 0x800706BA}, {"RPC_S_CALL_FAILED", 0x800706BE}, {"RPC_X_NULL_REF_POINTER", 0x800706F4},
    {"RPC_E_DISCONNECTED", 0x80010108}, {"RPC_E_SERVERFAULT", 0x80010105}, {"RPC_E_CALL_REJECTED", 0x80010001},
    {"RPC_E_CANTCALLOUT_ININPUTSYNCCALL", 0x8001010D}, {"CO_E_OBJNOTCONNECTED", 0x800401FD}, {"ERROR_NOT_LOGGED_ON", 0x800704DD},
    {"INET_E_INVALID_URL", 0x800C0002}, {"DO_E_NO_SERVICE", 0x80D01001}, {"DO_E_DOWNLOAD_NO_PROGRESS", 0x80D02002},
    {"DO_E_JOB_NOT_FOUND", 0x80D02003}, {"DO_E_JOB_EMPTY", 0x80D02004}, {"DO_E_NO_DOWNLOADS", 0x80D02005},
    {"DO_E_LOCALPATH_NOT_SET", 0x80D0200D}, {"DO_E_FILE_NOT_AVAILABLE", 0x80D02010}, {"DO_E_UNKNOWN_PROPERTY_ID", 0x80D02011},
    {"DO_E_READ_ONLY_PROPERTY", 0x80D02012}, {"DO_E_INVALID_STATE", 0x80D02013}, {"DO_E_ERROR_INFORMATION_UNAVAILABLE", 0x80D02014},
    {"DO_E_WRITE_ONLY_PROPERTY", 0x80D02015}, {"DO_E_FILE_DOWNLOADSINK_UNSPECIFIED", 0x80D02018}, {"DO_E_DOWNLOAD_NO_URI", 0x80D02200},
    {"DO_E_NO_DOWNLOAD_EXTSETTINGS", 0x80D03002}, {"DO_E_BLOCKED_BY_COST_TRANSFER_POLICY", 0x80D03801},
    {"DO_E_BLOCKED_BY_CELLULAR_POLICY", 0x80D03803}, {"DO_E_BLOCKED_BY_POWER_STATE", 0x80D03804},
    {"DO_E_BLOCKED_BY_NO_NETWORK", 0x80D03805}, {"DO_E_BLOCKED_BY_VPN_POLICY", 0x80D03807},
    {"DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE", 0x80D03808}, {"DO_E_INVALID_RANGE", 0x80D05010},
    {"DO_E_INSUFFICIENT_RANGE_SUPPORT", 0x80D05011}, {"DO_E_OVERLAPPING_RANGES", 0x80D05012}, {"DO_E_FATAL_CORE_ERROR", 0x80D06802},
    {"DO_E_EMPTY", 0x80D02004}, {"DO_E_NOT_FOUND", 0x80D02003}, {"BG_S_PARTIAL_COMPLETE", 0x00200017},
    {"BG_S_UNABLE_TO_DELETE_FILES", 0x0020001A}, {"BG_S_OVERRIDDEN_BY_POLICY", 0x00200055}, {"BG_E_NOT_FOUND", 0x80200001},
    {"BG_E_INVALID_STATE", 0x80200002}, {"BG_E_EMPTY", 0x80200003}, {"BG_E_FILE_NOT_AVAILABLE", 0x80200004},
    {"BG_E_PROTOCOL_NOT_AVAILABLE", 0x80200005}, {"BG_E_DESTINATION_LOCKED", 0x8020000D}, {"BG_E_VOLUME_CHANGED", 0x8020000E},
    {"BG_E_ERROR_INFORMATION_UNAVAILABLE", 0x8020000F}, {"BG_E_NETWORK_DISCONNECTED", 0x80200010}, {"BG_E_MISSING_FILE_SIZE", 0x80200011},
    {"BG_E_INSUFFICIENT_HTTP_SUPPORT", 0x80200012}, {"BG_E_INSUFFICIENT_RANGE_SUPPORT", 0x80200013},
    {"BG_E_REMOTE_NOT_SUPPORTED", 0x80200014}, {"BG_E_NEW_OWNER_DIFF_MAPPING", 0x80200015}, {"BG_E_NEW_OWNER_NO_FILE_ACCESS", 0x80200016},
    {"BG_E_PROXY_LIST_TOO_LARGE", 0x80200018}, {"BG_E_PROXY_BYPASS_LIST_TOO_LARGE", 0x80200019}, {"BG_E_TOO_MANY_FILES", 0x8020001C},
    {"BG_E_LOCAL_FILE_CHANGED", 0x8020001D}, {"BG_E_TOO_LARGE", 0x80200020}, {"BG_E_STRING_TOO_LONG", 0x80200021},
    {"BG_E_CLIENT_SERVER_PROTOCOL_MISMATCH", 0x80200022}, {"BG_E_SERVER_EXECUTE_ENABLE", 0x80200023},
    {"BG_E_USERNAME_TOO_LARGE", 0x80200025}, {"BG_E_PASSWORD_TOO_LARGE", 0x80200026}, {"BG_E_INVALID_AUTH_TARGET", 0x80200027},
    {"BG_E_INVALID_AUTH_SCHEME", 0x80200028}, {"BG_E_INVALID_RANGE", 0x8020002B}, {"BG_E_OVERLAPPING_RANGES", 0x8020002C},
    {"BG_E_BLOCKED_BY_POLICY", 0x8020003E}, {"BG_E_INVALID_PROXY_INFO", 0x8020003F}, {"BG_E_INVALID_CREDENTIALS", 0x80200040},
    {"BG_E_RECORD_DELETED", 0x80200042}, {"BG_E_UPNP_ERROR", 0x80200045}, {"BG_E_PEERCACHING_DISABLED", 0x80200047},
    {"BG_E_BUSYCACHERECORD", 0x80200048}, {"BG_E_TOO_MANY_JOBS_PER_USER", 0x80200049}, {"BG_E_TOO_MANY_JOBS_PER_MACHINE", 0x80200050},
    {"BG_E_TOO_MANY_FILES_IN_JOB", 0x80200051}, {"BG_E_TOO_MANY_RANGES_IN_FILE", 0x80200052}, {"BG_E_VALIDATION_FAILED", 0x80200053},
    {"BG_E_MAXDOWNLOAD_TIMEOUT", 0x80200054}, {"BG_E_TOKEN_REQUIRED", 0x80200056}, {"BG_E_UNKNOWN_PROPERTY_ID", 0x80200057},
    {"BG_E_READ_ONLY_PROPERTY", 0x80200058}, {"BG_E_BLOCKED_BY_COST_TRANSFER_POLICY", 0x80200059},
    {"BG_E_PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY", 0x80200060}, {"BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE", 0x80200061},
    {"BG_E_READ_ONLY_PROPERTY_AFTER_RESUME", 0x80200062}, {"BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE", 0x80200063},
    {"BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED", 0x80200064}, {"BG_E_STANDBY_MODE", 0x80200065},
    {"BG_E_USE_STORED_CREDENTIALS_NOT_SUPPORTED", 0x80200066}, {"BG_E_BLOCKED_BY_BATTERY_POLICY", 0x80200067},
    {"BG_E_BLOCKED_BY_BATTERY_SAVER", 0x80200068}, {"BG_E_WATCHDOG_TIMEOUT", 0x80200069}, {"BG_E_DATABASE_CORRUPT", 0x8020006C},
    {"BG_E_RANDOM_ACCESS_NOT_SUPPORTED", 0x8020006D}, {"BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY", 0x8020006E},
    {"BG_E_BLOCKED_BY_GAME_MODE", 0x8020006F}, {"BG_E_BLOCKED_BY_SYSTEM_POLICY", 0x80200070},
    {"BG_E_UNSUPPORTED_JOB_CONFIGURATION", 0x80200072}, {"BG_E_REMOTE_FILE_CHANGED", 0x80200073},
    {"BG_E_READ_ONLY_WHEN_JOB_ACTIVE", 0x80200075}, {"BG_E_HTTP_ERROR_400", 0x80190190}, {"BG_E_HTTP_ERROR_401", 0x80190191},
    {"BG_E_HTTP_ERROR_403", 0x80190193}, {"BG_E_HTTP_ERROR_404", 0x80190194}, {"BG_E_HTTP_ERROR_407", 0x80190197},
    {"BG_E_HTTP_ERROR_414", 0x8019019E}, {"BG_E_HTTP_ERROR_500", 0x801901F4}, {"BG_E_HTTP_ERROR_501", 0x801901F5},
    {"BG_E_HTTP_ERROR_503", 0x801901F7}, {"BG_E_HTTP_ERROR_504", 0x801901F8}, {"BG_E_HTTP_ERROR_505", 0x801901F9},
};

static bool code_of(const std::string &text, uint32_t &hr) {
    for (auto &known : CODES)
        if (text == known.name) return hr = known.code, true;
    char *after = nullptr;
    if (text.compare(0, 2, "0x") != 0 || text.size() < 3) return false;
    hr = (uint32_t)strtoul(text.c_str(), &after, 16);
    return *after == 0;
}

static std::string code_text(uint32_t hr) {
    char out[16];
    snprintf(out, sizeof out, "0x%08X", (unsigned)hr);
    return out;
}

// Lines that go out

// Writes one object: Line().put("q", 3).put("hr", "0x00000000")
class Line {
public:
    Line &raw(const char *name, const std::string &json) {
        text += (text.empty() ? "{" : ",") + Json::quote(name) + ":" + json;
        return *this;
    }
    Line &put(const char *name, const std::string &value) { return raw(name, Json::quote(value)); }
    Line &put(const char *name, long long value) { return raw(name, std::to_string(value)); }
    std::string text;
};

static std::atomic<long long> counter{0};
static long long next_q() { return counter++; }

// Lines stay in memory while a race runs.
class Output {
public:
    void write(const Line &line) {
        std::lock_guard<std::mutex> guard(lock);
        kept += line.text + "}\n";
        if (races == 0) send();
    }
    void race(int change) {
        std::lock_guard<std::mutex> guard(lock);
        races += change;
        if (races == 0) send();
    }
    void send_what_is_kept() {
        std::lock_guard<std::mutex> guard(lock);
        send();
    }

private:
    void send() {
        fwrite(kept.data(), 1, kept.size(), stdout);
        fflush(stdout);
        kept.clear();
    }
    std::mutex lock;
    std::string kept;
    int races = 0;
};
static Output output;

static void done(long long id) { output.write(Line().put("q", next_q()).put("end", id)); }
static void refuse(long long id, const std::string &why) { output.write(Line().put("q", next_q()).put("end", id).put("unimplemented", why)); }
static void errored(long long id, const std::string &message) { output.write(Line().put("errored", id).put("message", message)); }

// Threads

class Worker {
public:
    Worker() { std::thread([this] { run(); }).detach(); }
    void post(Task task) {
        std::lock_guard<std::mutex> guard(lock);
        tasks.push_back(std::move(task));
        wake.notify_one();
    }

private:
    void run() {
        for (;;) {
            std::unique_lock<std::mutex> guard(lock);
            wake.wait(guard, [this] { return !tasks.empty(); });
            Task task = std::move(tasks.front());
            tasks.pop_front();
            guard.unlock();
            task();
        }
    }
    std::mutex lock;
    std::condition_variable wake;
    std::deque<Task> tasks;
};

// Threads are never destroyed: a call may hang. Only the main thread comes here.
static Worker &worker(long long thread) {
    static auto *workers = new std::map<long long, Worker>;
    return (*workers)[thread];
}
static Worker &poller() {
    static auto *only = new Worker;
    return *only;
}

// Jobs, and the orders for callbacks

struct Order {
    std::string event;
    uint32_t hr = 0;
    bool hold = false;
    std::vector<Json> calls;
};

// Jobs and clients stay allocated: a late callback may use them.
static struct Shared {
    std::mutex lock;
    std::condition_variable changed;
    std::map<long long, Job *> jobs;
    std::map<std::string, std::unique_ptr<Client>> clients;  // by job, number and interfaces
    std::deque<std::unique_ptr<Job>> all;
    std::deque<Order> orders;
    std::set<long long> released;
    long long enters = 0, own_ids = 0, resets = 0;
} &shared = *new Shared;

static Job *new_job(long long number) {
    std::lock_guard<std::mutex> guard(shared.lock);
    shared.all.push_back(std::make_unique<Job>());
    shared.all.back()->number = number;
    return shared.jobs[number] = shared.all.back().get();
}

static Job *find_job(long long number) {
    std::lock_guard<std::mutex> guard(shared.lock);
    auto found = shared.jobs.find(number);
    return found == shared.jobs.end() ? nullptr : found->second;
}

static long long own_id() {
    std::lock_guard<std::mutex> guard(shared.lock);
    return --shared.own_ids;
}

// The object with this number and these interfaces; it is made when it is first named.
static Client *client_of(Job &job, const Json &receiver) {
    if (receiver.is_null()) return nullptr;
    std::string key = std::to_string(job.number) + " " + receiver.dump();
    std::lock_guard<std::mutex> guard(shared.lock);
    std::unique_ptr<Client> &client = shared.clients[key];
    if (!client) client.reset(new Client{job, receiver["id"].integer(), receiver["interfaces"].text});
    return client.get();
}

static const Method *method_of(const std::string &name) {
    for (auto &method : METHODS)
        if (name == method.name) return &method;
    return nullptr;
}

static Answer make_call(Job &job, const std::string &name, const Json &args) {
    if (name == "SetNotifyInterface") return SetNotifyInterface(job, args, client_of(job, args["receiver"]));
    const Method *method = method_of(name);
    if (!method) return {0, "", "the adapter does not know this method"};
    return method->call(job, args);
}

// Makes a call, from `start` to `end`. `inside` is the enter of a callback, `run` a run of a race; -1 for none.
static void make(long long id, long long inside, long long run, long long thread, Job &job, const Json &call) {
    Line start;
    start.put("q", next_q()).put("start", id);
    if (inside >= 0) start.put("inside", inside);
    if (run >= 0) start.put("run", run).put("thread", thread);
    if (id < 0) start.put("job", job.number).put("call", call["call"].text);
    if (id < 0 && call.has("args")) start.raw("args", call["args"].dump());
    output.write(start);

    Answer answer;
    try {
        answer = make_call(job, call["call"].text, call["args"]);
    } catch (const std::exception &error) {
        return errored(id, error.what());
    }
    Line line;
    line.put("q", next_q()).put("end", id);
    if (!answer.unimplemented.empty()) {
        line.put("unimplemented", answer.unimplemented);
    } else {
        line.put("hr", code_text(answer.hr));
        if (!answer.out.empty()) line.raw("out", answer.out);
    }
    output.write(line);
}

// A callback: enter, what it was ordered to do, leave.
uint32_t Client::callback(const char *event, const Given &given) {
    long long q, enter, resets, given_job = -1;
    Order order;
    {
        std::lock_guard<std::mutex> guard(shared.lock);
        q = next_q();
        enter = shared.enters++;
        resets = shared.resets;
        auto oldest = std::find_if(shared.orders.begin(), shared.orders.end(), [&](const Order &o) { return o.event == event; });
        if (oldest != shared.orders.end()) {
            order = *oldest;
            shared.orders.erase(oldest);
        }
        if (!job.entered) job.first_enter = Clock::now();
        job.entered = true;
        if (given.job && job.yours == given.job) given_job = job.number;
        for (auto &other : shared.jobs)
            if (given.job && given_job < 0 && other.second->yours == given.job) given_job = other.first;
        shared.changed.notify_all();
    }
    Line got;
    got.put("receiver", receiver);
    if (given_job >= 0) got.put("job", given_job);
    if (given.file >= 0) got.put("file", given.file);
    if (given.has_error) got.put("error", code_text(given.error));
    Line line;
    line.put("q", q).put("enter", enter).put("job", job.number).put("event", event).put("receiver", receiver);
    if (given.file >= 0) line.put("file", given.file);
    output.write(line.raw("given", got.text + "}"));

    for (auto &call : order.calls) make(own_id(), enter, -1, -1, job, call);
    if (order.hold) {
        std::unique_lock<std::mutex> guard(shared.lock);
        shared.changed.wait(guard, [&] { return shared.released.count(enter) || shared.resets != resets; });
    }
    output.write(Line().put("q", next_q()).put("leave", enter).put("hr", code_text(order.hr)));
    return order.hr;
}

// Commands

static void on_hello(const Json &hello) {
    begin(hello["root"].text, hello["dialect"].text);
    auto list = [](const std::vector<std::string> &words) {
        std::string out;
        for (auto &word : words) out += (out.empty() ? "" : ",") + Json::quote(word);
        return "[" + out + "]";
    };
    std::vector<std::string> written;
    for (auto &method : METHODS)
        if (method.written) written.push_back(method.name);
    Line line;
    line.put("hello", 1).put("q", next_q()).put("name", NAME).put("version", VERSION).put("language", "c++");
    output.write(line.raw("methods", list(written)).raw("events", list(EVENTS)).raw("can", list(CAN)));
}

static bool needs_no_job(const std::string &call) {
    return call == "GetErrorDescription" || call.compare(0, 8, "EnumJobs") == 0;
}

static void on_call(long long id, const Json &command) {
    const std::string &call = command["call"].text;
    const Method *method = method_of(call);
    if (!method) return refuse(id, "the adapter does not know this method");
    if (!method->written) return refuse(id, "this method is not written yet");
    long long number = command["job"].integer(-1);
    static Job none;
    Job *job = call == "CreateJob" ? new_job(number) : find_job(number);
    if (!job && needs_no_job(call)) job = &none;
    if (!job) return errored(id, "no such job");
    worker(command["thread"].integer()).post([=] { make(id, -1, -1, -1, *job, command); });
}

static void on_poll(long long id, const Json &command) {
    Job *job = find_job(command["poll"].integer(-1));
    poller().post([=] {
        Answer answer = job && method_of("GetState")->written ? make_call(*job, "GetState", Json()) : todo();
        Line line;
        line.put("q", next_q()).put("end", id);
        if (answer.unimplemented.empty() && !answer.out.empty()) line.raw("out", answer.out);
        output.write(line);
    });
}

static void on_leaves(long long id, const Json &command) {
    std::deque<Order> orders;
    for (auto &leave : command["leaves"].items) {
        Order order;
        order.event = leave["event"].text;
        order.hold = leave["hold"].truth();
        order.calls = leave["calls"].items;
        if (leave.has("hr") && !code_of(leave["hr"].text, order.hr)) return errored(id, "not a code: " + leave["hr"].dump());
        if (leave["throw"].truth() || leave.has("exit")) return refuse(id, "callbacks do not throw here, and there are no programs");
        orders.push_back(order);
    }
    std::unique_lock<std::mutex> guard(shared.lock);
    shared.orders.assign(orders.begin(), orders.end());
    guard.unlock();
    done(id);
}

static void on_release(long long id, const Json &command) {
    std::unique_lock<std::mutex> guard(shared.lock);
    shared.released.insert(command["release"].integer());
    shared.changed.notify_all();
    guard.unlock();
    done(id);
}

// One run of a race. The racing call is made on the worker `racer`.
static void race_run(Job &job, long long number, const Json &run, Worker &racer) {
    struct Meeting {
        std::mutex lock;
        std::condition_variable over;
        bool is_over = false;
    };
    for (auto &call : run["before"].items) make(own_id(), -1, number, 0, job, call);
    Clock::time_point moment = Clock::now();
    auto delay = std::chrono::microseconds(run["delay_us"].integer());
    if (run["trigger"].text == "at_enter") {
        std::unique_lock<std::mutex> guard(shared.lock);
        bool entered = shared.changed.wait_for(guard, std::chrono::seconds(1), [&] { return job.entered; });
        moment = entered ? job.first_enter : Clock::now();
    }
    if (run["racer"].is_null()) {
        std::this_thread::sleep_until(moment + delay);
    } else {
        auto meeting = std::make_shared<Meeting>();
        Json call = run["racer"];
        Job *on = &job;
        racer.post([=] {
            // The last part of the wait is not slept: a sleep ends late.
            std::this_thread::sleep_until(moment + delay - std::chrono::microseconds(150));
            while (Clock::now() < moment + delay) std::this_thread::yield();
            make(own_id(), -1, number, 1, *on, call);
            std::lock_guard<std::mutex> guard(meeting->lock);
            meeting->is_over = true;
            meeting->over.notify_one();
        });
        // A call that takes this long may hang. Then bgcheck ends this process, and shall have the lines before.
        std::unique_lock<std::mutex> guard(meeting->lock);
        while (!meeting->over.wait_for(guard, std::chrono::seconds(2), [&] { return meeting->is_over; })) output.send_what_is_kept();
    }
}

static void on_race(long long id, const Json &command) {
    Worker &first = worker(0), &second = worker(1);
    Json race = command["race"];
    std::vector<Job *> jobs;
    for (auto &run : race["runs"].items) jobs.push_back(new_job(run["job"].integer()));
    first.post([=, &second] {
        output.race(+1);
        for (size_t i = 0; i < jobs.size(); i++) {
            const Json &run = race["runs"].items[i];
            race_run(*jobs[i], (long long)i, run, second);
            std::this_thread::sleep_for(std::chrono::milliseconds(race["settle_ms"].integer()));
            for (auto &call : run["after"].items) make(own_id(), -1, (long long)i, 0, *jobs[i], call);
        }
        done(id);
        output.race(-1);
    });
}

static std::string reset_all() {
    std::map<long long, Job *> jobs;
    {
        std::lock_guard<std::mutex> guard(shared.lock);
        jobs.swap(shared.jobs);
        shared.orders.clear();
        shared.released.clear();
        shared.resets++;
        shared.changed.notify_all();
    }
    std::string left;
    for (auto &job : jobs)
        if (job.second->yours && !end(*job.second)) left += (left.empty() ? "" : ",") + std::to_string(job.first);
    return "[" + left + "]";
}

static void on_reset(long long id) {
    std::thread([id] {
        std::string left = reset_all();
        output.write(Line().put("q", next_q()).put("end", id).raw("left", left));
    }).detach();
}

static void on_command(const Json &command) {
    long long id = command["id"].integer();
    if (command.has("hello")) return on_hello(command);
    if (command.has("call")) return on_call(id, command);
    if (command.has("poll")) return on_poll(id, command);
    if (command.has("leaves")) return on_leaves(id, command);
    if (command.has("release")) return on_release(id, command);
    if (command.has("race")) return on_race(id, command);
    if (command.has("reset")) return on_reset(id);
    refuse(id, "the adapter does not know this command");
}

int main() {
    std::string line;
    std::ios::sync_with_stdio(false);
    while (std::getline(std::cin, line)) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        long long id = 0;
        try {
            Json command = Json::parse(line);
            id = command["id"].integer();
            on_command(command);
        } catch (const std::exception &error) {
            errored(id, error.what());
        }
    }
    reset_all();
    output.send_what_is_kept();
    std::_Exit(0);  // without destructors: threads may still run
}

// JSON

static std::string spell(double number) {
    char out[40];
    bool whole = number >= -9e15 && number <= 9e15 && number == (double)(long long)number;
    if (whole) snprintf(out, sizeof out, "%lld", (long long)number);
    else snprintf(out, sizeof out, "%.17g", number);
    return out;
}

static void skip(const char *&at, const char *end) {
    while (at != end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) at++;
}

static bool take(const char *&at, const char *end, char c) {
    skip(at, end);
    if (at == end || *at != c) return false;
    at++;
    return true;
}

static void expect(const char *&at, const char *end, char c) {
    if (!take(at, end, c)) throw std::runtime_error(std::string("expected ") + c + " in JSON");
}

static bool word(const char *&at, const char *end, const char *word) {
    std::string w(word);
    if ((size_t)(end - at) < w.size() || w.compare(0, w.size(), at, w.size()) != 0) return false;
    at += w.size();
    return true;
}

static unsigned hex4(const char *&at, const char *end) {
    if (end - at < 4) throw std::runtime_error("a JSON string has no end");
    unsigned value = (unsigned)strtoul(std::string(at, 4).c_str(), nullptr, 16);
    at += 4;
    return value;
}

// Reads the digits of \uXXXX, and of a second half, and appends the character in UTF-8.
static void read_escape(const char *&at, const char *end, std::string &out) {
    unsigned c = hex4(at, end);
    if (c >= 0xD800 && c < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        at += 2;
        c = 0x10000 + ((c - 0xD800) << 10) + (hex4(at, end) - 0xDC00);
    }
    if (c < 0x80) {
        out += (char)c;
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
    out += (char)(lead[more] | c >> 6 * more);
    while (more-- > 0) out += (char)(0x80 | (c >> 6 * more & 0x3F));
}

// Reads a string after its opening quote.
static std::string read_text(const char *&at, const char *end) {
    std::string out;
    while (at != end && *at != '"') {
        if (*at != '\\') {
            out += *at++;
            continue;
        }
        if (++at == end) break;
        char c = *at++;
        switch (c) {
        case 'b': out += '\b'; break;
        case 'f': out += '\f'; break;
        case 'n': out += '\n'; break;
        case 'r': out += '\r'; break;
        case 't': out += '\t'; break;
        case 'u': read_escape(at, end, out); break;
        default: out += c;
        }
    }
    if (at == end) throw std::runtime_error("a JSON string has no end");
    at++;
    return out;
}

static Json read_json(const char *&at, const char *end, int depth) {
    Json value;
    if (depth > 64) throw std::runtime_error("JSON is nested too deeply");
    skip(at, end);
    if (at == end) throw std::runtime_error("JSON ends too early");
    if (*at == '{') {
        value.kind = Json::OBJECT;
        at++;
        if (take(at, end, '}')) return value;
        do {
            expect(at, end, '"');
            std::string name = read_text(at, end);
            expect(at, end, ':');
            value.fields.emplace_back(std::move(name), read_json(at, end, depth + 1));
        } while (take(at, end, ','));
        expect(at, end, '}');
    } else if (*at == '[') {
        value.kind = Json::ARRAY;
        at++;
        if (take(at, end, ']')) return value;
        do value.items.push_back(read_json(at, end, depth + 1));
        while (take(at, end, ','));
        expect(at, end, ']');
    } else if (*at == '"') {
        value.kind = Json::STRING;
        at++;
        value.text = read_text(at, end);
    } else if (word(at, end, "true")) {
        value.kind = Json::BOOL;
        value.number = 1;
    } else if (word(at, end, "false")) {
        value.kind = Json::BOOL;
    } else if (!word(at, end, "null")) {
        char *after = nullptr;
        value.kind = Json::NUMBER;
        value.number = strtod(at, &after);
        if (after == at) throw std::runtime_error("neither a value nor a number in JSON");
        at = after;
    }
    return value;
}

Json Json::parse(const std::string &source) {
    const char *at = source.c_str(), *end = at + source.size();
    Json value = read_json(at, end, 0);
    skip(at, end);
    if (at != end) throw std::runtime_error("text after the end of the JSON document");
    return value;
}

const Json &Json::operator[](const char *name) const {
    static const Json none;
    for (auto &field : fields)
        if (field.first == name) return field.second;
    return none;
}

bool Json::has(const char *name) const {
    return std::any_of(fields.begin(), fields.end(), [&](const std::pair<std::string, Json> &field) { return field.first == name; });
}

std::string Json::dump() const {
    std::string out;
    switch (kind) {
    case NUL: return "null";
    case BOOL: return number != 0 ? "true" : "false";
    case NUMBER: return spell(number);
    case STRING: return quote(text);
    case ARRAY:
        for (auto &item : items) out += (out.empty() ? "" : ",") + item.dump();
        return "[" + out + "]";
    case OBJECT:
        for (auto &field : fields) out += (out.empty() ? "" : ",") + quote(field.first) + ":" + field.second.dump();
        return "{" + out + "}";
    }
    return out;
}

std::string Json::quote(const std::string &text) {
    std::string out = "\"";
    for (unsigned char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += (char)c;
        } else if (c < 0x20) {
            char escape[8];
            snprintf(escape, sizeof escape, "\\u%04x", c);
            out += escape;
        } else {
            out += (char)c;
        }
    }
    return out + "\"";
}
