#include <initguid.h>

#include "bits.hpp"

DEFINE_GUID(IID_Callback3, 0x98C97BD2, 0xE32B, 0x4AD8, 0xA5, 0x28, 0x95, 0xFD, 0x8B, 0x16, 0xBD, 0x42);

namespace {

// The service, and its class, to connect again when it has died.
IBackgroundCopyManager *volatile manager = nullptr;
CLSID service = {};
volatile bool has_died = false;

bool is_dead(HRESULT hr) {
    switch ((unsigned)hr) {
    case 0x800706BA:  // RPC_S_SERVER_UNAVAILABLE
    case 0x800706BE:  // RPC_S_CALL_FAILED
    case 0x80010108:  // RPC_E_DISCONNECTED
    case 0x80010012:  // RPC_E_SERVER_DIED_DNE
    case 0x80010007:  // RPC_E_SERVER_DIED
    case 0x800401FD:  // CO_E_OBJNOTCONNECTED
        return true;
    }
    return false;
}

HRESULT connect() {
    IBackgroundCopyManager *made = nullptr;
    HRESULT hr = CoCreateInstance(service, nullptr, CLSCTX_LOCAL_SERVER, IID_IBackgroundCopyManager, (void **)&made);
    // A former pointer is not released: another thread may use it.
    if (SUCCEEDED(hr)) manager = made;
    return hr;
}

// When the adapter began: times are given relative to it.
ULONGLONG began_100ns() {
    static const ULONGLONG began = [] {
        FILETIME now;
        GetSystemTimeAsFileTime(&now);
        return (ULONGLONG)now.dwHighDateTime << 32 | now.dwLowDateTime;
    }();
    return began;
}

// Releases what it holds.
template <class T> class Held {
public:
    Held() = default;
    Held(const Held &) = delete;
    ~Held() {
        if (pointer) pointer->Release();
    }
    T **operator&() { return &pointer; }
    T *operator->() const { return pointer; }
    explicit operator bool() const { return pointer != nullptr; }
    T *pointer = nullptr;
};

// A string that COM has allocated.
class Given {
public:
    Given() = default;
    Given(const Given &) = delete;
    ~Given() { CoTaskMemFree(text); }
    LPWSTR *operator&() { return &text; }
    std::wstring wide() const { return text ? text : L""; }
    std::string json() const { return Json::quote(narrow(text)); }
    LPWSTR text = nullptr;
};

// A text argument that may be NULL.
class TextArgument {
public:
    explicit TextArgument(const Json &json) : null(json.is_null()), text(wide(json.text)) {}
    operator LPCWSTR() const { return null ? nullptr : text.c_str(); }

private:
    bool null;
    std::wstring text;
};

Answer answered(HRESULT hr) {
    Answer answer;
    answer.hr = hr;
    return answer;
}

Answer answered(HRESULT hr, const char *key, const std::string &json) {
    Answer answer;
    answer.hr = hr;
    if (SUCCEEDED(hr) && !json.empty()) answer.out = Fields().raw(key, json).line();
    return answer;
}

Answer not_made(const std::string &reason) {
    Answer answer;
    answer.unimplemented = reason;
    return answer;
}

std::string total(UINT64 bytes) { return bytes == BG_SIZE_UNKNOWN ? "null" : std::to_string(bytes); }

const char *const states[] = {"Queued", "Connecting",     "Transferring", "Suspended", "Error",
                              "TransientError", "Transferred", "Acknowledged", "Cancelled"};
const char *const priorities[] = {"Foreground", "High", "Normal", "Low"};
const char *const contexts[] = {"None",      "Unknown",    "GeneralQueueManager", "QueueManagerNotification",
                                "LocalFile", "RemoteFile", "GeneralTransport",    "RemoteApplication"};

// The name of a value; empty when it has none.
std::string named(const char *const *names, unsigned count, unsigned value) {
    return value < count ? Json::quote(names[value]) : "";
}

std::string time_json(const FILETIME &time) {
    ULONGLONG value = (ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime;
    return std::to_string(value > began_100ns() ? (value - began_100ns()) / 10000 : 0);
}

long long job_number(IBackgroundCopyJob *job) {
    GUID id = {};
    return SUCCEEDED(job->GetId(&id)) ? ::job_number(id) : -1;
}

Answer answered_job(HRESULT hr, long long number) {
    return number < 0 ? answered(hr) : answered(hr, "job", std::to_string(number));
}

int number_of(Job &job, IBackgroundCopyFile *file, const std::set<int> &used = {}) {
    Given remote, local;
    if (FAILED(file->GetRemoteName(&remote)) || FAILED(file->GetLocalName(&local))) return -1;
    return job.number_of(remote.wide(), local.wide(), used);
}

// Jobs

Answer create_job(Job &job, const Json &args) {
    TextArgument name(args["name"]);
    IBackgroundCopyJob *made = nullptr;
    GUID id = {};
    HRESULT hr = manager->CreateJob(name, (BG_JOB_TYPE)args["kind"].integer(), &id, &made);
    if (SUCCEEDED(hr)) {
        Holding holding(job.lock);
        job.pointer = made;
        job.id = id;
    } else if (is_dead(hr)) {
        // The answer stays: it is what a client sees.
        if (!has_died) fprintf(stderr, "adapter: the service has died\n");
        has_died = true;
    }
    return answered(hr);
}

Answer add_file(Job &job, const Json &args) {
    const Json &file = args["file"];
    TextArgument remote(file["remote"]), local(file["local"]);
    HRESULT hr = job.pointer->AddFile(remote, local);
    if (SUCCEEDED(hr)) {
        Holding holding(job.lock);
        job.files.push_back({(LPCWSTR)remote, (LPCWSTR)local});
    }
    return answered(hr);
}

Answer add_file_set(Job &job, const Json &args) {
    std::vector<FileNames> names;
    std::vector<BG_FILE_INFO> infos;
    for (auto &file : args["files"].items) names.push_back({wide(file["remote"].text), wide(file["local"].text)});
    for (auto &name : names) infos.push_back({(LPWSTR)name.remote.c_str(), (LPWSTR)name.local.c_str()});
    infos.reserve(1);  // so that data() is no NULL for an empty set
    HRESULT hr = job.pointer->AddFileSet((ULONG)infos.size(), infos.data());
    if (SUCCEEDED(hr)) {
        Holding holding(job.lock);
        job.files.insert(job.files.end(), names.begin(), names.end());
    }
    return answered(hr);
}

Answer get_progress(Job &job, const Json &) {
    BG_JOB_PROGRESS progress = {};
    HRESULT hr = job.pointer->GetProgress(&progress);
    return answered(hr, "progress",
                    Fields()
                        .raw("bytes_total", total(progress.BytesTotal))
                        .raw("bytes_transferred", std::to_string(progress.BytesTransferred))
                        .put("files_total", progress.FilesTotal)
                        .put("files_transferred", progress.FilesTransferred)
                        .line());
}

Answer get_times(Job &job, const Json &) {
    BG_JOB_TIMES times = {};
    HRESULT hr = job.pointer->GetTimes(&times);
    const FILETIME &end = times.TransferCompletionTime;
    bool ended = end.dwHighDateTime != 0 || end.dwLowDateTime != 0;
    return answered(hr, "times",
                    Fields()
                        .raw("creation", time_json(times.CreationTime))
                        .raw("modification", time_json(times.ModificationTime))
                        .raw("transfer_completion", ended ? time_json(end) : "null")
                        .line());
}

template <HRESULT (STDMETHODCALLTYPE IBackgroundCopyJob::*get)(LPWSTR *)> Answer get_text(Job &job, const Json &) {
    Given text;
    HRESULT hr = (job.pointer->*get)(&text);
    return answered(hr, "text", text.json());
}

template <HRESULT (STDMETHODCALLTYPE IBackgroundCopyJob::*set)(LPCWSTR)> Answer set_text(Job &job, const Json &args) {
    const Json &text = args.has("name") ? args["name"] : args["description"];
    return answered((job.pointer->*set)(TextArgument(text)));
}

template <HRESULT (STDMETHODCALLTYPE IBackgroundCopyJob::*get)(ULONG *)> Answer get_seconds(Job &job, const Json &) {
    ULONG seconds = 0;
    HRESULT hr = (job.pointer->*get)(&seconds);
    return answered(hr, "delay", std::to_string(1000ULL * seconds));
}

template <HRESULT (STDMETHODCALLTYPE IBackgroundCopyJob::*set)(ULONG)> Answer set_seconds(Job &job, const Json &args) {
    return answered((job.pointer->*set)((ULONG)args["seconds"].integer()));
}

template <HRESULT (STDMETHODCALLTYPE IBackgroundCopyJob::*method)()> Answer plain(Job &job, const Json &) {
    return answered((job.pointer->*method)());
}

// The command line

Answer set_command_line(Job &job, const Json &args) {
    Held<IBackgroundCopyJob2> job2;
    if (FAILED(job.pointer->QueryInterface(IID_IBackgroundCopyJob2, (void **)&job2))) return not_made("there is no IBackgroundCopyJob2");
    return answered(job2->SetNotifyCmdLine(TextArgument(args["program"]), TextArgument(args["parameters"])));
}

Answer get_command_line(Job &job, const Json &) {
    Held<IBackgroundCopyJob2> job2;
    Given program, parameters;
    if (FAILED(job.pointer->QueryInterface(IID_IBackgroundCopyJob2, (void **)&job2))) return not_made("there is no IBackgroundCopyJob2");
    HRESULT hr = job2->GetNotifyCmdLine(&program, &parameters);
    bool none = program.wide().empty() && parameters.wide().empty();
    return answered(hr, "command_line",
                    none ? "null" : Fields().raw("program", program.json()).raw("parameters", parameters.json()).line());
}

// Files

using FileMethod = Answer (*)(Job &, IBackgroundCopyFile *, const Json &);

// Calls `method` on the file with this number. It is found by its names: enumerators may have an order of their own.
template <FileMethod method> Answer on_file(Job &job, const Json &args) {
    Held<IEnumBackgroundCopyFiles> files;
    int wanted = (int)args["file"].integer();
    HRESULT hr = job.pointer->EnumFiles(&files);
    while (SUCCEEDED(hr)) {
        Held<IBackgroundCopyFile> file;
        ULONG got = 0;
        hr = files->Next(1, &file, &got);
        if (FAILED(hr)) break;
        if (got == 0 || !file) return not_made("the job has no file " + std::to_string(wanted));
        if (number_of(job, file.pointer) == wanted) return method(job, file.pointer, args);
    }
    return answered(hr);
}

Answer file_remote(Job &, IBackgroundCopyFile *file, const Json &) {
    Given text;
    HRESULT hr = file->GetRemoteName(&text);
    return answered(hr, "text", text.json());
}

Answer file_local(Job &, IBackgroundCopyFile *file, const Json &) {
    Given text;
    HRESULT hr = file->GetLocalName(&text);
    return answered(hr, "text", text.json());
}

Answer file_progress(Job &, IBackgroundCopyFile *file, const Json &) {
    BG_FILE_PROGRESS progress = {};
    HRESULT hr = file->GetProgress(&progress);
    return answered(hr, "file_progress",
                    Fields()
                        .raw("bytes_total", total(progress.BytesTotal))
                        .raw("bytes_transferred", std::to_string(progress.BytesTransferred))
                        .put("completed", progress.Completed ? "yes" : "no")
                        .line());
}

Answer file_ranges(Job &, IBackgroundCopyFile *file, const Json &) {
    Held<IBackgroundCopyFile2> file2;
    DWORD count = 0;
    BG_FILE_RANGE *ranges = nullptr;
    if (FAILED(file->QueryInterface(IID_IBackgroundCopyFile2, (void **)&file2))) return not_made("there is no IBackgroundCopyFile2");
    HRESULT hr = file2->GetFileRanges(&count, &ranges);
    CoTaskMemFree(ranges);
    return answered(hr);
}

Answer file_set_remote(Job &job, IBackgroundCopyFile *file, const Json &args) {
    Held<IBackgroundCopyFile2> file2;
    TextArgument remote(args["remote"]);
    if (FAILED(file->QueryInterface(IID_IBackgroundCopyFile2, (void **)&file2))) return not_made("there is no IBackgroundCopyFile2");
    HRESULT hr = file2->SetRemoteName(remote);
    size_t number = (size_t)args["file"].integer();
    if (SUCCEEDED(hr)) {
        Holding holding(job.lock);
        if (number < job.files.size()) job.files[number].remote = remote;
    }
    return answered(hr);
}

// Errors

using ErrorMethod = Answer (*)(Job &, IBackgroundCopyError *, const Json &);

template <ErrorMethod method> Answer on_error(Job &job, const Json &args) {
    Held<IBackgroundCopyError> error;
    HRESULT hr = job.pointer->GetError(&error);
    if (FAILED(hr) || !error) return answered(hr);
    return method(job, error.pointer, args);
}

Answer error_object(Job &job, IBackgroundCopyError *error, const Json &) {
    BG_ERROR_CONTEXT context = BG_ERROR_CONTEXT_NONE;
    HRESULT code = S_OK;
    Held<IBackgroundCopyFile> file;
    HRESULT hr = error->GetError(&context, &code);
    int number = SUCCEEDED(error->GetFile(&file)) && file ? number_of(job, file.pointer) : -1;
    return answered(hr, "error",
                    Fields()
                        .put("hr", hresult_text(code))
                        .raw("context", context < 8 ? named(contexts, 8, context) : "\"Unknown\"")
                        .raw("file", number < 0 ? "null" : std::to_string(number))
                        .line());
}

Answer error_file(Job &job, IBackgroundCopyError *error, const Json &) {
    Held<IBackgroundCopyFile> file;
    HRESULT hr = error->GetFile(&file);
    int number = SUCCEEDED(hr) && file ? number_of(job, file.pointer) : -1;
    return number < 0 ? answered(hr) : answered(hr, "file", std::to_string(number));
}

template <HRESULT (STDMETHODCALLTYPE IBackgroundCopyError::*get)(DWORD, LPWSTR *)>
Answer error_text(Job &, IBackgroundCopyError *error, const Json &args) {
    Given text;
    HRESULT hr = (error->*get)((DWORD)args["language"].integer(), &text);
    return answered(hr, "text", text.json());
}

Answer error_protocol(Job &, IBackgroundCopyError *error, const Json &) {
    Given text;
    HRESULT hr = error->GetProtocol(&text);
    return answered(hr, "text", text.json());
}

// Enumerators

using FilesMethod = Answer (*)(Job &, IEnumBackgroundCopyFiles *, const Json &);
using JobsMethod = Answer (*)(Job &, IEnumBackgroundCopyJobs *, const Json &);

template <FilesMethod method> Answer on_files(Job &job, const Json &args) {
    Held<IEnumBackgroundCopyFiles> files;
    HRESULT hr = job.pointer->EnumFiles(&files);
    return FAILED(hr) ? answered(hr) : method(job, files.pointer, args);
}

template <JobsMethod method> Answer on_jobs(Job &job, const Json &args) {
    Held<IEnumBackgroundCopyJobs> jobs;
    HRESULT hr = manager->EnumJobs(args["whose"].text == "all" ? BG_JOB_ENUM_ALL_USERS : 0, &jobs);
    return FAILED(hr) ? answered(hr) : method(job, jobs.pointer, args);
}

// The numbers of these files, and their release. Without a number for each one there is no list.
Answer listed(Job &job, HRESULT hr, const std::vector<IBackgroundCopyFile *> &files) {
    std::string numbers;
    std::set<int> used;
    for (auto file : files) {
        if (!file) continue;
        int number = number_of(job, file, used);
        used.insert(number);
        numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
        file->Release();
    }
    return used.count(-1) ? answered(hr) : answered(hr, "files", "[" + numbers + "]");
}

Answer files_all(Job &job, IEnumBackgroundCopyFiles *files, const Json &) {
    std::vector<IBackgroundCopyFile *> found;
    for (;;) {
        IBackgroundCopyFile *file = nullptr;
        ULONG got = 0;
        if (FAILED(files->Next(1, &file, &got)) || got == 0) break;
        found.push_back(file);
    }
    return listed(job, S_OK, found);
}

// How large the array for Next is: there are never more files or jobs than this.
const long long most = 4096;

Answer files_next(Job &job, IEnumBackgroundCopyFiles *files, const Json &args) {
    long long celt = args["celt"].integer(), skip = args["skip"].integer();
    std::vector<IBackgroundCopyFile *> found((size_t)(celt < 1 ? 1 : celt > most ? most : celt), nullptr);
    ULONG got = 0;
    if (skip > 0) files->Skip((ULONG)skip);
    HRESULT hr = files->Next((ULONG)celt, found.data(), args["fetched"].text == "null" ? nullptr : &got);
    if (FAILED(hr)) return answered(hr);
    return listed(job, hr, found);
}

Answer jobs_next(Job &, IEnumBackgroundCopyJobs *jobs, const Json &args) {
    long long celt = args["celt"].integer(), skip = args["skip"].integer();
    std::vector<IBackgroundCopyJob *> found((size_t)(celt < 1 ? 1 : celt > most ? most : celt), nullptr);
    ULONG got = 0;
    if (skip > 0) jobs->Skip((ULONG)skip);
    HRESULT hr = jobs->Next((ULONG)celt, found.data(), args["fetched"].text == "null" ? nullptr : &got);
    for (auto job : found)
        if (job && SUCCEEDED(hr)) job->Release();
    return answered(hr);
}

template <class E> Answer enum_skip(Job &, E *enumerator, const Json &args) {
    return answered(enumerator->Skip((ULONG)args["celt"].integer()));
}

template <class E> Answer enum_reset(Job &, E *enumerator, const Json &) { return answered(enumerator->Reset()); }

template <class E> Answer enum_count(Job &, E *enumerator, const Json &) {
    ULONG count = 0;
    HRESULT hr = enumerator->GetCount(&count);
    return answered(hr, "count", std::to_string(count));
}

template <class E> Answer enum_clone(Job &, E *enumerator, const Json &) {
    Held<E> clone;
    return answered(enumerator->Clone(&clone));
}

// The jobs that have a number here: another program's jobs have none.
Answer jobs_all(Job &, IEnumBackgroundCopyJobs *jobs, const Json &) {
    std::string numbers;
    for (;;) {
        IBackgroundCopyJob *found[64] = {};
        ULONG got = 0;
        if (FAILED(jobs->Next(64, found, &got)) || got == 0) break;
        for (ULONG i = 0; i < got; i++) {
            long long number = job_number(found[i]);
            if (number >= 0) numbers += (numbers.empty() ? "" : ",") + std::to_string(number);
            found[i]->Release();
        }
    }
    return answered(S_OK, "jobs", "[" + numbers + "]");
}

}  // namespace

// Client objects

// An object that SetNotifyInterface registers: it has just the interfaces that bgcheck asked for.
class Client : public IBackgroundCopyCallback3 {
public:
    enum { CALLBACK_1 = 1, CALLBACK_2 = 2, CALLBACK_3 = 4 };

