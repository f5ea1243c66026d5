// An adapter of bgcheck for BITS over COM: Windows and Wine (docs/adapter-protocol.md).
//
// The main thread reads commands. Each `thread` of bgcheck is a worker. Polls and cancels of `reset` have pools of their own, because
// any call may block. Callbacks come on threads of COM.

#include "bits.hpp"

#include <fcntl.h>
#include <io.h>

#include <algorithm>
#include <set>

namespace {

const CLSID BITS = {0x4991d34b, 0x80a1, 0x4291, {0x83, 0xb6, 0x33, 0x28, 0x36, 0x6b, 0x90, 0x97}};
const CLSID DELIVERY_OPTIMIZATION = {0x5b99fa76, 0x721c, 0x423c, {0xad, 0xac, 0x56, 0xd0, 0x3c, 0x8a, 0x80, 0x07}};

// How long `reset` waits for jobs to end before it names them in `left`, in milliseconds.
const DWORD reset_patience_ms = 2000;
// How long the end of the process waits for that, in milliseconds.
const DWORD end_patience_ms = 1000;

struct Options {
    bool delivery_optimization = false, given = true;
    std::vector<std::pair<std::string, long long>> slow_ms;
} options;

// How a callback is to end.
struct Order {
    std::string event;
    HRESULT hr = S_OK;
    bool hold = false;
    std::vector<Json> calls;
};

struct Shared {
    Lock lock;
    Condition changed;
    std::map<long long, JobRef> jobs;
    std::deque<Order> orders;
    std::set<long long> released;  // enters that may leave
    long long resets = 0;          // each one releases every hold
    long long enters = 0, own_ids = 0;
    int open_callbacks = 0;
} shared;

Pool polls(64), cancels(32);

// Where a call comes from, if not from a command of its own.
struct Origin {
    long long inside = -1, run = -1, thread = -1;
};

long long own_id() {
    Holding holding(shared.lock);
    return --shared.own_ids;
}

void make(long long id, const Origin &origin, const JobRef &job, const Json &call) {
    const std::string &method = call["call"].text;
    static const Json no_args = Json::parse("{}");
    const Json &args = call.has("args") ? call["args"] : no_args;
    Fields start;
    start.put("q", next_q()).put("start", id);
    if (origin.inside >= 0) start.put("inside", origin.inside);
    if (origin.run >= 0) start.put("run", origin.run).put("thread", origin.thread);
    if (id < 0) start.put("job", job->number).put("call", method);
    if (id < 0 && call.has("args")) start.raw("args", args.dump());
    say(start);

    Answer answer = make_call(job, method, args);

    Fields end;
    end.put("q", next_q()).put("end", id);
    if (!answer.unimplemented.empty()) {
        end.put("unimplemented", answer.unimplemented);
    } else {
        end.put("hr", hresult_text(answer.hr));
        if (!answer.out.empty()) end.raw("out", answer.out);
    }
    say(end);
}

JobRef find_job(long long number) {
    Holding holding(shared.lock);
    auto found = shared.jobs.find(number);
    return found == shared.jobs.end() ? nullptr : found->second;
}

JobRef new_job(long long number) {
    Holding holding(shared.lock);
    return shared.jobs[number] = std::make_shared<Job>(number);
}

std::vector<JobRef> all_jobs() {
    std::vector<JobRef> jobs;
    Holding holding(shared.lock);
    for (auto &job : shared.jobs) jobs.push_back(job.second);
    return jobs;
}

void done(long long id) { say(Fields().put("q", next_q()).put("end", id)); }
void refused(long long id, const std::string &why) { say(Fields().put("q", next_q()).put("end", id).put("unimplemented", why)); }
void errored(long long id, const std::string &message) {
    fprintf(stderr, "adapter: command %lld: %s\n", id, message.c_str());
    say(Fields().put("errored", id).put("message", message));
}

// Commands

Worker &worker(long long thread) {
    static std::map<long long, Worker> *workers = new std::map<long long, Worker>;  // only the main thread comes here
    return (*workers)[thread];
}

void on_call(long long id, const Json &command) {
    long long number = command["job"].integer(-1);
    const std::string &method = command["call"].text;
    if (!is_known(method)) return refused(id, "the adapter does not know the method " + method);
    JobRef job = method == "CreateJob" ? new_job(number) : find_job(number);
    if (!job && method.compare(0, 8, "EnumJobs") != 0 && method != "GetErrorDescription") return errored(id, "no such job");
    if (!job) job = std::make_shared<Job>(number);
    worker(command["thread"].integer()).post([id, job, command, is_new = method == "CreateJob"] {
        // Wine's service does not come back before all of its processes are started anew. A call that stays open makes bgcheck start them.
        if (is_new && is_service_gone()) return (void)fprintf(stderr, "adapter: command %lld stays open: there is no service\n", id);
        make(id, Origin(), job, command);
    });
}

void on_poll(long long id, const Json &command) {
    JobRef job = find_job(command["poll"].integer(-1));
    polls.post([id, job] {
        std::string state = job ? state_of(job->pointer) : "";
        Fields end;
        end.put("q", next_q()).put("end", id);
        if (!state.empty()) end.raw("out", Fields().put("state", state).line());
        say(end);
    });
}

void on_leaves(long long id, const Json &command) {
    std::vector<Order> orders;
    for (auto &leave : command["leaves"].items) {
        Order order;
        order.event = leave["event"].text;
        order.hold = leave["hold"].truth();
        order.calls = leave["calls"].items;
        if (leave.has("hr") && !hresult_of(leave["hr"].text, order.hr)) return errored(id, "not a code: " + leave["hr"].dump());
        if (leave["throw"].truth() || leave.has("exit")) return refused(id, "a COM client does not throw, and programs are not passed on");
        orders.push_back(order);
    }
    {
        Holding holding(shared.lock);
        shared.orders.assign(orders.begin(), orders.end());
    }
    done(id);
}

void on_release(long long id, const Json &command) {
    Holding holding(shared.lock);
    shared.released.insert(command["release"].integer());
    shared.changed.wake_all();
    done(id);
}

// Races

// The first enter of a job that has been recorded, or the moment at which waiting for it ends.
long long first_enter_us(const JobRef &job, long long from_us) {
    Holding holding(job->lock);
    while (job->first_enter_us == 0 && now_us() < from_us + 1000000) job->entered.wait(holding, 50);
    return job->first_enter_us ? job->first_enter_us : now_us();
}

void race_run(const JobRef &job, long long number, const Json &run, DWORD settle_ms, Worker &racer) {
    struct Meeting {
        Lock lock;
        Condition changed;
        bool over = false;
    };
    auto meeting = std::make_shared<Meeting>();
    Origin first{-1, number, 0}, second{-1, number, 1};
    for (auto &call : run["before"].items) make(own_id(), first, job, call);
    long long returned_us = now_us();

    if (!run["racer"].is_null()) {
        bool at_enter = run["trigger"].text == "at_enter";
        long long delay_us = run["delay_us"].integer();
        racer.post([=] {
            long long trigger_us = at_enter ? first_enter_us(job, returned_us) : returned_us;
            wait_until_us(trigger_us + delay_us);
            make(own_id(), second, job, run["racer"]);
            Holding holding(meeting->lock);
            meeting->over = true;
            meeting->changed.wake_all();
        });
        Holding holding(meeting->lock);
        while (!meeting->over) meeting->changed.wait(holding);
    } else {
        wait_until_us(returned_us + run["delay_us"].integer());
    }
    Sleep(settle_ms);
    for (auto &call : run["after"].items) make(own_id(), first, job, call);
}

void on_race(long long id, const Json &command) {
    Worker &first = worker(0), &second = worker(1);
    const Json &race = command["race"];
    std::vector<JobRef> jobs;
    for (auto &run : race["runs"].items) jobs.push_back(new_job(run["job"].integer()));
    first.post([id, race, jobs, &second] {
        keep_lines();
        for (size_t i = 0; i < jobs.size(); i++)
            race_run(jobs[i], (long long)i, race["runs"].items[i], (DWORD)race["settle_ms"].integer(), second);
        done(id);
        release_lines();
    });
}

// Reset

// Cancels the jobs and waits; gives the numbers of those that have not ended in time.
std::vector<long long> end_jobs(const std::vector<JobRef> &jobs, DWORD patience_ms) {
    struct Ending {
        Lock lock;
        Condition changed;
        std::set<long long> left;
    };
    auto ending = std::make_shared<Ending>();
    for (auto &job : jobs)
        if (job->pointer) ending->left.insert(job->number);
    for (auto &job : jobs) {
        if (!job->pointer) continue;
        cancels.post([job, ending] {
            job->pointer->Cancel();
            std::string state = state_of(job->pointer);
            job->forget_clients();
            Holding holding(ending->lock);
            if (state == "Acknowledged" || state == "Cancelled" || state.empty()) ending->left.erase(job->number);
            ending->changed.wake_all();
        });
    }
    long long end_us = now_us() + 1000LL * patience_ms;
    Holding holding(ending->lock);
    while (!ending->left.empty() && now_us() < end_us) ending->changed.wait(holding, 20);
    return std::vector<long long>(ending->left.begin(), ending->left.end());
}

std::string reset_all(DWORD patience_ms) {
    std::vector<JobRef> jobs = all_jobs();
    {
        Holding holding(shared.lock);
        shared.jobs.clear();
        shared.orders.clear();
        shared.released.clear();
        shared.resets++;
        shared.changed.wake_all();
    }
    std::string left;
    for (long long number : end_jobs(jobs, patience_ms)) left += (left.empty() ? "" : ",") + std::to_string(number);
    Holding holding(shared.lock);
    long long end_us = now_us() + 200000;
    while (shared.open_callbacks > 0 && now_us() < end_us) shared.changed.wait(holding, 20);
    return "[" + left + "]";
}

void on_reset(long long id) {
    spawn([id] {
        std::string left = reset_all(reset_patience_ms);
        say(Fields().put("q", next_q()).put("end", id).raw("left", left));
    });
}

// Hello

std::string version() {
    using RtlGetVersion = LONG(WINAPI *)(OSVERSIONINFOW *);
    using WineVersion = const char *(*)();
    HMODULE ntdll = GetModuleHandleA("ntdll.dll");
    auto wine = (WineVersion)(void *)GetProcAddress(ntdll, "wine_get_version");
    if (wine) return wine();
    OSVERSIONINFOW info = {};
    info.dwOSVersionInfoSize = sizeof info;
    auto get = (RtlGetVersion)(void *)GetProcAddress(ntdll, "RtlGetVersion");
    if (!get || get(&info) != 0) return "unknown";
    return std::to_string(info.dwMajorVersion) + "." + std::to_string(info.dwMinorVersion) + "." + std::to_string(info.dwBuildNumber);
}

bool is_wine() { return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != nullptr; }

void on_hello(const Json &hello) {
    std::string root = hello["root"].text, dir = root;
    bool unix_path = !root.empty() && root[0] == '/';
    if (unix_path) dir = "Z:" + root;
    std::replace(dir.begin(), dir.end(), '/', '\\');
    if (dir.empty() || dir.back() != '\\') dir += '\\';

    if (hello["dialect"].text == "do") options.delivery_optimization = true;
    connect_to_service(options.delivery_optimization ? DELIVERY_OPTIMIZATION : BITS);
    std::string methods;
    for (auto &method : available_methods(dir)) methods += (methods.empty() ? "" : ",") + Json::quote(method);
    std::string slow;
    for (auto &entry : options.slow_ms) slow += (slow.empty() ? "" : ",") + Json::quote(entry.first) + ":" + std::to_string(entry.second);
    std::string service = options.delivery_optimization ? "Delivery Optimization" : "BITS";

    Fields line;
    line.put("hello", 1).put("q", 0).put("name", (is_wine() ? "Wine " : "Windows ") + service).put("version", version());
    line.put("language", "c++").put("dir", dir).put("seen_at", root);
    line.raw("methods", "[" + methods + "]");
    line.raw("events", R"(["JobTransferred","JobError","JobModification","FileTransferred"])");
    line.raw("can", options.given ? R"(["race","nested","hold","callback3","given"])" : R"(["race","nested","hold","callback3"])");
    if (!slow.empty()) line.raw("slow_ms", "{" + slow + "}");
    say(line);
}

void on_command(const Json &command) {
    if (command.has("hello")) return on_hello(command);
    long long id = command["id"].integer();
    if (command.has("call")) return on_call(id, command);
    if (command.has("poll")) return on_poll(id, command);
    if (command.has("leaves")) return on_leaves(id, command);
    if (command.has("release")) return on_release(id, command);
    if (command.has("race")) return on_race(id, command);
    if (command.has("reset")) return on_reset(id);
    refused(id, "the adapter does not know this command");
}

bool read_line(std::string &line) {
    static std::string buffer;
    static size_t at = 0;
    for (;;) {
        size_t end = buffer.find('\n', at);
        if (end != std::string::npos) {
            line.assign(buffer, at, end - at);
            at = end + 1;
            return true;
        }
        buffer.erase(0, at);
        at = 0;
        char chunk[65536];
        DWORD got = 0;
        if (!ReadFile(GetStdHandle(STD_INPUT_HANDLE), chunk, sizeof chunk, &got, nullptr) || got == 0) return false;
        buffer.append(chunk, got);
    }
}

}  // namespace

