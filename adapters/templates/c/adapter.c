/* An adapter: by it, bgcheck uses an implementation of background-copy jobs (protocol bgcheck-adapter/1).
 *
 * First come the words that both parts use. Part 1 is yours: it has a function for each method. Part 2 is the protocol. */

#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ------------------------------------------------------------------------------------------------------------------------
 * The words.
 * ------------------------------------------------------------------------------------------------------------------------ */

/* A JSON value. Items of arrays and fields of objects are a list. */
typedef struct Json {
    enum { J_NULL, J_BOOL, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT } kind;
    double number;      /* of a J_BOOL 0 or 1 */
    char *text;         /* of a J_STRING, in UTF-8 */
    char *name;         /* of a field */
    struct Json *first; /* the first item or field */
    struct Json *next;  /* the next item or field beside it */
    const char *source; /* where it stands in its line */
    size_t length;
} Json;

/* The field of this name, or a null when there is none. `json` may be NULL. */
static const Json *field(const Json *json, const char *name);
/* A number; of other values `otherwise`. */
static long long integer_of(const Json *json, long long otherwise);
/* A text; of other values NULL, which is also what null is in an argument. */
static const char *text_of(const Json *json);

/* A job under bgcheck's number. */
typedef struct Job {
    long long number;
    void *yours; /* what your CreateJob has made */
    bool entered;
    struct timespec first_enter;
    struct Job *next;
    bool is_over; /* since the last reset */
} Job;

/* A client object. Your callbacks call `callback` with it, and return what that returns. */
typedef struct Client {
    Job *job;
    long long receiver;
    char *interfaces; /* such as "CALLBACK | CALLBACK2": it receives no other events */
    struct Client *next;
} Client;

/* What a client's method got. Hand it on unchanged: bgcheck compares it with the registration. */
typedef struct Given {
    void *job;      /* the job, as your CreateJob made it, or NULL */
    long long file; /* the number of the file, or -1 */
    bool has_error;
    uint32_t error; /* the code of the error object */
} Given;

/* What your callbacks call. `event` is such as "JobTransferred". */
uint32_t callback(Client *client, const char *event, Given given);

/* What became of a call: the HRESULT, and as JSON what a getter gave back. */
typedef struct Answer {
    uint32_t hr;
    char *out;                 /* from malloc, or NULL */
    const char *unimplemented; /* the reason why the call was not made, or NULL */
} Answer;

/* A JSON text by a format of printf; %s must not hold quotes or backslashes. */
__attribute__((format(printf, 1, 2))) char *json_text(const char *format, ...);
/* A text as JSON, in quotes, from malloc. */
char *json_quote(const char *text);

static inline Answer answer(uint32_t hr, char *out) { return (Answer){hr, out, NULL}; }
static inline Answer todo(Job *job, const Json *args) {
    (void)job, (void)args;
    return (Answer){0, NULL, "this method is not written yet"};
}

/* ------------------------------------------------------------------------------------------------------------------------
 * Part 1: the implementation.
 * ------------------------------------------------------------------------------------------------------------------------ */

/* TODO: the name and the version of your implementation, and the events that it calls clients back for, as JSON. The events of the
 * documents are JobTransferred, JobError, JobModification and FileTransferred. */
static const char NAME[] = "todo";
static const char VERSION[] = "0";
static const char EVENTS[] = "[]";

/* What the adapter can do beside calls. Take "given" out where your callbacks do not hand on what they got. */
static const char CAN[] = "[\"race\",\"nested\",\"hold\",\"given\"]";

/* Starts your implementation. `root` is an empty directory for destinations, `dialect` is "bits" or "do". */
static void begin(const char *root, const char *dialect) {
    (void)root, (void)dialect; /* TODO */
}

/* Ends a job, whatever its state is. Returns false when that is not possible. */
static bool end(Job *job) {
    (void)job;
    return true; /* TODO */
}

/* Each function makes one call. Fill in what you need, for example
 *     static Answer GetState(Job *job, const Json *args) { (void)args; return answer(0, json_text("{\"state\":\"%s\"}", my_state(job->yours))); }
 * and change `false` to `true` in the table behind them. "Out" is what a getter gives back. Where you leave it out, it is not compared. */