    Client(JobRef job, long long receiver, const std::string &interfaces) : job(std::move(job)), receiver(receiver) {
        if (has_word(interfaces, "CALLBACK")) mask |= CALLBACK_1;
        if (has_word(interfaces, "CALLBACK2")) mask |= CALLBACK_2;
        if (has_word(interfaces, "CALLBACK3")) mask |= CALLBACK_3;
    }

    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID iid, void **out) override {
        bool has = iid == IID_IUnknown || (mask & CALLBACK_1 && iid == IID_IBackgroundCopyCallback) ||
                   (mask & CALLBACK_2 && iid == IID_IBackgroundCopyCallback2) || (mask & CALLBACK_3 && iid == IID_Callback3);
        *out = has ? this : nullptr;
        if (has) AddRef();
        return has ? S_OK : E_NOINTERFACE;
    }
    ULONG STDMETHODCALLTYPE AddRef() override { return InterlockedIncrement(&references); }
    ULONG STDMETHODCALLTYPE Release() override {
        LONG left = InterlockedDecrement(&references);
        if (left == 0) delete this;
        return left;
    }
    HRESULT STDMETHODCALLTYPE JobTransferred(IBackgroundCopyJob *given) override {
        return deliver({"JobTransferred", job, receiver, given, nullptr, nullptr});
    }
    HRESULT STDMETHODCALLTYPE JobError(IBackgroundCopyJob *given, IBackgroundCopyError *error) override {
        return deliver({"JobError", job, receiver, given, nullptr, error});
    }
    HRESULT STDMETHODCALLTYPE JobModification(IBackgroundCopyJob *given, DWORD) override {
        return deliver({"JobModification", job, receiver, given, nullptr, nullptr});
    }
    HRESULT STDMETHODCALLTYPE FileTransferred(IBackgroundCopyJob *given, IBackgroundCopyFile *file) override {
        return deliver({"FileTransferred", job, receiver, given, file, nullptr});
    }
    HRESULT STDMETHODCALLTYPE FileRangesTransferred(IBackgroundCopyJob *given, IBackgroundCopyFile *file, DWORD,
                                                    const Range *) override {
        return deliver({"FileRangesTransferred", job, receiver, given, file, nullptr});
    }