long long job_number(const GUID &id) {
    for (auto &job : all_jobs())
        if (job->id == id) return job->number;
    return -1;
}

// A callback: enter, what it was ordered to do, leave.
HRESULT deliver(const Delivery &delivery) {
    long long q, enter, resets;
    Order order;
    {
        Holding holding(shared.lock);
        q = next_q();
        enter = ++shared.enters;
        resets = shared.resets;
        shared.open_callbacks++;
        auto oldest = std::find_if(shared.orders.begin(), shared.orders.end(), [&](const Order &o) { return o.event == delivery.event; });
        if (oldest != shared.orders.end()) {
            order = *oldest;
            shared.orders.erase(oldest);
        }
    }
    {
        Holding holding(delivery.job->lock);
        if (delivery.job->first_enter_us == 0) delivery.job->first_enter_us = now_us();
        delivery.job->entered.wake_all();
    }

    Fields line;
    line.put("q", q).put("enter", enter).put("job", delivery.job->number).put("event", delivery.event).put("receiver", delivery.receiver);
    int file = -1;
    if (delivery.given_file) {
        wchar_t *remote = nullptr, *local = nullptr;
        delivery.given_file->GetRemoteName(&remote);
        delivery.given_file->GetLocalName(&local);
        file = delivery.job->number_of(remote ? remote : L"", local ? local : L"");
        CoTaskMemFree(remote);
        CoTaskMemFree(local);
        if (file >= 0) line.put("file", file);
    }
    if (options.given) {
        Fields given;
        given.put("receiver", delivery.receiver);
        GUID id = {};
        bool has_id = delivery.given_job && SUCCEEDED(delivery.given_job->GetId(&id));
        long long number = !has_id ? -1 : id == delivery.job->id ? delivery.job->number : job_number(id);
        if (number >= 0) given.put("job", number);
        if (file >= 0) given.put("file", file);
        BG_ERROR_CONTEXT context;
        HRESULT code = S_OK;
        if (delivery.given_error && SUCCEEDED(delivery.given_error->GetError(&context, &code))) given.put("error", hresult_text(code));
        line.raw("given", given.line());
    }
    say(line);

    for (auto &call : order.calls) make(own_id(), Origin{enter, -1, -1}, delivery.job, call);
    if (order.hold) {
        Holding holding(shared.lock);
        while (!shared.released.count(enter) && shared.resets == resets) shared.changed.wait(holding);
    }
    say(Fields().put("q", next_q()).put("leave", enter).put("hr", hresult_text(order.hr)));
    Holding holding(shared.lock);
    shared.released.erase(enter);
    shared.open_callbacks--;
    shared.changed.wake_all();
    return order.hr;
}