/* `name` is a text or null, `kind` 0 is a download. Set job.yours to what you made. */
static Answer CreateJob(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"job":3}. */
static Answer GetJob(Job *job, const Json *args) { return todo(job, args); }
/* `whose` is "mine" or "all". Out: {"jobs":[0,1]}. */
static Answer EnumJobs(Job *job, const Json *args) { return todo(job, args); }
/* `hr`, `language`. Out: {"text":"..."}. */
static Answer GetErrorDescription(Job *job, const Json *args) { return todo(job, args); }
static Answer Suspend(Job *job, const Json *args) { return todo(job, args); }
static Answer Resume(Job *job, const Json *args) { return todo(job, args); }
static Answer Cancel(Job *job, const Json *args) { return todo(job, args); }
static Answer Complete(Job *job, const Json *args) { return todo(job, args); }
/* `file` has `remote`, a URL, and `local`, a path. */
static Answer AddFile(Job *job, const Json *args) { return todo(job, args); }
/* `files` is an array of such objects. */
static Answer AddFileSet(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"files":[0,1]}. */
static Answer EnumFiles(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"job":3}. */
static Answer GetId(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"count":0}. */
static Answer GetType(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"progress":{"bytes_total":null,"bytes_transferred":0,"files_total":1,"files_transferred":0}}. */
static Answer GetProgress(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"times":{"creation":0,"modification":5,"transfer_completion":null}}. */
static Answer GetTimes(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"state":"Suspended"}. */
static Answer GetState(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"error":{"hr":"0x80190194","context":"RemoteFile","file":0}}. */
static Answer GetError(Job *job, const Json *args) { return todo(job, args); }
static Answer GetOwner(Job *job, const Json *args) { return todo(job, args); }
/* `name` is a text or null. */
static Answer SetDisplayName(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"text":"a name"}. */
static Answer GetDisplayName(Job *job, const Json *args) { return todo(job, args); }
/* `description` is a text or null. */
static Answer SetDescription(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"text":"..."}. */
static Answer GetDescription(Job *job, const Json *args) { return todo(job, args); }
/* `priority` is a number. */
static Answer SetPriority(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"priority":"Normal"}. */
static Answer GetPriority(Job *job, const Json *args) { return todo(job, args); }
/* `flags` is a number. */
static Answer SetNotifyFlags(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"flags":3}. */
static Answer GetNotifyFlags(Job *job, const Json *args) { return todo(job, args); }
/* `client` is the object to register, or null. Its method callback() is what your callbacks call. */
static Answer SetNotifyInterface(Job *job, const Json *args, Client *client) {
    (void)client;
    return todo(job, args);
}
/* Out: {"receiver":0}. */
static Answer GetNotifyInterface(Job *job, const Json *args) { return todo(job, args); }
/* `seconds`. */
static Answer SetMinimumRetryDelay(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"delay":600000}, in milliseconds. */
static Answer GetMinimumRetryDelay(Job *job, const Json *args) { return todo(job, args); }
/* `seconds`. */
static Answer SetNoProgressTimeout(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"delay":1209600000}, in milliseconds. */
static Answer GetNoProgressTimeout(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"count":0}. */
static Answer GetErrorCount(Job *job, const Json *args) { return todo(job, args); }
/* `program` and `parameters` are texts or null. */
static Answer SetNotifyCmdLine(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"command_line":null}. */
static Answer GetNotifyCmdLine(Job *job, const Json *args) { return todo(job, args); }
/* `file` is the number of the file. Out: {"text":"http://..."}. */
static Answer FileGetRemoteName(Job *job, const Json *args) { return todo(job, args); }
/* `file`. Out: {"text":"..."}. */
static Answer FileGetLocalName(Job *job, const Json *args) { return todo(job, args); }
/* `file`. Out: {"file_progress":{"bytes_total":null,"bytes_transferred":0,"completed":"no"}}. */
static Answer FileGetProgress(Job *job, const Json *args) { return todo(job, args); }
/* `file`. */
static Answer FileGetFileRanges(Job *job, const Json *args) { return todo(job, args); }
/* `file`, `remote`. */
static Answer FileSetRemoteName(Job *job, const Json *args) { return todo(job, args); }
/* Out: as GetError. */
static Answer ErrorGetError(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"file":0}. */
static Answer ErrorGetFile(Job *job, const Json *args) { return todo(job, args); }
/* `language`. Out: {"text":"..."}. */
static Answer ErrorGetErrorDescription(Job *job, const Json *args) { return todo(job, args); }
/* `language`. Out: {"text":"..."}. */
static Answer ErrorGetErrorContextDescription(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"text":"http"}. */
static Answer ErrorGetProtocol(Job *job, const Json *args) { return todo(job, args); }
/* `skip`, `celt`, and `fetched`: "wanted" or "null". Out: {"files":[0]}. */
static Answer EnumFilesNext(Job *job, const Json *args) { return todo(job, args); }
/* `celt`. */
static Answer EnumFilesSkip(Job *job, const Json *args) { return todo(job, args); }
static Answer EnumFilesReset(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"count":1}. */
static Answer EnumFilesGetCount(Job *job, const Json *args) { return todo(job, args); }
static Answer EnumFilesClone(Job *job, const Json *args) { return todo(job, args); }
/* `skip`, `celt`, `fetched`. */
static Answer EnumJobsNext(Job *job, const Json *args) { return todo(job, args); }
/* `celt`. */
static Answer EnumJobsSkip(Job *job, const Json *args) { return todo(job, args); }
static Answer EnumJobsReset(Job *job, const Json *args) { return todo(job, args); }
/* Out: {"count":1}. */
static Answer EnumJobsGetCount(Job *job, const Json *args) { return todo(job, args); }
static Answer EnumJobsClone(Job *job, const Json *args) { return todo(job, args); }