    static bool has_word(const std::string &text, const std::string &word) {
        for (size_t at = 0; at < text.size();) {
            size_t end = text.find('|', at);
            if (end == std::string::npos) end = text.size();
            size_t first = text.find_first_not_of(' ', at), last = text.find_last_not_of(' ', end - 1);
            if (first < end && text.substr(first, last - first + 1) == word) return true;
            at = end + 1;
        }
        return false;
    }

    const JobRef job;
    const long long receiver;

private:
    virtual ~Client() = default;
    LONG references = 1;
    unsigned mask = 0;
};

namespace {

Answer set_interface(const JobRef &job, const Json &args) {
    const Json &receiver = args["receiver"];
    if (receiver.is_null()) return answered(job->pointer->SetNotifyInterface(nullptr));
    std::string interfaces = receiver["interfaces"].text;
    Client *client = nullptr;
    {
        // Of one number and one set of interfaces there is one object, so it can be registered again.
        Holding holding(job->lock);
        Client *&kept = job->clients[receiver["id"].dump() + " " + interfaces];
        if (!kept) kept = new Client(job, receiver["id"].integer(), interfaces);
        client = kept;
    }
    return answered(job->pointer->SetNotifyInterface(client));
}

Answer get_interface(const JobRef &job, const Json &) {
    Held<IUnknown> found, identity;
    HRESULT hr = job->pointer->GetNotifyInterface(&found);
    if (FAILED(hr)) return answered(hr);
    if (!found) return answered(hr, "receiver", "null");
    if (FAILED(found->QueryInterface(IID_IUnknown, (void **)&identity))) return answered(hr);
    Holding holding(job->lock);
    for (auto &client : job->clients) {
        if (static_cast<IUnknown *>(client.second) == identity.pointer)
            return answered(hr, "receiver", std::to_string(client.second->receiver));
    }
    return answered(hr);
}

using Method = Answer (*)(Job &, const Json &);
using Files = IEnumBackgroundCopyFiles;
using Jobs = IEnumBackgroundCopyJobs;
using J = IBackgroundCopyJob;
using E = IBackgroundCopyError;

const std::map<std::string, Method> &methods() {
    static const std::map<std::string, Method> table = {
        {"CreateJob", create_job},
        {"GetJob",
         [](Job &job, const Json &) {
             Held<IBackgroundCopyJob> found;
             HRESULT hr = manager->GetJob(job.id, &found);
             return answered_job(hr, SUCCEEDED(hr) && found ? job_number(found.pointer) : -1);
         }},
        {"EnumJobs", on_jobs<jobs_all>},
        {"GetErrorDescription",
         [](Job &, const Json &args) {
             Given text;
             HRESULT code = S_OK;
             if (!hresult_of(args["hr"].text, code)) return not_made("the adapter does not know the code " + args["hr"].text);
             HRESULT hr = manager->GetErrorDescription(code, (DWORD)args["language"].integer(), &text);
             return answered(hr, "text", text.json());
         }},
        {"Suspend", plain<&J::Suspend>},
        {"Resume", plain<&J::Resume>},
        {"Cancel", plain<&J::Cancel>},
        {"Complete", plain<&J::Complete>},
        {"AddFile", add_file},
        {"AddFileSet", add_file_set},
        {"EnumFiles", on_files<files_all>},
        {"GetId",
         [](Job &job, const Json &) {
             GUID id = {};
             HRESULT hr = job.pointer->GetId(&id);
             return answered_job(hr, SUCCEEDED(hr) ? ::job_number(id) : -1);
         }},
        {"GetType",
         [](Job &job, const Json &) {
             BG_JOB_TYPE type = BG_JOB_TYPE_DOWNLOAD;
             HRESULT hr = job.pointer->GetType(&type);
             return answered(hr, "count", std::to_string((unsigned)type));
         }},
        {"GetProgress", get_progress},
        {"GetTimes", get_times},
        {"GetState",
         [](Job &job, const Json &) {
             BG_JOB_STATE state = BG_JOB_STATE_QUEUED;
             HRESULT hr = job.pointer->GetState(&state);
             return answered(hr, "state", named(states, 9, state));
         }},
        {"GetError", on_error<error_object>},
        {"GetOwner",
         [](Job &job, const Json &) {
             Given owner;
             return answered(job.pointer->GetOwner(&owner));
         }},
        {"SetDisplayName", set_text<&J::SetDisplayName>},
        {"GetDisplayName", get_text<&J::GetDisplayName>},
        {"SetDescription", set_text<&J::SetDescription>},
        {"GetDescription", get_text<&J::GetDescription>},
        {"SetPriority",
         [](Job &job, const Json &args) { return answered(job.pointer->SetPriority((BG_JOB_PRIORITY)args["priority"].integer())); }},
        {"GetPriority",
         [](Job &job, const Json &) {
             BG_JOB_PRIORITY priority = BG_JOB_PRIORITY_NORMAL;
             HRESULT hr = job.pointer->GetPriority(&priority);
             return answered(hr, "priority", named(priorities, 4, priority));
         }},
        {"SetNotifyFlags",
         [](Job &job, const Json &args) { return answered(job.pointer->SetNotifyFlags((ULONG)args["flags"].integer())); }},
        {"GetNotifyFlags",
         [](Job &job, const Json &) {
             ULONG flags = 0;
             HRESULT hr = job.pointer->GetNotifyFlags(&flags);
             return answered(hr, "flags", std::to_string(flags));
         }},
        {"SetNotifyInterface", nullptr},
        {"GetNotifyInterface", nullptr},
        {"SetMinimumRetryDelay", set_seconds<&J::SetMinimumRetryDelay>},
        {"GetMinimumRetryDelay", get_seconds<&J::GetMinimumRetryDelay>},
        {"SetNoProgressTimeout", set_seconds<&J::SetNoProgressTimeout>},
        {"GetNoProgressTimeout", get_seconds<&J::GetNoProgressTimeout>},
        {"GetErrorCount",
         [](Job &job, const Json &) {
             ULONG count = 0;
             HRESULT hr = job.pointer->GetErrorCount(&count);
             return answered(hr, "count", std::to_string(count));
         }},
        {"SetProxySettings",
         [](Job &job, const Json &) { return answered(job.pointer->SetProxySettings(BG_JOB_PROXY_USAGE_PRECONFIG, nullptr, nullptr)); }},
        {"GetProxySettings",
         [](Job &job, const Json &) {
             BG_JOB_PROXY_USAGE usage;
             Given list, bypass;
             return answered(job.pointer->GetProxySettings(&usage, &list, &bypass));
         }},
        {"TakeOwnership", plain<&J::TakeOwnership>},
        {"SetNotifyCmdLine", set_command_line},
        {"GetNotifyCmdLine", get_command_line},
        {"FileGetRemoteName", on_file<file_remote>},
        {"FileGetLocalName", on_file<file_local>},
        {"FileGetProgress", on_file<file_progress>},
        {"FileGetFileRanges", on_file<file_ranges>},
        {"FileSetRemoteName", on_file<file_set_remote>},
        {"ErrorGetError", on_error<error_object>},
        {"ErrorGetFile", on_error<error_file>},
        {"ErrorGetErrorDescription", on_error<error_text<&E::GetErrorDescription>>},
        {"ErrorGetErrorContextDescription", on_error<error_text<&E::GetErrorContextDescription>>},
        {"ErrorGetProtocol", on_error<error_protocol>},
        {"EnumFilesNext", on_files<files_next>},
        {"EnumFilesSkip", on_files<enum_skip<Files>>},
        {"EnumFilesReset", on_files<enum_reset<Files>>},
        {"EnumFilesGetCount", on_files<enum_count<Files>>},
        {"EnumFilesClone", on_files<enum_clone<Files>>},
        {"EnumJobsNext", on_jobs<jobs_next>},
        {"EnumJobsSkip", on_jobs<enum_skip<Jobs>>},
        {"EnumJobsReset", on_jobs<enum_reset<Jobs>>},
        {"EnumJobsGetCount", on_jobs<enum_count<Jobs>>},
        {"EnumJobsClone", on_jobs<enum_clone<Jobs>>},
    };
    return table;
}

bool needs_no_job(const std::string &method) {
    return method == "CreateJob" || method == "GetErrorDescription" || method.compare(0, 8, "EnumJobs") == 0;
}

}  // namespace

