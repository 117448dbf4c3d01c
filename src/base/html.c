#include "base/html.h"

void gs__html_append(gs__text *out, const char *text) {
    for (; text && *text; text++) {
        switch (*text) {
        case '&':
            gs__text_append(out, "&amp;");
            break;
        case '<':
            gs__text_append(out, "&lt;");
            break;
        case '>':
            gs__text_append(out, "&gt;");
            break;
        case '"':
            gs__text_append(out, "&quot;");
            break;
        case '\'':
            gs__text_append(out, "&#39;");
            break;
        default:
            gs__text_append_bytes(out, (unsigned char)*text < 0x20 || *text == 0x7F ? " " : text, 1);
        }
    }
}