/* Which methods are written. bgcheck calls no others. */
typedef struct Method {
    const char *name;
    Answer (*call)(Job *job, const Json *args);
    bool written;
} Method;

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
    {"SetNotifyInterface", NULL, false}, /* it has an argument more, so part 2 calls it by name */
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

/* ------------------------------------------------------------------------------------------------------------------------
 * Part 2: the protocol. It needs no change.
 * ------------------------------------------------------------------------------------------------------------------------ */

/* Codes by their names; other codes come as numbers. */
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

static bool code_of(const char *text, uint32_t *hr) {
    char *after = NULL;
    if (text == NULL) return false;
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++) {
        if (strcmp(text, CODES[i].name) == 0) return *hr = CODES[i].code, true;
    }
    if (strncmp(text, "0x", 2) != 0 || text[2] == 0) return false;
    *hr = (uint32_t)strtoul(text, &after, 16);
    return *after == 0;
}

static void *checked(void *memory) {
    if (memory == NULL) {
        fputs("adapter: there is no memory left\n", stderr);
        _Exit(1);
    }
    return memory;
}

/* JSON */

static const Json NOTHING = {J_NULL, 0, NULL, NULL, NULL, NULL, "null", 4};

static const Json *field(const Json *json, const char *name) {
    for (const Json *at = json ? json->first : NULL; at; at = at->next) {
        if (at->name && strcmp(at->name, name) == 0) return at;
    }
    return &NOTHING;
}

static bool has(const Json *json, const char *name) { return field(json, name) != &NOTHING; }
static long long integer_of(const Json *json, long long otherwise) { return json->kind == J_NUMBER ? (long long)json->number : otherwise; }
static const char *text_of(const Json *json) { return json->kind == J_STRING ? json->text : NULL; }
static bool truth_of(const Json *json) { return json->kind == J_BOOL && json->number != 0; }
static bool is(const Json *json, const char *text) { return json->kind == J_STRING && strcmp(json->text, text) == 0; }

typedef struct Reader {
    const char *at, *end;
    const char *wrong; /* the reason, once the text is no JSON */
} Reader;

static void skip(Reader *r) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

