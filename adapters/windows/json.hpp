// JSON, as much as the adapter protocol needs: a reader to a tree of values, and a writer to text.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

class Json {
public:
    enum Kind { NUL, BOOL, NUMBER, STRING, ARRAY, OBJECT };

    Kind kind = NUL;
    double number = 0;
    std::string text;                                  // of a STRING, in UTF-8
    std::vector<Json> items;                           // of an ARRAY
    std::vector<std::pair<std::string, Json>> fields;  // of an OBJECT, in their order

    // Reads one document; throws std::runtime_error when the text is none.
    static Json parse(const std::string &source) {
        const char *at = source.c_str(), *end = at + source.size();
        Json value = read(at, end, 0);
        skip(at, end);
        if (at != end) throw std::runtime_error("text after the end of the JSON document");
        return value;
    }

    // The field of this name, or null when there is none.
    const Json &operator[](const char *name) const {
        static const Json none;
        for (auto &field : fields)
            if (field.first == name) return field.second;
        return none;
    }

    bool has(const char *name) const {
        for (auto &field : fields)
            if (field.first == name) return true;
        return false;
    }
    bool is_null() const { return kind == NUL; }
    long long integer(long long otherwise = 0) const { return kind == NUMBER ? (long long)number : otherwise; }
    bool truth() const { return kind == BOOL && number != 0; }

    std::string dump() const {
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

    static std::string quote(const std::string &text) {
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

private:
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

    static Json read(const char *&at, const char *end, int depth) {
        Json value;
        if (depth > 64) throw std::runtime_error("JSON is nested too deeply");
        skip(at, end);
        if (at == end) throw std::runtime_error("JSON ends too early");
        if (*at == '{') {
            value.kind = OBJECT;
            at++;
            if (take(at, end, '}')) return value;
            do {
                expect(at, end, '"');
                std::string name = read_text(at, end);
                expect(at, end, ':');
                value.fields.emplace_back(std::move(name), read(at, end, depth + 1));
            } while (take(at, end, ','));
            expect(at, end, '}');
        } else if (*at == '[') {
            value.kind = ARRAY;
            at++;
            if (take(at, end, ']')) return value;
            do value.items.push_back(read(at, end, depth + 1));
            while (take(at, end, ','));
            expect(at, end, ']');
        } else if (*at == '"') {
            value.kind = STRING;
            at++;
            value.text = read_text(at, end);
        } else if (word(at, end, "true")) {
            value.kind = BOOL;
            value.number = 1;
        } else if (word(at, end, "false")) {
            value.kind = BOOL;
        } else if (!word(at, end, "null")) {
            char *after = nullptr;
            value.kind = NUMBER;
            value.number = strtod(at, &after);
            if (after == at) throw std::runtime_error("neither a value nor a number in JSON");
            at = after;
        }
        return value;
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
};

// Writes one object, field by field: Fields().put("q", 3).put("hr", "S_OK").line()
class Fields {
public:
    Fields &raw(const char *name, const std::string &json) {
        out += (out.empty() ? "" : ",") + Json::quote(name) + ":" + json;
        return *this;
    }
    Fields &put(const char *name, const std::string &text) { return raw(name, Json::quote(text)); }
    Fields &put(const char *name, long long number) { return raw(name, std::to_string(number)); }
    std::string line() const { return "{" + out + "}"; }

private:
    std::string out;
};
