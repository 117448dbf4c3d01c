#include "base/json_scan.h"

#include <stdbool.h>
#include <string.h>

// cJSON cuts numbers off at 63 characters.
enum { MAX_NUMBER_BYTES = 60 };

typedef struct scanner {
    const char *at, *end;
    const char *wrong; // first error
    unsigned depth_left;
} scanner;

static bool fail(scanner *s, const char *at, const char *wrong) {
    s->at = at;
    s->wrong = wrong;
    return false;
}

static int peek(const scanner *s) {
    return s->at < s->end ? (unsigned char)*s->at : -1;
}

static void skip_space(scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool digits(scanner *s) {
    if (!is_digit(peek(s))) return fail(s, s->at, "a digit is missing");
    while (is_digit(peek(s))) s->at++;
    return true;
}

static bool number(scanner *s) {
    const char *begin = s->at;
    if (peek(s) == '-') s->at++;
    if (peek(s) == '0') {
        s->at++;
        if (is_digit(peek(s))) return fail(s, begin, "a number must not begin with 0");
    } else if (!digits(s)) {
        return peek(s) == 'I' ? fail(s, begin, "-Infinity is not JSON") : false;
    }
    if (peek(s) == '.') {
        s->at++;
        if (!digits(s)) return false;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-') s->at++;
        if (!digits(s)) return false;
    }
    return s->at - begin <= MAX_NUMBER_BYTES || fail(s, begin, "a number has more than 60 characters");
}

// Four hexadecimal digits, or -1.
static int hex4(scanner *s) {
    int value = 0;
    for (int i = 0; i < 4; i++, s->at++) {
        int c = peek(s);
        if (is_digit(c)) value = value * 16 + c - '0';
        else if (c >= 'a' && c <= 'f') value = value * 16 + c - 'a' + 10;
        else if (c >= 'A' && c <= 'F') value = value * 16 + c - 'A' + 10;
        else return -1;
    }
    return value;
}

static bool escape(scanner *s) {
    const char *begin = s->at++;
    int c = peek(s);
    if (c < 0) return fail(s, begin, "the text ends within a string");
    s->at++;
    if (c != 'u') return strchr("\"\\/bfnrt", c) && c ? true : fail(s, begin, "unknown escape in a string");
    int unit = hex4(s);
    if (unit < 0) return fail(s, begin, "\\u needs four hexadecimal digits");
    if (unit == 0) return fail(s, begin, "\\u0000 within a string is not supported");
    if (unit < 0xD800 || unit > 0xDFFF) return true;
    if (unit > 0xDBFF || s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
        return fail(s, begin, "half of a surrogate pair in a string");
    s->at += 2;
    unit = hex4(s);
    return (unit >= 0xDC00 && unit <= 0xDFFF) || fail(s, begin, "half of a surrogate pair in a string");
}

// One character of more than 7 bits.
static bool utf8(scanner *s) {
    const unsigned char *p = (const unsigned char *)s->at;
    size_t left = (size_t)(s->end - s->at), length;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) length = 2;
    else if (p[0] >= 0xE0 && p[0] <= 0xEF) length = 3;
    else if (p[0] >= 0xF0 && p[0] <= 0xF4) length = 4;
    else return fail(s, s->at, "the text is not UTF-8");
    if (length > left) return fail(s, s->at, "the text is not UTF-8");
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xC0) != 0x80) return fail(s, s->at, "the text is not UTF-8");
    // Overlong forms, surrogates, beyond U+10FFFF.
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
        (p[0] == 0xF4 && p[1] > 0x8F))
        return fail(s, s->at, "the text is not UTF-8");
    s->at += length;
    return true;
}

static bool string(scanner *s) {
    const char *begin = s->at++;
    for (;;) {
        int c = peek(s);
        if (c < 0) return fail(s, begin, "a string does not end");
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20) return fail(s, s->at, "a control character within a string (is its closing quote missing?)");
        if (c == '\\') {
            if (!escape(s)) return false;
        } else if (c >= 0x80) {
            if (!utf8(s)) return false;
        } else {
            s->at++;
        }
    }
}

static bool word(scanner *s, const char *text) {
    size_t length = strlen(text);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, text, length) != 0)
        return fail(s, s->at, "a value is expected here");
    s->at += length;
    return true;
}

static bool value(scanner *s);

// What follows an element: true when there is another one, else *done or an error.
static bool another(scanner *s, char close, const char *wrong, bool *done) {
    skip_space(s);
    *done = peek(s) == close;
    if (*done) {
        s->at++;
        return false;
    }
    if (peek(s) != ',') return fail(s, s->at, peek(s) < 0 ? "the text ends too early" : wrong);
    s->at++;
    skip_space(s);
    if (peek(s) == close) return fail(s, s->at, "nothing follows the comma");
    return true;
}

static bool array(scanner *s) {
    bool done = false;
    s->at++;
    skip_space(s);
    if (peek(s) == ']') {
        s->at++;
        return true;
    }
    do {
        if (!value(s)) return false;
    } while (another(s, ']', "\",\" or \"]\" is expected here", &done));
    return done;
}

static bool object(scanner *s) {
    bool done = false;
    s->at++;
    skip_space(s);
    if (peek(s) == '}') {
        s->at++;
        return true;
    }
    do {
        skip_space(s);
        if (peek(s) != '"')
            return fail(s, s->at, peek(s) < 0 ? "the text ends too early" : "a key in double quotes is expected here");
        if (!string(s)) return false;
        skip_space(s);
        if (peek(s) != ':') return fail(s, s->at, peek(s) < 0 ? "the text ends too early" : "\":\" is expected here");
        s->at++;
        if (!value(s)) return false;
    } while (another(s, '}', "\",\" or \"}\" is expected here", &done));
    return done;
}

static bool value(scanner *s) {
    skip_space(s);
    switch (peek(s)) {
    case -1:
        return fail(s, s->at, "the text ends too early");
    case '{':
    case '[': {
        if (s->depth_left == 0) return fail(s, s->at, GS__JSON_TOO_DEEP);
        s->depth_left--;
        bool good = *s->at == '{' ? object(s) : array(s);
        s->depth_left++;
        return good;
    }
    case '"':
        return string(s);
    case 't':
        return word(s, "true");
    case 'f':
        return word(s, "false");
    case 'n':
        return word(s, "null");
    case 'N':
        return fail(s, s->at, "NaN is not JSON");
    case 'I':
        return fail(s, s->at, "Infinity is not JSON");
    case '/':
        return fail(s, s->at, "comments are not JSON");
    default:
        break;
    }
    if (peek(s) == '-' || is_digit(peek(s))) return number(s);
    return fail(s, s->at, "a value is expected here");
}

const char *gs__json_scan(const char *text, size_t bytes, unsigned max_depth, size_t *offset) {
    scanner s = {.at = text, .end = text + bytes, .depth_left = max_depth};
    skip_space(&s);
    if (s.at == s.end) {
        s.wrong = "the text is empty";
    } else if (value(&s)) {
        skip_space(&s);
        if (s.at != s.end) s.wrong = *s.at ? "more text follows the end" : "a zero byte follows the end";
    }
    *offset = (size_t)(s.at - text);
    return s.wrong;
}