static bool take(Reader *r, char c) {
    skip(r);
    if (r->at >= r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(Reader *r, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || strncmp(r->at, word, length) != 0) return false;
    r->at += length;
    return true;
}

static unsigned hex4(Reader *r) {
    char digits[5] = {0};
    if (r->end - r->at < 4) return r->wrong = "a string has no end", 0;
    memcpy(digits, r->at, 4);
    r->at += 4;
    return (unsigned)strtoul(digits, NULL, 16);
}

/* Reads the digits of \uXXXX, and of a second half, and appends the character in UTF-8. */
static char *read_escape(Reader *r, char *to) {
    static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
    unsigned c = hex4(r);
    if (c >= 0xD800 && c < 0xDC00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        r->at += 2;
        c = 0x10000 + ((c - 0xD800) << 10) + (hex4(r) - 0xDC00);
    }
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *to++ = (char)(lead[more] | c >> 6 * more);
    while (more-- > 0) *to++ = (char)(0x80 | (c >> 6 * more & 0x3F));
    return to;
}

/* Reads a string after its opening quote. */
static char *read_text(Reader *r) {
    static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
    const char *close = r->at;
    while (close < r->end && *close != '"') close += *close == '\\' ? 2 : 1;
    char *text = checked(malloc((size_t)(close - r->at) + 8)), *to = text;
    while (r->at < r->end && *r->at != '"') {
        if (*r->at != '\\') {
            *to++ = *r->at++;
        } else if (++r->at < r->end) {
            char c = *r->at++;
            const char *known = strchr(from, c);
            if (c == 'u') to = read_escape(r, to);
            else *to++ = known && c ? into[known - from] : c;
        }
    }
    *to = 0;
    if (!take(r, '"')) r->wrong = "a string has no end";
    return text;
}

static void free_json(Json *json) {
    while (json) {
        Json *next = json->next;
        free_json(json->first);
        free(json->text);
        free(json->name);
        free(json);
        json = next;
    }
}

static Json *read_value(Reader *r, int depth) {
    Json *json = checked(calloc(1, sizeof *json));
    skip(r);
    json->source = r->at;
    if (depth > 64) r->wrong = "it is nested too deeply";
    if (r->wrong) return json;
    if (take(r, '{') || take(r, '[')) {
        bool object = r->at[-1] == '{';
        char close = object ? '}' : ']';
        Json **last = &json->first;
        json->kind = object ? J_OBJECT : J_ARRAY;
        if (!take(r, close)) {
            do {
                char *name = object && take(r, '"') ? read_text(r) : NULL;
                if (object && (!name || !take(r, ':'))) r->wrong = "a field has no name";
                *last = read_value(r, depth + 1);
                (*last)->name = name;
                last = &(*last)->next;
            } while (!r->wrong && take(r, ','));
            if (!r->wrong && !take(r, close)) r->wrong = "an object or an array has no end";
        }
    } else if (take(r, '"')) {
        json->kind = J_STRING;
        json->text = read_text(r);
    } else if (take_word(r, "true")) {
        json->kind = J_BOOL;
        json->number = 1;
    } else if (take_word(r, "false")) {
        json->kind = J_BOOL;
    } else if (!take_word(r, "null")) {
        char *after = NULL;
        json->kind = J_NUMBER;
        json->number = strtod(r->at, &after);
        if (after == r->at) r->wrong = "neither a value nor a number";
        r->at = after;
    }
    json->length = (size_t)(r->at - json->source);
    return json;
}

char *json_text(const char *format, ...) {
    va_list list;
    va_start(list, format);
    int size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    char *text = checked(malloc((size_t)size + 1));
    va_start(list, format);
    vsnprintf(text, (size_t)size + 1, format, list);
    va_end(list);
    return text;
}

char *json_quote(const char *text) {
    char *out = checked(malloc(6 * strlen(text) + 3)), *to = out;
    *to++ = '"';
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < 0x20) to += sprintf(to, "\\u%04x", *c);
        else if (*c == '"' || *c == '\\') *to++ = '\\', *to++ = (char)*c;
        else *to++ = (char)*c;
    }
    *to++ = '"';
    *to = 0;
    return out;
}

/* A line that came in. It lives as long as something refers to it. */
typedef struct Line {
    int references; /* under `lock` */
    char *source;
    Json *root;
} Line;

/* All that follows is under this lock, and each change of it wakes `changed`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void enter_lock(void) { pthread_mutex_lock(&lock); }
static void leave_lock(void) { pthread_mutex_unlock(&lock); }

static Line *keep(Line *line) {
    enter_lock();
    line->references++;
    leave_lock();
    return line;
}

static void drop(Line *line) {
    enter_lock();
    bool is_last = --line->references == 0;
    leave_lock();
    if (!is_last) return;
    free_json(line->root);
    free(line->source);
    free(line);
}

/* Lines that go out */

static long long next_q(void) {
    static long long counter;
    return __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
}

static struct {
    pthread_mutex_t lock;
    char *kept; /* what a race keeps back */
    size_t used, room;
    int races;
} output = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void send_kept(void) {
    fwrite(output.kept, 1, output.used, stdout);
    fflush(stdout);
    output.used = 0;
}

/* Writes a line, and frees it. */
static void say(char *line) {
    size_t length = strlen(line);
    pthread_mutex_lock(&output.lock);
    if (output.used + length + 1 > output.room) {
        output.room = 2 * (output.used + length + 1);
        output.kept = checked(realloc(output.kept, output.room));
    }
    memcpy(output.kept + output.used, line, length);
    output.used += length;
    output.kept[output.used++] = '\n';
    if (output.races == 0) send_kept();
    pthread_mutex_unlock(&output.lock);
    free(line);
}

/* Races begin (+1) and end (-1); 0 sends what is kept although one goes on. */
static void race_changes(int change) {
    pthread_mutex_lock(&output.lock);
    output.races += change;
    if ((change == 0 || output.races == 0) && output.used > 0) send_kept();
    pthread_mutex_unlock(&output.lock);
}

static void done(long long id) { say(json_text("{\"q\":%lld,\"end\":%lld}", next_q(), id)); }

