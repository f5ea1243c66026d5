#include "wire.hpp"

#include <process.h>

namespace {

// A race that makes no line for so long, in milliseconds, may hang.
const DWORD hang_ms = 2000;

struct Outgoing {
    Lock lock;
    Condition wake, written;
    std::string lines;
    int keepers = 0;
    bool writing = false, started = false;
};

Outgoing &outgoing() {
    static Outgoing *only = new Outgoing;
    return *only;
}

volatile LONG64 counter = 0;

void write_all(const std::string &lines) {
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    for (size_t at = 0; at < lines.size();) {
        DWORD done = 0;
        DWORD size = (DWORD)(lines.size() - at < 65536 ? lines.size() - at : 65536);
        if (!WriteFile(out, lines.data() + at, size, &done, nullptr)) ExitProcess(1);
        at += done;
    }
}

void write_lines() {
    Outgoing &out = outgoing();
    for (;;) {
        std::string batch;
        {
            Holding holding(out.lock);
            out.writing = false;
            out.written.wake_all();
            size_t before = out.lines.size();
            while (out.lines.empty() || out.keepers > 0) {
                bool woken = out.wake.wait(holding, hang_ms);
                // A race that has been silent for so long may hang. Then bgcheck ends this process, and shall have the lines before.
                if (!woken && !out.lines.empty() && out.lines.size() == before) break;
                before = out.lines.size();
            }
            batch.swap(out.lines);
            out.writing = true;
        }
        write_all(batch);
    }
}

struct Named {
    const char *name;
    unsigned code;
};

const Named names[] = {
#include "hresults.inc"
};

}  // namespace

void spawn(Task task) {
    auto start = [](void *data) -> unsigned {
        std::unique_ptr<Task> task(static_cast<Task *>(data));
        CoInitializeEx(nullptr, COINIT_MULTITHREADED);
        (*task)();
        CoUninitialize();
        return 0;
    };
    uintptr_t thread = _beginthreadex(nullptr, 0, start, new Task(std::move(task)), 0, nullptr);
    if (thread == 0) {
        fprintf(stderr, "no thread: error %lu\n", GetLastError());
        ExitProcess(1);
    }
    CloseHandle((HANDLE)thread);
}

long long next_q() { return InterlockedIncrement64(&counter); }

void say(const Fields &fields) {
    Outgoing &out = outgoing();
    Holding holding(out.lock);
    if (!out.started) {
        out.started = true;
        spawn(write_lines);
    }
    out.lines += fields.line();
    out.lines += '\n';
    if (out.keepers == 0) out.wake.wake_all();
}

void keep_lines() {
    Holding holding(outgoing().lock);
    outgoing().keepers++;
}

void release_lines() {
    Holding holding(outgoing().lock);
    outgoing().keepers--;
    outgoing().wake.wake_all();
}

void flush_lines() {
    Outgoing &out = outgoing();
    Holding holding(out.lock);
    out.keepers = 0;
    out.wake.wake_all();
    while (!out.lines.empty() || out.writing) out.written.wait(holding, 100);
}

std::string hresult_text(HRESULT hr) {
    if (hr == S_OK) return "S_OK";
    char out[16];
    snprintf(out, sizeof out, "0x%08lX", (unsigned long)hr);
    return out;
}

bool hresult_of(const std::string &text, HRESULT &hr) {
    for (auto &named : names) {
        if (text == named.name) {
            hr = (HRESULT)named.code;
            return true;
        }
    }
    char *after = nullptr;
    if (text.compare(0, 2, "0x") != 0) return false;
    hr = (HRESULT)strtoul(text.c_str() + 2, &after, 16);
    return *after == 0 && text.size() > 2;
}

std::wstring wide(const std::string &utf8) {
    int size = MultiByteToWideChar(CP_UTF8, 0, utf8.data(), (int)utf8.size(), nullptr, 0);
    std::wstring out(size, L'\0');
    MultiByteToWideChar(CP_UTF8, 0, utf8.data(), (int)utf8.size(), &out[0], size);
    return out;
}

std::string narrow(const wchar_t *text) {
    if (!text) return "";
    int length = lstrlenW(text);
    int size = WideCharToMultiByte(CP_UTF8, 0, text, length, nullptr, 0, nullptr, nullptr);
    std::string out(size, '\0');
    WideCharToMultiByte(CP_UTF8, 0, text, length, &out[0], size, nullptr, nullptr);
    return out;
}