int main(int count, char **arguments) {
    for (int i = 1; i < count; i++) {
        std::string argument = arguments[i];
        std::string value = i + 1 < count ? arguments[i + 1] : "";
        size_t equals = value.find('=');
        if (argument == "--do") {
            options.delivery_optimization = true;
        } else if (argument == "--no-given") {
            options.given = false;
        } else if (argument == "--slow" && equals != std::string::npos) {
            options.slow_ms.emplace_back(value.substr(0, equals), atoll(value.c_str() + equals + 1));
            i++;
        } else {
            fprintf(stderr, "unknown argument %s; known are --do, --no-given, and --slow METHOD=MILLISECONDS\n", argument.c_str());
            return 2;
        }
    }
    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    CoInitializeEx(nullptr, COINIT_MULTITHREADED);
    CoInitializeSecurity(nullptr, -1, nullptr, nullptr, RPC_C_AUTHN_LEVEL_CONNECT, RPC_C_IMP_LEVEL_IMPERSONATE, nullptr, EOAC_NONE, nullptr);

    std::string line;
    while (read_line(line)) {
        long long id = 0;
        try {
            if (line.find_first_not_of(" \r\t") == std::string::npos) continue;
            Json command = Json::parse(line);
            id = command["id"].integer();
            on_command(command);
        } catch (const std::exception &error) {
            errored(id, error.what());
        }
    }
    reset_all(end_patience_ms);
    flush_lines();
    ExitProcess(0);
}