static void refuse(long long id, const char *why) {
    say(json_text("{\"q\":%lld,\"end\":%lld,\"unimplemented\":\"%s\"}", next_q(), id, why));
}

static void errored(long long id, const char *message) { say(json_text("{\"errored\":%lld,\"message\":\"%s\"}", id, message)); }

/* Threads */

typedef struct Task {
    void (*run)(struct Task *task);
    Line *line;
    const Json *command;
    long long id, number; /* `number` is the run of a race */
    Job *job;
    struct timespec when;
    bool *over; /* under `lock` */
    struct Task *next;
} Task;

typedef struct Worker {
    long long thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    Task *first, **last;
    struct Worker *next;
} Worker;

static void start_thread(void *(*function)(void *), void *data) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, data) != 0) {
        fputs("adapter: there is no thread left\n", stderr);
        _Exit(1);
    }
    pthread_detach(thread);
}

static void *work(void *data) {
    Worker *worker = data;
    for (;;) {
        pthread_mutex_lock(&worker->lock);
        while (!worker->first) pthread_cond_wait(&worker->wake, &worker->lock);
        Task *task = worker->first;
        worker->first = task->next;
        if (!worker->first) worker->last = &worker->first;
        pthread_mutex_unlock(&worker->lock);
        task->run(task);
        if (task->line) drop(task->line);
        free(task);
    }
    return NULL;
}

/* The worker of this thread; it is made when it is first named. -1 polls. Only the main thread comes here. */
static Worker *worker(long long thread) {
    static Worker *workers;
    for (Worker *at = workers; at; at = at->next) {
        if (at->thread == thread) return at;
    }
    Worker *made = checked(calloc(1, sizeof *made));
    made->thread = thread;
    made->last = &made->first;
    made->next = workers;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->wake, NULL);
    start_thread(work, made);
    return workers = made;
}

static void post(Worker *worker, Task task) {
    Task *copy = checked(malloc(sizeof *copy));
    *copy = task;
    if (copy->line) keep(copy->line);
    pthread_mutex_lock(&worker->lock);
    *worker->last = copy;
    worker->last = &copy->next;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

/* Jobs, clients and orders. They are under `lock`. Jobs and clients stay allocated: a late callback may use them. */

typedef struct Order {
    Line *line;
    char *event;
    uint32_t hr;
    bool hold;
    const Json *calls;
    struct Order *next;
} Order;

static Job *jobs;
static Client *clients;
static Order *orders;
static long long enters, own_ids;

/* Callbacks that are held, each on the stack of its own thread. */
typedef struct Held {
    long long enter;
    bool released;
    struct Held *next;
} Held;
static Held *held;

static Job *new_job(long long number) {
    Job *job = checked(calloc(1, sizeof *job));
    job->number = number;
    enter_lock();
    job->next = jobs;
    jobs = job;
    leave_lock();
    return job;
}

static Job *find_job(long long number) {
    enter_lock();
    Job *job = jobs;
    while (job && (job->number != number || job->is_over)) job = job->next;
    leave_lock();
    return job;
}

static long long own_id(void) {
    enter_lock();
    long long id = --own_ids;
    leave_lock();
    return id;
}

/* The object with this number and these interfaces; it is made when it is first named. */
static Client *client_of(Job *job, const Json *receiver) {
    if (receiver->kind == J_NULL) return NULL;
    long long number = integer_of(field(receiver, "id"), 0);
    const char *text = text_of(field(receiver, "interfaces")), *interfaces = text ? text : "";
    enter_lock();
    Client *client = clients;
    while (client && (client->job != job || client->receiver != number || strcmp(client->interfaces, interfaces) != 0)) client = client->next;
    if (!client) {
        client = checked(calloc(1, sizeof *client));
        client->job = job;
        client->receiver = number;
        client->interfaces = strcpy(checked(malloc(strlen(interfaces) + 1)), interfaces);
        client->next = clients;
        clients = client;
    }
    leave_lock();
    return client;
}

static const Method *method_of(const Json *name) {
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++) {
        if (is(name, METHODS[i].name)) return &METHODS[i];
    }
    return NULL;
}

static Answer make_call(Job *job, const Json *call) {
    const Json *name = field(call, "call"), *args = field(call, "args");
    const Method *method = method_of(name);
    if (is(name, "SetNotifyInterface")) return SetNotifyInterface(job, args, client_of(job, field(args, "receiver")));
    if (!method) return (Answer){0, NULL, "the adapter does not know this method"};
    return method->call(job, args);
}

