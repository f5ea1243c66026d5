// BITS as COM offers it: jobs, client objects, and every method by its name.
#pragma once

#include <winsock2.h>
#include <windows.h>

#include <bits.h>
#include <bits1_5.h>
#include <bits2_0.h>
#include <bits3_0.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "wire.hpp"

// IBackgroundCopyCallback3 of BITS 10.1, which mingw-w64 has not. Its id is that of facts F.
struct IBackgroundCopyCallback3 : public IBackgroundCopyCallback2 {
    struct Range {
        UINT64 offset, length;
    };
    virtual HRESULT STDMETHODCALLTYPE FileRangesTransferred(IBackgroundCopyJob *job, IBackgroundCopyFile *file, DWORD count,
                                                            const Range *ranges) = 0;
};

class Client;

struct FileNames {
    std::wstring remote, local;
};

// A job under bgcheck's number.
struct Job {
    explicit Job(long long number) : number(number) {}
    ~Job();

    const long long number;
    Lock lock;
    Condition entered;
    IBackgroundCopyJob *pointer = nullptr;  // null until CreateJob has succeeded
    GUID id = {};
    std::vector<FileNames> files;            // in the order of AddFile
    std::map<std::string, Client *> clients;  // the objects of its registrations
    long long first_enter_us = 0;

    // The number of the file with these names, without the `used` ones; -1 when there is none.
    int number_of(const std::wstring &remote, const std::wstring &local, const std::set<int> &used = {});
    // Gives up the references to client objects; a client holds its job, so this ends the circle.
    void forget_clients();
};

using JobRef = std::shared_ptr<Job>;

// What became of a call.
struct Answer {
    HRESULT hr = S_OK;
    std::string out;            // JSON, or empty
    std::string unimplemented;  // the reason, or empty
};

// The client's side of a callback. What it does is decided in adapter.cpp.
struct Delivery {
    const char *event;
    JobRef job;
    long long receiver;
    IBackgroundCopyJob *given_job;
    IBackgroundCopyFile *given_file;
    IBackgroundCopyError *given_error;
};
HRESULT deliver(const Delivery &delivery);

// Connects to the service. Throws std::runtime_error when there is none.
void connect_to_service(const CLSID &service);

// Whether the service has died, which a CreateJob has shown, and does not come back. Connects again where it has come back.
bool is_service_gone();

// Makes one call. The job's CreateJob must have been made, unless this is it.
Answer make_call(const JobRef &job, const std::string &method, const Json &args);

// Every method, without those that answer E_NOTIMPL to a scratch job.
std::vector<std::string> available_methods(const std::string &dir);
bool is_known(const std::string &method);

// The state's name; empty when it cannot be read.
std::string state_of(IBackgroundCopyJob *job);

// The number of the job with this id; -1 when it is none of bgcheck's. It stands in adapter.cpp.
long long job_number(const GUID &id);
