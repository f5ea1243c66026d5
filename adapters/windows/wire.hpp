// The wire: the counter `q`, the lines that go out, and the names of codes.
#pragma once

#include <string>

#include "json.hpp"
#include "system.hpp"

// The next value of the one counter that orders all events.
long long next_q();

// A line for bgcheck. It is queued, so a full pipe never delays a call or a callback.
void say(const Fields &fields);

// Between these, lines stay in memory: a race that runs writes nothing, unless it makes no line for two seconds.
void keep_lines();
void release_lines();

// Waits until every queued line has been written.
void flush_lines();

std::string hresult_text(HRESULT hr);
// Reads "0x80004005" or "E_FAIL"; false when it is neither.
bool hresult_of(const std::string &text, HRESULT &hr);

std::wstring wide(const std::string &utf8);
std::string narrow(const wchar_t *text);