static void say_end(long long id, Answer answer) {
    long long q = next_q();
    if (answer.unimplemented) {
        say(json_text("{\"q\":%lld,\"end\":%lld,\"unimplemented\":\"%s\"}", q, id, answer.unimplemented));
    } else if (answer.out) {
        say(json_text("{\"q\":%lld,\"end\":%lld,\"hr\":\"0x%08X\",\"out\":%s}", q, id, (unsigned)answer.hr, answer.out));
    } else {
        say(json_text("{\"q\":%lld,\"end\":%lld,\"hr\":\"0x%08X\"}", q, id, (unsigned)answer.hr));
    }
    free(answer.out);
}

/* Makes a call that the adapter makes by itself, from `start` to `end`. `where` has `inside`, or `run` and `thread`. */
static void make(const char *where, Job *job, const Json *call) {
    long long id = own_id();
    const Json *args = field(call, "args"), *name = field(call, "call");
    const char *comma = has(call, "args") ? ",\"args\":" : "";
    say(json_text("{\"q\":%lld,\"start\":%lld,%s,\"job\":%lld,\"call\":%.*s%s%.*s}", next_q(), id, where, job->number, (int)name->length,
                  name->source, comma, has(call, "args") ? (int)args->length : 0, args->source));
    say_end(id, make_call(job, call));
}

static void make_all(const char *where, Job *job, const Json *calls) {
    for (const Json *call = calls->first; call; call = call->next) make(where, job, call);
}

/* Takes the oldest order for this event; NULL without one. Under `lock`. */
static Order *take_order(const char *event) {
    for (Order **at = &orders; *at; at = &(*at)->next) {
        Order *order = *at;
        if (strcmp(order->event, event) != 0) continue;
        *at = order->next;
        return order;
    }
    return NULL;
}

static void free_order(Order *order) {
    drop(order->line);
    free(order->event);
    free(order);
}

/* A callback: enter, what it was ordered to do, leave. */
uint32_t callback(Client *client, const char *event, Given given) {
    Job *job = client->job;
    Held mine = {0, false, NULL};
    enter_lock();
    long long q = next_q(), enter = enters++, given_job = given.job && given.job == job->yours ? job->number : -1;
    Order *order = take_order(event);
    if (order && order->hold) {
        mine = (Held){enter, false, held};
        held = &mine;
    }
    if (!job->entered) clock_gettime(CLOCK_MONOTONIC, &job->first_enter);
    job->entered = true;
    for (Job *other = jobs; other && given.job && given_job < 0; other = other->next) {
        if (other->yours == given.job) given_job = other->number;
    }
    pthread_cond_broadcast(&changed);
    leave_lock();

    char file[40] = "", error[40] = "", number[40] = "", where[40];
    if (given.file >= 0) snprintf(file, sizeof file, ",\"file\":%lld", given.file);
    if (given.has_error) snprintf(error, sizeof error, ",\"error\":\"0x%08X\"", (unsigned)given.error);
    if (given_job >= 0) snprintf(number, sizeof number, ",\"job\":%lld", given_job);
    say(json_text("{\"q\":%lld,\"enter\":%lld,\"job\":%lld,\"event\":\"%s\",\"receiver\":%lld%s,\"given\":{\"receiver\":%lld%s%s%s}}", q, enter,
                  job->number, event, client->receiver, file, client->receiver, number, file, error));

    uint32_t hr = 0;
    if (order) {
        hr = order->hr;
        snprintf(where, sizeof where, "\"inside\":%lld", enter);
        make_all(where, job, order->calls);
        enter_lock();
        while (order->hold && !mine.released) pthread_cond_wait(&changed, &lock);
        for (Held **at = &held; *at; at = &(*at)->next) {
            if (*at != &mine) continue;
            *at = mine.next;
            break;
        }
        leave_lock();
        free_order(order);
    }
    say(json_text("{\"q\":%lld,\"leave\":%lld,\"hr\":\"0x%08X\"}", next_q(), enter, (unsigned)hr));
    return hr;
}

/* Commands */

static void on_hello(const Json *hello) {
    const char *root = text_of(field(hello, "root")), *dialect = text_of(field(hello, "dialect"));
    char *methods = json_text("%s", "");
    begin(root ? root : "", dialect ? dialect : "");
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++) {
        if (!METHODS[i].written) continue;
        char *more = json_text("%s%s\"%s\"", methods, *methods ? "," : "", METHODS[i].name);
        free(methods);
        methods = more;
    }
    say(json_text("{\"hello\":1,\"q\":%lld,\"name\":\"%s\",\"version\":\"%s\",\"language\":\"c\",\"methods\":[%s],\"events\":%s,\"can\":%s}",
                  next_q(), NAME, VERSION, methods, EVENTS, CAN));
    free(methods);
}