void Job::forget_clients() {
    std::map<std::string, Client *> former;
    {
        Holding holding(lock);
        former.swap(clients);
    }
    for (auto &client : former) client.second->Release();
}

Job::~Job() {
    if (pointer) pointer->Release();
}

int Job::number_of(const std::wstring &remote, const std::wstring &local, const std::set<int> &used) {
    Holding holding(lock);
    int by_local = -1;
    for (int i = 0; i < (int)files.size(); i++) {
        if (used.count(i) || lstrcmpiW(files[i].local.c_str(), local.c_str()) != 0) continue;
        if (files[i].remote == remote) return i;
        if (by_local < 0) by_local = i;
    }
    return by_local;
}

void connect_to_service(const CLSID &which) {
    began_100ns();
    service = which;
    HRESULT hr = connect();
    if (FAILED(hr)) throw std::runtime_error("there is no background copy service: CoCreateInstance answers " + hresult_text(hr));
}

bool is_service_gone() {
    if (!has_died) return false;
    Held<IEnumBackgroundCopyJobs> jobs;
    if (FAILED(connect()) || FAILED(manager->EnumJobs(0, &jobs))) return true;
    has_died = false;
    return false;
}

bool is_known(const std::string &method) { return methods().count(method) != 0; }

Answer make_call(const JobRef &job, const std::string &method, const Json &args) {
    if (!is_known(method)) return not_made("the adapter does not know the method " + method);
    if (!job->pointer && !needs_no_job(method)) return not_made("the job does not exist: its CreateJob failed");
    if (method == "SetNotifyInterface") return set_interface(job, args);
    if (method == "GetNotifyInterface") return get_interface(job, args);
    return methods().at(method)(*job, args);
}