static void run_call(Task *task) {
    say(json_text("{\"q\":%lld,\"start\":%lld}", next_q(), task->id));
    say_end(task->id, make_call(task->job, task->command));
}

static bool needs_no_job(const char *call) { return strcmp(call, "GetErrorDescription") == 0 || strncmp(call, "EnumJobs", 8) == 0; }

static void on_call(long long id, Line *line) {
    static Job none = {.number = -1};
    const Json *command = line->root, *name = field(command, "call");
    const Method *method = method_of(name);
    if (!method) return refuse(id, "the adapter does not know this method");
    if (!method->written) return refuse(id, "this method is not written yet");
    long long number = integer_of(field(command, "job"), -1);
    Job *job = is(name, "CreateJob") ? new_job(number) : find_job(number);
    if (!job && needs_no_job(name->text)) job = &none;
    if (!job) return errored(id, "no such job");
    post(worker(integer_of(field(command, "thread"), 0)), (Task){.run = run_call, .line = line, .command = command, .id = id, .job = job});
}

static void run_poll(Task *task) {
    Answer answer = {0, NULL, NULL};
    if (task->job) answer = GetState(task->job, &NOTHING);
    if (answer.out) say(json_text("{\"q\":%lld,\"end\":%lld,\"out\":%s}", next_q(), task->id, answer.out));
    else done(task->id);
    free(answer.out);
}

static void on_leaves(long long id, Line *line) {
    Order *made = NULL, **last = &made;
    const char *unknown = NULL, *impossible = NULL;
    for (const Json *leave = field(line->root, "leaves")->first; leave; leave = leave->next) {
        const char *event = text_of(field(leave, "event"));
        Order *order = checked(calloc(1, sizeof *order));
        order->line = keep(line);
        order->event = json_text("%s", event ? event : "");
        order->hold = truth_of(field(leave, "hold"));
        order->calls = field(leave, "calls");
        if (has(leave, "hr") && !code_of(text_of(field(leave, "hr")), &order->hr)) unknown = "an order has an `hr` that is no code";
        if (truth_of(field(leave, "throw")) || has(leave, "exit")) impossible = "callbacks do not throw in C, and there are no programs";
        *last = order;
        last = &order->next;
    }
    if (unknown || impossible) {
        while (made) {
            Order *next = made->next;
            free_order(made);
            made = next;
        }
        if (unknown) errored(id, unknown);
        else refuse(id, impossible);
        return;
    }
    enter_lock();
    Order *old = orders;
    orders = made;
    leave_lock();
    while (old) {
        Order *next = old->next;
        free_order(old);
        old = next;
    }
    done(id);
}

static void on_release(long long id, long long enter) {
    enter_lock();
    for (Held *at = held; at; at = at->next) at->released = at->released || at->enter == enter;
    pthread_cond_broadcast(&changed);
    leave_lock();
    done(id);
}

/* Races */

static struct timespec later(struct timespec from, long long us) {
    long long ns = from.tv_nsec + us % 1000000 * 1000;
    return (struct timespec){from.tv_sec + (time_t)(us / 1000000 + ns / 1000000000), (long)(ns % 1000000000)};
}

static long long us_until(struct timespec moment) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (moment.tv_sec - now.tv_sec) * 1000000LL + (moment.tv_nsec - now.tv_nsec) / 1000;
}

static void sleep_us(long long us) {
    struct timespec time = {(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
    if (us > 0) nanosleep(&time, NULL);
}

/* Waits until `changed`, but not longer than this. Under `lock`. */
static void wait_changed(long long us) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct timespec until = later(now, us);
    pthread_cond_timedwait(&changed, &lock, &until);
}

static void run_racer(Task *task) {
    char where[60];
    /* The last part of the wait is not slept: a sleep ends late. */
    sleep_us(us_until(task->when) - 150);
    while (us_until(task->when) > 0) continue;
    snprintf(where, sizeof where, "\"run\":%lld,\"thread\":1", task->number);
    make(where, task->job, task->command);
    enter_lock();
    *task->over = true;
    pthread_cond_broadcast(&changed);
    leave_lock();
}

static void race_run(Job *job, long long number, const Json *run, Line *line, long long settle_ms, Worker *racer) {
    char where[60];
    struct timespec moment;
    long long delay_us = integer_of(field(run, "delay_us"), 0);
    bool over = false;
    snprintf(where, sizeof where, "\"run\":%lld,\"thread\":0", number);
    make_all(where, job, field(run, "before"));
    clock_gettime(CLOCK_MONOTONIC, &moment);
    if (is(field(run, "trigger"), "at_enter")) {
        struct timespec limit = later(moment, 1000000);
        enter_lock();
        while (!job->entered && us_until(limit) > 0) wait_changed(us_until(limit));
        clock_gettime(CLOCK_MONOTONIC, &moment);
        if (job->entered) moment = job->first_enter;
        leave_lock();
    }
    if (field(run, "racer")->kind == J_NULL) {
        sleep_us(us_until(later(moment, delay_us)));
    } else {
        post(racer, (Task){.run = run_racer, .line = line, .command = field(run, "racer"), .number = number, .job = job,
                           .when = later(moment, delay_us), .over = &over});
        enter_lock();
        struct timespec limit = later(moment, delay_us + 2000000);
        while (!over) {
            wait_changed(2000000);
            /* A call that takes this long may hang. Then bgcheck ends this process, and shall have the lines before. */
            if (us_until(limit) <= 0) race_changes(0);
        }
        leave_lock();
    }
    sleep_us(1000 * settle_ms);
    make_all(where, job, field(run, "after"));
}

static void run_race(Task *task) {
    const Json *race = task->command;
    long long number = 0, settle_ms = integer_of(field(race, "settle_ms"), 0);
    race_changes(+1);
    for (const Json *run = field(race, "runs")->first; run; run = run->next) {
        Job *job = new_job(integer_of(field(run, "job"), -1));
        race_run(job, number++, run, task->line, settle_ms, worker(1));
    }
    done(task->id);
    race_changes(-1);
}

static void on_race(long long id, Line *line) {
    worker(1); /* so that no other thread makes it */
    post(worker(0), (Task){.run = run_race, .line = line, .command = field(line->root, "race"), .id = id});
}

/* Ends every job, and returns the numbers of those that could not be ended, as JSON. */
static char *reset_all(void) {
    char *left = json_text("%s", "");
    enter_lock();
    Order *former = orders;
    Job *first = jobs;
    orders = NULL;
    for (Held *at = held; at; at = at->next) at->released = true;
    pthread_cond_broadcast(&changed);
    leave_lock();
    while (former) {
        Order *next = former->next;
        free_order(former);
        former = next;
    }
    for (Job *job = first; job; job = job->next) {
        if (job->is_over) break; /* so are all behind it */
        if (job->yours && !end(job)) {
            char *more = json_text("%s%s%lld", left, *left ? "," : "", job->number);
            free(left);
            left = more;
        }
    }
    enter_lock();
    for (Job *job = first; job && !job->is_over; job = job->next) job->is_over = true;
    leave_lock();
    return left;
}

static void *run_reset(void *data) {
    long long *id = data;
    char *left = reset_all();
    say(json_text("{\"q\":%lld,\"end\":%lld,\"left\":[%s]}", next_q(), *id, left));
    free(left);
    free(id);
    return NULL;
}

static void on_reset(long long id) {
    long long *copy = checked(malloc(sizeof *copy));
    *copy = id;
    start_thread(run_reset, copy);
}

static void on_line(Line *line) {
    const Json *command = line->root;
    long long id = integer_of(field(command, "id"), 0);
    if (has(command, "hello")) on_hello(command);
    else if (has(command, "call")) on_call(id, line);
    else if (has(command, "poll")) post(worker(-1), (Task){.run = run_poll, .id = id, .job = find_job(integer_of(field(command, "poll"), -1))});
    else if (has(command, "leaves")) on_leaves(id, line);
    else if (has(command, "release")) on_release(id, integer_of(field(command, "release"), -1));
    else if (has(command, "race")) on_race(id, line);
    else if (has(command, "reset")) on_reset(id);
    else refuse(id, "the adapter does not know this command");
}

int main(void) {
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&text, &room, stdin)) > 0) {
        if (strspn(text, " \t\r\n") == (size_t)length) continue;
        Line *line = checked(calloc(1, sizeof *line));
        line->references = 1;
        line->source = memcpy(checked(malloc((size_t)length + 1)), text, (size_t)length + 1);
        Reader reader = {line->source, line->source + length, NULL};
        line->root = read_value(&reader, 0);
        skip(&reader);
        if (!reader.wrong && reader.at < reader.end) reader.wrong = "text after its end";
        if (reader.wrong) {
            char *message = json_text("a line is no JSON: %s", reader.wrong);
            errored(0, message);
            free(message);
        } else {
            on_line(line);
        }
        drop(line);
    }
    free(reset_all());
    race_changes(0);
    _Exit(0); /* without more ado: threads may still run */
}