std::string state_of(IBackgroundCopyJob *job) {
    BG_JOB_STATE state = BG_JOB_STATE_QUEUED;
    if (!job || FAILED(job->GetState(&state)) || (unsigned)state >= 9) return "";
    return states[state];
}

std::vector<std::string> available_methods(const std::string &dir) {
    std::set<std::string> missing;
    auto scratch = std::make_shared<Job>(-1), failed = std::make_shared<Job>(-1), done = std::make_shared<Job>(-1);
    auto try_on = [&](const JobRef &job, const char *method, const std::string &args) {
        Answer answer = make_call(job, method, Json::parse(args));
        if (answer.hr == E_NOTIMPL || !answer.unimplemented.empty()) missing.insert(method);
    };
    auto file = [&](const char *remote, const char *local) {
        return Fields().put("remote", remote).put("local", dir + local).line();
    };
    for (auto &job : {scratch, failed, done}) try_on(job, "CreateJob", R"({"name":"bgcheck probe","kind":0})");
    if (!scratch->pointer || !failed->pointer || !done->pointer) throw std::runtime_error("CreateJob fails");

    // A job that fails soon, for the methods of error objects: nothing listens on port 1.
    try_on(failed, "AddFile", "{\"file\":" + file("http://127.0.0.1:1/probe", "probe-1") + "}");
    try_on(failed, "SetNoProgressTimeout", R"({"seconds":0})");
    try_on(failed, "Resume", "{}");

    try_on(scratch, "AddFile", "{\"file\":" + file("http://127.0.0.1:1/probe", "probe-2") + "}");
    try_on(scratch, "AddFileSet", "{\"files\":[" + file("http://127.0.0.1:1/probe", "probe-3") + "]}");
    try_on(scratch, "SetDisplayName", R"({"name":"probe"})");
    try_on(scratch, "SetDescription", R"({"description":"probe"})");
    try_on(scratch, "SetPriority", R"({"priority":2})");
    try_on(scratch, "SetNotifyFlags", R"({"flags":3})");
    try_on(scratch, "SetNotifyInterface", R"({"receiver":{"id":0,"interfaces":"CALLBACK"}})");
    try_on(scratch, "GetNotifyInterface", "{}");
    try_on(scratch, "SetNotifyInterface", R"({"receiver":null})");
    try_on(scratch, "SetMinimumRetryDelay", R"({"seconds":600})");
    try_on(scratch, "SetNoProgressTimeout", R"({"seconds":1209600})");
    try_on(scratch, "SetNotifyCmdLine", R"({"program":null,"parameters":null})");
    try_on(scratch, "GetErrorDescription", R"({"hr":"BG_E_NOT_FOUND","language":0})");
    try_on(scratch, "FileSetRemoteName", R"({"file":0,"remote":"http://127.0.0.1:1/other"})");
    for (auto method : {"EnumFilesNext", "EnumJobsNext"}) try_on(scratch, method, R"({"skip":0,"celt":1,"fetched":"wanted"})");
    for (auto method : {"EnumFilesSkip", "EnumJobsSkip"}) try_on(scratch, method, R"({"celt":1})");
    for (auto &entry : methods()) {
        const std::string &method = entry.first;
        bool getter = method.compare(0, 3, "Get") == 0 || method.compare(0, 4, "Enum") == 0 || method.compare(0, 7, "FileGet") == 0;
        bool done_above = method == "EnumFilesNext" || method == "EnumJobsNext" || method == "GetErrorDescription";
        if (getter && !done_above) try_on(scratch, method.c_str(), R"({"file":0,"celt":1,"whose":"mine"})");
    }
    try_on(scratch, "SetProxySettings", "{}");
    try_on(scratch, "TakeOwnership", "{}");
    try_on(scratch, "Suspend", "{}");
    try_on(scratch, "Cancel", "{}");
    try_on(done, "Complete", "{}");

    for (int tries = 0; tries < 100; tries++) {
        std::string state = state_of(failed->pointer);
        if (state == "Error" || state == "TransientError") break;
        Sleep(20);
    }
    for (auto method : {"ErrorGetError", "ErrorGetFile", "ErrorGetErrorDescription", "ErrorGetErrorContextDescription", "ErrorGetProtocol"})
        try_on(failed, method, "{}");
    for (auto &job : {scratch, failed, done}) {
        job->pointer->Cancel();
        job->forget_clients();
    }

    std::vector<std::string> found;
    for (auto &entry : methods())
        if (!missing.count(entry.first)) found.push_back(entry.first);
    return found;
}
